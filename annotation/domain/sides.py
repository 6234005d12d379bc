"""The sides that responses were shown on, where a vote combines several orders."""

from dataclasses import dataclass

import numpy as np

from annotation.domain.verdicts import Bools, Ints


@dataclass(frozen=True)
class Sides:
    """What combined votes said in each of the orders that they were asked in.

    row: (m,) number of the vote. choice, swapped: (m,) as in `Votes`, the order known.
    """

    row: Ints
    choice: Ints
    swapped: Ints

    def where(self, kept: Bools) -> "Sides":
        """Those of the votes that a (n,) mask keeps, which are numbered anew."""
        mine = kept[self.row]
        number = np.cumsum(kept) - 1
        return Sides(number[self.row[mine]], self.choice[mine], self.swapped[mine])


@dataclass(frozen=True)
class Shown:
    """Verdicts in the order they were given in: what figures about sides count. As in `Votes`."""

    item: Ints
    annotator: Ints
    choice: Ints
    swapped: Ints

    def and_behind(self, sides: Sides) -> "Shown":
        """These votes and, after them, those behind the combined ones among them."""
        item, annotator = self.item[sides.row], self.annotator[sides.row]
        behind = vars(Shown(item, annotator, sides.choice, sides.swapped))
        return Shown(**{k: np.concatenate([own, behind[k]]) for k, own in vars(self).items()})
