"""Judgments in plain words: how a ranking, a strength or an outcome reads in a sentence."""

from collections.abc import Mapping, Sequence

from annotation.domain.vocabulary import CannotJudgeReason, Outcome

STRENGTH_WORDS: dict[int, tuple[str, ...]] = {
    1: ("",),
    2: ("slightly", "much"),
    3: ("slightly", "", "much"),
    4: ("slightly", "", "much", "far"),
}
REASONS = {
    CannotJudgeReason.LANGUAGE: "the language is not theirs",
    CannotJudgeReason.EXPERTISE: "it needs expertise that they lack",
    CannotJudgeReason.BROKEN: "the text is broken",
    CannotJudgeReason.UNSAFE: "the content is unsafe",
    CannotJudgeReason.OTHER: "another reason",
}


def letters_of(response_ids: Sequence[int]) -> dict[int, str]:
    """Name responses A, B, C… in the order given, 9 at most."""
    return dict(zip(response_ids, "ABCDEFGHI", strict=False))


def strength_word(strength: int | None, levels: int) -> str:
    """Say a strength in a word; "" for plainly better, and where it is unknown or a tie.

    Args:
        strength: 0 for a tie, 1 to 4, None where it is not known.
        levels: how many degrees the project offers, 1 to 4. A judgment may carry a degree above.
    """
    words = STRENGTH_WORDS[levels]
    return words[min(strength, len(words)) - 1] if strength else ""


def joined(names: Sequence[str]) -> str:
    """Join names as prose does: "A", "A and B", "A, B and C"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def ranking_sentence(
    ranking: Sequence[Sequence[int]],
    strength: int | None,
    letters: Mapping[int, str],
    levels: int,
) -> str:
    """Say a ranking in a sentence: "A is slightly better than B", "C, then A and B (tied)"."""
    tiers = [sorted(letters.get(response, "?") for response in tier) for tier in ranking]
    if len(tiers) == 1:
        return f"{joined(tiers[0])} are equally good"
    word = strength_word(strength, levels)
    if sum(map(len, tiers)) == 2:
        return f"{tiers[0][0]} is {f'{word} ' if word else ''}better than {tiers[1][0]}"
    order = ", then ".join(joined(tier) + (" (tied)" if len(tier) > 1 else "") for tier in tiers)
    return f"{order}; the first is {word} better" if word else order


def verdict_sentence(
    outcome: str,
    ranking: Sequence[Sequence[int]],
    strength: int | None,
    reason: str,
    letters: Mapping[int, str],
    levels: int,
) -> str:
    """Say a whole verdict in a sentence without its full stop."""
    if outcome == Outcome.RANKED:
        return ranking_sentence(ranking, strength, letters, levels)
    if outcome == Outcome.CANNOT_JUDGE:
        return f"Cannot judge: {REASONS[CannotJudgeReason(reason)]}"
    return {
        Outcome.BOTH_BAD: "Both are bad" if len(letters) == 2 else "All are bad",
        Outcome.UNSURE: "Unsure",
        Outcome.UNPARSED: "The answer could not be read",
    }[Outcome(outcome)]
