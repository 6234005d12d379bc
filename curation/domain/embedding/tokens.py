"""From a text to the runs of tokens that a model reads one by one."""

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from curation.domain.embedding.chunks import windows
from curation.domain.embedding.errors import UnusableModel

OVERLAP = 32  # tokens that a chunk of a long text shares with the one before it
PROBE = "a"

Run = NDArray[np.int32]


class Cutter:
    """Cuts texts into runs of at most `limit` tokens, those that the model adds included.

    Args:
        tokenizer: the model's own; a copy is used, without its padding and truncation.
        limit: most tokens of a run.
        prompt: what the model wants before every text, and so before every chunk.

    Raises:
        UnusableModel: the tokenizer adds its tokens elsewhere, or leaves no room for a text.
    """

    def __init__(self, tokenizer: Tokenizer, limit: int, prompt: str = "") -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        before, self._after = self._added()
        self._before = np.concatenate([before, self.read(prompt)])
        self.n_added = len(self._before) + len(self._after)
        self.room = limit - self.n_added
        if self.room < 1:
            raise UnusableModel(f"The model's limit of {limit} tokens leaves no room for a text.")
        self.overlap = min(OVERLAP, self.room // 4)

    def _added(self) -> tuple[Run, Run]:
        bare = self._tokenizer.encode(PROBE, add_special_tokens=False).ids
        whole = self._tokenizer.encode(PROBE).ids
        for start in range(len(whole) - len(bare) + 1):
            if bare and whole[start : start + len(bare)] == bare:
                stop = start + len(bare)
                return np.array(whole[:start], np.int32), np.array(whole[stop:], np.int32)
        raise UnusableModel("The model's tokenizer does not put its own tokens around the text's.")

    def read(self, text: str) -> Run:
        """Tokens of a text, shape (n,), without those that the model adds; none in an empty one.

        Unpaired surrogates count as U+FFFD.
        """
        encoding = self._tokenizer.encode(readable(text), add_special_tokens=False)
        return np.array(encoding.ids, dtype=np.int32)

    def cut(self, tokens: Run) -> list[Run]:
        """Whole runs for the model, with the tokens it adds; a long text gives several."""
        cuts = windows(len(tokens), self.room, self.overlap)
        return [np.concatenate([self._before, tokens[a:b], self._after]) for a, b in cuts]


def readable(text: str) -> str:
    """Join pairs of surrogates into their character and replace those left alone by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
