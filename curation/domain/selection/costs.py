"""What a comparison costs an annotator, told beforehand from the length of its texts."""

import numpy as np
from numpy.typing import NDArray

# Brysbaert 2019 (J. Memory and Language 109, 104047): 238 words of English non-fiction a minute,
# of 4.6 letters and a space each.
CHARACTERS_PER_MINUTE = 238 * 5.6
MINUTES_TO_DECIDE = 10 / 60  # to choose and submit, whatever the length; our own measure


def reading_minutes(n_chars: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minutes to read prompt and responses once and to decide.

    Args:
        n_chars: code points of each comparison, NaN where not known yet: taken as the mean of the
            known ones, or as none where none is known.
    Returns:
        Above 0, of the same shape.
    """
    is_known = ~np.isnan(n_chars)
    usual = float(n_chars[is_known].mean()) if is_known.any() else 0.0
    return np.where(is_known, n_chars, usual) / CHARACTERS_PER_MINUTE + MINUTES_TO_DECIDE
