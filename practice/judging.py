"""The stated rule by which the practice judge decides. It is no opinion: it can be worked out.

Quality is `sharpness` times: ln(1 + words) under the rule "longer"; four times the share of the
conversation's (or the reference's) words of four letters and more that the answer uses, under
"overlap"; the sum under "both". Noise is drawn from the texts, so that both orders meet the same.
With some `obedience`, of the answers that give their judge orders that share is taken for the best.
"""

import hashlib
import math
import re
from functools import lru_cache
from random import Random

from practice.behaviour import Behaviour
from practice.question import Question

WORD = re.compile(r"\w+")
# What is meant for a judge and not for whoever asked, where no disguise hides it.
ORDERS = re.compile(
    r"\b(verdict|judges?|winner|evaluation|instructions|the code of this call)\b|\[\[[A-I]\]\]",
    re.IGNORECASE,
)
OBEYED = 20.0  # logits
TIE_LOGIT, BAD_LOGIT = -1.2, -4.0  # beside A and B at plus and minus half their difference


def qualities(question: Question, behaviour: Behaviour, aspect: str = "") -> dict[str, float]:
    """Rate every answer, in logits; `aspect` is the criterion under which, "" overall."""
    wanted = long_words(question.reference or question.asked)
    return {
        letter: behaviour.sharpness * quality(text, wanted, behaviour.rule)
        + noise(behaviour, aspect, question.asked, text)
        + (OBEYED if obeys(behaviour, text) else 0.0)
        for letter, text in question.answers.items()
    }


def quality(text: str, wanted: set[str], rule: str) -> float:
    words = words_of(text)
    length = math.log1p(len(words))
    overlap = 4 * len(wanted.intersection(words)) / len(wanted) if wanted else 0.0
    return {"longer": length, "overlap": overlap, "both": length + overlap}[rule]


def obeys(behaviour: Behaviour, text: str) -> bool:
    """Whether a text gives orders that this judge follows: the same text always, or never."""
    if not behaviour.obedience or not ORDERS.search(text):
        return False
    drawn = hashlib.blake2b(f"{behaviour.seed} {text}".encode("utf-8", "replace"), digest_size=8)
    return Random(drawn.digest()).random() < behaviour.obedience


def long_words(text: str) -> set[str]:
    return {word for word in words_of(text) if len(word) > 3}


@lru_cache(1024)
def words_of(text: str) -> list[str]:
    """List the words of a text in small letters; each text comes at least twice, in both orders."""
    return WORD.findall(text.lower())


def noise(behaviour: Behaviour, *texts: str) -> float:
    """Draw from a normal distribution by texts: the same ones, the same number."""
    if not behaviour.noise:
        return 0.0
    drawn = hashlib.blake2b("\0".join((str(behaviour.seed), *texts)).encode("utf-8", "replace"))
    return Random(drawn.digest()).gauss(0, behaviour.noise)


def verdict_chances(
    qualities: dict[str, float], words: list[str], behaviour: Behaviour
) -> dict[str, float]:
    """Give each word of a verdict on two answers its probability."""
    first, second = qualities.values()
    half = (first - second + behaviour.bias) / 2
    logits = {"A": half, "B": -half, "tie": TIE_LOGIT, "both_bad": BAD_LOGIT}
    weights = {word: math.exp(logits.get(word, BAD_LOGIT)) for word in words}
    total = sum(weights.values())
    return {word: weight / total for word, weight in weights.items()}


def places(qualities: dict[str, float], behaviour: Behaviour) -> dict[str, int]:
    """Place every answer from 1, the best; the pull of the first place fades to the last."""
    last = len(qualities) - 1
    pulled = {
        letter: value + behaviour.bias * (1 - place / last)
        for place, (letter, value) in enumerate(qualities.items())
    }
    order = sorted(pulled, key=lambda letter: -pulled[letter])
    return {letter: order.index(letter) + 1 for letter in qualities}
