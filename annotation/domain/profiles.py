"""What people may tell about themselves, and how much of it a group may show.

The fields follow the profile of the PRISM dataset (Kirk et al. 2024); each is optional and knows
"prefer not to say", which is an answer and not a gap.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.domain.errors import InvalidField

SCHEMA = 1  # of `demographics`; what is stored names the schema that it was asked under
FEWEST_IN_GROUP = 10
MOST_TAGS = 20
TAG_MAX = 60
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LANGUAGE_MAX = 20
UNSAID = "prefer not to say"


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the demographics, with what may be answered."""

    key: str
    label: str
    choices: tuple[str, ...]


AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65 or older")
QUESTIONS = (
    Question("age", "Age", AGES),
    Question("gender", "Gender", ("woman", "man", "non-binary", "another")),
    Question(
        "education",
        "Highest education finished",
        ("primary school", "secondary school", "vocational", "bachelor", "master", "doctorate"),
    ),
    Question(
        "employment",
        "Employment",
        (
            "full-time",
            "part-time",
            "self-employed",
            "unemployed",
            "student",
            "retired",
            "homemaker",
        ),
    ),
    Question(
        "english", "English", ("native", "fluent", "advanced", "intermediate", "basic", "none")
    ),
    Question(
        "region",
        "Region you live in",
        (
            "Africa",
            "Asia",
            "Europe",
            "Latin America and the Caribbean",
            "Middle East",
            "Northern America",
            "Oceania",
        ),
    ),
    Question(
        "lm_familiarity",
        "How well you know language models",
        ("very well", "somewhat", "hardly", "not at all"),
    ),
    Question(
        "lm_use",
        "How often you use them",
        ("every day", "every week", "every month", "seldom", "never"),
    ),
)
BY_KEY = {question.key: question for question in QUESTIONS}


def tag_of(text: str) -> str:
    """Spell a field of expertise in the one way in which it is stored and compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def tags_of(given: Sequence[str], field: str = "expertise") -> list[str]:
    """Normalise tags and drop repeats.

    Raises:
        InvalidField: more than 20, or one longer than 60 characters or with control characters.
    """
    tags = list(dict.fromkeys(tag for text in given if (tag := tag_of(text))))
    if len(tags) > MOST_TAGS:
        raise InvalidField(f"At most {MOST_TAGS}; keep those that matter most.", field=field)
    for tag in tags:
        if len(tag) > TAG_MAX:
            raise InvalidField(f"“{tag[:20]}…” is longer than {TAG_MAX} characters.", field=field)
        if not tag.isprintable():
            raise InvalidField("A tag holds a character that nobody can see.", field=field)
    return tags


def languages_of(given: Sequence[str]) -> list[str]:
    """Check language tags such as “en” or “pt-BR” (BCP 47).

    Raises:
        InvalidField: names the first that is none.
    """
    languages = list(dict.fromkeys(text.strip() for text in given if text.strip()))
    if len(languages) > MOST_TAGS:
        raise InvalidField(f"At most {MOST_TAGS} languages.", field="languages")
    for language in languages:
        if len(language) > LANGUAGE_MAX or not LANGUAGE.fullmatch(language):
            detail = f"“{language[:20]}” is no language code; write en, de or pt-BR."
            raise InvalidField(detail, field="languages")
    return languages


def demographics_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check answers by key; what was left empty is left out.

    Returns:
        The answers with the schema that they were given under, or {} without any.

    Raises:
        InvalidField: a field or an answer is not among those asked.
    """
    answers: dict[str, Any] = {}
    for key, answer in given.items():
        if key not in BY_KEY:
            raise InvalidField(f"“{key[:40]}” is not asked.", field=key[:40])
        if answer in (None, ""):
            continue
        if answer not in (*BY_KEY[key].choices, UNSAID):
            raise InvalidField("Choose one of the answers offered, or none.", field=key)
        answers[key] = answer
    return {"schema": SCHEMA, **answers} if answers else {}


def shown_counts(answers: Collection[str], fewest: int = FEWEST_IN_GROUP) -> dict[str, int]:
    """Count groups, and hide those in which somebody could be found out.

    A group of less than `fewest` is left out. Where what is hidden adds up to less than `fewest`
    people, it could be worked out from the total, so the smallest shown group is hidden too, until
    it does not or nothing is shown. Groups are the larger first, equal ones by name.

    Args:
        answers: one of each person.

    Source: Sweeney (2002), k-anonymity; complementary cell suppression as in Hundepool et al.
    (2012), Statistical disclosure control, chapter 4.
    """
    counts = sorted(Counter(answers).items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [(answer, n) for answer, n in counts if n >= fewest]
    hidden = sum(n for _, n in counts) - sum(n for _, n in shown)
    while shown and 0 < hidden < fewest:
        hidden += shown.pop()[1]
    return dict(shown)
