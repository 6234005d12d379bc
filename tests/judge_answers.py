"""Answers of judges: what each form of question wants to hear, and hundreds of ways to miss it."""

import copy
import json
from dataclasses import dataclass

from annotation.domain.content import text_part, user_prompt
from annotation.domain.judges.asking import Asked, JudgedCriterion, Template
from annotation.domain.vocabulary import AnswerStatus, CriterionKind, TemplateKind

NONCE = "k3v9x0q7m2tz"
HELPFUL = JudgedCriterion("helpful", CriterionKind.PREFERENCE, "Helpful", "Does it help?")
TRUE = JudgedCriterion("true", CriterionKind.RATING, "True", "Is it right?", 1, 5)
WHY = "The second says why; the first, “only” what."


def asked_of(n_answers=2, **fields):
    answers = [text_part(f"Answer number {n}.") for n in range(n_answers)]
    return Asked(user_prompt("Why is the sky blue?"), answers, **fields)


def template_of(kind=TemplateKind.OVERALL, asks_why=True, uses_reference=False):
    return Template(kind, asks_why, uses_reference, "Say which answer is better.")


@dataclass(frozen=True)
class Form:
    """A question with an answer that fits it; `verdict` is what it says, nonce and why apart."""

    template: Template
    asked: Asked
    verdict: dict

    @property
    def answer(self):
        why = {"why": WHY} if self.template.asks_why else {}
        return {"nonce": NONCE, **why, **self.verdict}


BRIEF, CRITERIA = template_of(asks_why=False), template_of(TemplateKind.CRITERIA)
RANKING = template_of(TemplateKind.RANKING)
FORMS = {
    "pair": Form(template_of(), asked_of(), {"verdict": "B"}),
    "pair, no words": Form(BRIEF, asked_of(), {"verdict": "tie"}),
    "pair, no way out": Form(
        template_of(), asked_of(allows_tie=False, allows_both_bad=False), {"verdict": "A"}
    ),
    "pair, with reference": Form(
        template_of(uses_reference=True), asked_of(reference="Light scatters."), {"verdict": "A"}
    ),
    "pair, criteria": Form(
        CRITERIA,
        asked_of(criteria=(HELPFUL, TRUE)),
        {"criteria": {"helpful": "A", "true": {"A": 2, "B": 5}}, "verdict": "both_bad"},
    ),
    "three": Form(
        RANKING, asked_of(3), {"verdict": "ranked", "places": {"A": 2, "B": 1, "C": 2}}
    ),
    "three, criteria": Form(
        CRITERIA,
        asked_of(3, criteria=(HELPFUL, TRUE), allows_both_bad=False),
        {
            "criteria": {"helpful": {"A": 1, "B": 2, "C": 3}, "true": {"A": 1, "B": 1, "C": 1}},
            "places": {"A": 3, "B": 1, "C": 2},
        },
    ),
    "nine, no ties": Form(
        RANKING,
        asked_of(9, allows_tie=False),
        {
            "verdict": "ranked",
            "places": {letter: 9 - n for n, letter in enumerate("ABCDEFGHI")},
        },
    ),
}  # fmt: skip


def body_with(content, **message):
    """The body of a chat completion that says so."""
    return {
        "id": "answer-1",
        "object": "chat.completion",
        "model": "practice-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content} | message,
            }
        ],
        "usage": {"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340},
    }


def dumped(value):
    return json.dumps(value, ensure_ascii=False)


def without(answer, key):
    return {name: value for name, value in answer.items() if name != key}


# Texts that stand where the one JSON object should; a function takes the right answer.
TEXTS = {
    "nothing": lambda answer: "",
    "white space": lambda answer: " \n\t ",
    "null": lambda answer: "null",
    "a bare word": lambda answer: '"A"',
    "a bare letter": lambda answer: "A",
    "a number": lambda answer: "1",
    "an empty list": lambda answer: "[]",
    "an empty object": lambda answer: "{}",
    "the object in a list": lambda answer: dumped([answer]),
    "the object as a text": lambda answer: dumped(dumped(answer)),
    "the object inside an object": lambda answer: dumped({"answer": answer}),
    "prose": lambda answer: "I prefer answer A, because it is complete.",
    "marks": lambda answer: "[[A]]",
    "prose with marks": lambda answer: "Both are fine, but the first is finer. [[A]]",
    "prose refusing": lambda answer: "I'm sorry, but I can't compare these.",
    "a fence": lambda answer: f"```json\n{dumped(answer)}\n```",
    "a fence without a name": lambda answer: f"```\n{dumped(answer)}\n```",
    "an open fence": lambda answer: f"```json\n{dumped(answer)}",
    "tildes": lambda answer: f"~~~\n{dumped(answer)}\n~~~",
    "two objects": lambda answer: f"{dumped(answer)}\n{dumped(answer)}",
    "two objects in a row": lambda answer: dumped(answer) * 2,
    "two objects with a comma": lambda answer: f"{dumped(answer)}, {dumped(answer)}",
    "words before": lambda answer: f"Verdict: {dumped(answer)}",
    "words after": lambda answer: f"{dumped(answer)} Hope this helps!",
    "a full stop after": lambda answer: f"{dumped(answer)}.",
    "thoughts before": lambda answer: f"<think>Hm, A?</think>{dumped(answer)}",
    "a turn after": lambda answer: f"{dumped(answer)}<|im_end|>",
    "a page": lambda answer: "<!doctype html><title>Sign in</title>",
    "an element": lambda answer: "<verdict>A</verdict>",
    "YAML": lambda answer: f"nonce: {NONCE}\nverdict: A",
    "Python": lambda answer: repr(answer),
    "single quotes": lambda answer: dumped(answer).replace('"', "'"),
    "typographic quotes": lambda answer: dumped(answer).replace('"', "”"),
    "keys without quotes": lambda answer: dumped(answer).replace('"nonce"', "nonce"),
    "a trailing comma": lambda answer: f"{dumped(answer)[:-1]},}}",
    "a comment": lambda answer: f"{dumped(answer)[:-1]} /* sure */}}",
    "a line comment": lambda answer: f"// sure\n{dumped(answer)}",
    "half of it": lambda answer: dumped(answer)[: len(dumped(answer)) // 2],
    "all but the last brace": lambda answer: dumped(answer)[:-1],
    "all but the first brace": lambda answer: dumped(answer)[1:],
    "one brace too many": lambda answer: f"{dumped(answer)}}}",
    "a doubled nonce": lambda answer: f'{{"nonce": "{NONCE}", {dumped(answer)[1:]}',
    "a doubled verdict": lambda answer: f'{dumped(answer)[:-1]}, "verdict": "A", "verdict": "A"}}',
    "a key spelled twice": lambda answer: f'{dumped(answer)[:-1]}, "n\\u006fnce": "{NONCE}"}}',
    "NaN": lambda answer: f'{dumped(answer)[:-1]}, "score": NaN}}',
    "infinity": lambda answer: f'{dumped(answer)[:-1]}, "score": -Infinity}}',
    "1e999": lambda answer: f'{dumped(answer)[:-1]}, "score": 1e999}}',
    "a long number": lambda answer: f'{dumped(answer)[:-1]}, "score": {"9" * 4301}}}',
    "a byte order mark": lambda answer: f"\ufeff{dumped(answer)}",
    "no-break space around": lambda answer: f"\u00a0{dumped(answer)}\u00a0",
    "a NUL": lambda answer: f"{dumped(answer)[:-1]}\0}}",
    "a NUL before": lambda answer: f"\0{dumped(answer)}",
    "a raw line feed in a text": lambda answer: dumped(answer).replace(NONCE, f"{NONCE}\n"),
    "an escaped NUL": lambda answer: dumped(answer | {"nonce": f"{NONCE}\0"}),
    "half a pair": lambda answer: json.dumps(answer | {"nonce": f"{NONCE}\ud800"}),
    "half a pair, unescaped": lambda answer: dumped(answer | {"nonce": f"{NONCE}\udfff"}),
    "deep lists": lambda answer: "[" * 50_000 + "]" * 50_000,
    "deep objects": lambda answer: '{"a":' * 50_000 + "1" + "}" * 50_000,
    "a deep value": lambda answer: dumped(answer)[:-1] + ', "x": ' + "[" * 80 + "]" * 80 + "}",
    "ten megabytes of prose": lambda answer: "so " * 3_500_000,
    "ten megabytes of white space": lambda answer: " " * 10_000_000 + dumped(answer),
    "a tool call": lambda answer: dumped({"name": "decide", "arguments": answer}),
    "a wrong escape": lambda answer: dumped(answer).replace(NONCE, "\\x41"),
    "control characters": lambda answer: dumped(answer).replace(NONCE, f"\x1b[31m{NONCE}"),
}

# Objects that differ from the right one; none of them is an answer.
OBJECTS = {
    "another nonce": lambda answer: answer | {"nonce": "k3v9x0q7m2tx"},
    "an empty nonce": lambda answer: answer | {"nonce": ""},
    "half the nonce": lambda answer: answer | {"nonce": NONCE[:6]},
    "the nonce twice": lambda answer: answer | {"nonce": NONCE * 2},
    "a nonce with a space": lambda answer: answer | {"nonce": f"{NONCE} "},
    "the nonce in capitals": lambda answer: answer | {"nonce": NONCE.upper()},
    "the nonce with something unseen": lambda answer: answer | {"nonce": f"{NONCE}\u200b"},
    "a nonce that is null": lambda answer: answer | {"nonce": None},
    "a nonce that is a number": lambda answer: answer | {"nonce": 0},
    "a nonce that is true": lambda answer: answer | {"nonce": True},
    "a nonce in a list": lambda answer: answer | {"nonce": [NONCE]},
    "no nonce": lambda answer: without(answer, "nonce"),
    "a nonce under another name": lambda answer: without(answer, "nonce") | {"code": NONCE},
    "one key more": lambda answer: answer | {"confidence": 0.9},
    "a key of another spelling": lambda answer: answer | {"Verdict": "A"},
    "a prototype": lambda answer: answer | {"__proto__": {"verdict": "A"}},
    "a winner": lambda answer: answer | {"winner": "A"},
    "no verdict at all": lambda answer: {k: answer[k] for k in answer if k in ("nonce", "why")},
    "a why that is a number": lambda answer: answer | {"why": 3},
    "a why that is null": lambda answer: answer | {"why": None},
    "a why in a list": lambda answer: answer | {"why": ["because"]},
    "a why with a NUL": lambda answer: answer | {"why": "be\0cause"},
    "a why with half a pair": lambda answer: answer | {"why": "be\ud83dcause"},
    "a why without end": lambda answer: answer | {"why": "because " * 3_000},
}

# What a verdict of one word is not, wherever one is asked for.
WORDS = (
    "a", "b", "A ", " B", "\nA", "AB", "A or B", "J", "1", "0", "first", "Tie", "TIE", "equal",
    "both bad", "BOTH_BAD", "neither", "none", "", "A.", "**A**", "[[A]]", '"A"', "A\u200b",
    "\u0410", "\u0391", "\uff21", "\U0001d400", None, 0, 1, True, False, 1.5, ["A"], [["A"]], [],
    {}, {"winner": "A"}, "A" * 10_000,
)  # fmt: skip
# What a place or a rating is not.
NUMBERS = (0, -1, 10, 2**63 - 1, 1.5, 1.0, "1", "first", None, True, False, [1], {"A": 1}, "")


def objects_of(form):
    """Yield what differs from the form's answer in one value, by the name of the difference."""
    for name, change in OBJECTS.items():
        changed = change(copy.deepcopy(form.answer))
        if changed != form.answer:
            yield name, changed
    for word in WORDS:
        if "verdict" in form.answer:
            yield f"verdict {word!r:.30}", form.answer | {"verdict": word}
        elif word is not None:
            yield f"a verdict unasked {word!r:.30}", form.answer | {"verdict": word}
    for path in ("places", "criteria"):
        if path in form.answer:
            for name, value in values_of(form.answer[path]):
                yield f"{path} {name}", form.answer | {path: value}


def values_of(right):
    """Yield what differs from an object of letters or criteria: keys, types, numbers, words."""
    yield "null", None
    yield "as a list", list(right)
    yield "as a text", json.dumps(right)
    yield "of nothing", {}
    yield "of one more", right | {"Z": 1}
    for key, value in right.items():
        yield f"without {key}", without(right, key)
        yield f"in other case {key}", without(right, key) | {key.swapcase(): value}
        if isinstance(value, dict):
            for name, changed in values_of(value):
                yield f"{key} {name}", right | {key: changed}
        else:
            for wrong in NUMBERS if isinstance(value, int) else WORDS:
                yield f"{key} {wrong!r:.30}", right | {key: wrong}


def changed_body(path, value):
    """A change of a body: what stands at a path becomes something else, or goes for `...`."""

    def change(body):
        *before, last = path
        place = body
        for step in before:
            place = place[step]
        if value is ...:
            del place[last]
        else:
            place[last] = value
        return body

    return change


def said_in(body):
    return body["choices"][0]["message"]["content"]


CHOICE, MESSAGE = ("choices", 0), ("choices", 0, "message")
MALFORMED, REFUSED = AnswerStatus.MALFORMED, AnswerStatus.REFUSED
TRUNCATED, FILTERED = AnswerStatus.TRUNCATED, AnswerStatus.FILTERED

# Bodies that are wrong around an answer that is right, with the status that each is read as.
BODIES = {
    "null": (MALFORMED, lambda body: None),
    "a text": (MALFORMED, lambda body: "upstream connect error"),
    "a page": (MALFORMED, lambda body: "<!doctype html><h1>502</h1>"),
    "a number": (MALFORMED, lambda body: 200),
    "a list": (MALFORMED, lambda body: [body]),
    "an empty object": (MALFORMED, lambda body: {}),
    "the bare answer": (MALFORMED, lambda body: json.loads(said_in(body))),
    "an error": (MALFORMED, lambda body: {"error": {"message": "overloaded"}}),
    "an error beside the answer": (MALFORMED, lambda body: body | {"error": "overloaded"}),
    "an older completion": (MALFORMED, changed_body(CHOICE, {"text": "A", "index": 0})),
    "no choices": (MALFORMED, changed_body(("choices",), ...)),
    "null choices": (MALFORMED, changed_body(("choices",), None)),
    "empty choices": (MALFORMED, changed_body(("choices",), [])),
    "choices as an object": (MALFORMED, lambda body: body | {"choices": {"0": body["choices"][0]}}),
    "two choices": (MALFORMED, lambda body: body | {"choices": body["choices"] * 2}),
    "a null choice": (MALFORMED, changed_body(CHOICE, None)),
    "a choice that is a text": (MALFORMED, changed_body(CHOICE, "A")),
    "no message": (MALFORMED, changed_body(MESSAGE, ...)),
    "a null message": (MALFORMED, changed_body(MESSAGE, None)),
    "a message that is a text": (MALFORMED, changed_body(MESSAGE, "A")),
    "a delta": (MALFORMED, lambda body: body | {"choices": [{"delta": {"content": "A"}}]}),
    "no content": (MALFORMED, changed_body((*MESSAGE, "content"), ...)),
    "null content": (MALFORMED, changed_body((*MESSAGE, "content"), None)),
    "content in parts": (
        MALFORMED, changed_body((*MESSAGE, "content"), [{"type": "text", "text": "A"}]),
    ),
    "content as an object": (MALFORMED, changed_body((*MESSAGE, "content"), {"verdict": "A"})),
    "content that is true": (MALFORMED, changed_body((*MESSAGE, "content"), True)),
    "the user's message": (MALFORMED, changed_body((*MESSAGE, "role"), "user")),
    "a tool's message": (MALFORMED, changed_body((*MESSAGE, "role"), "tool")),
    "a null role": (MALFORMED, changed_body((*MESSAGE, "role"), None)),
    "a tool call beside it": (MALFORMED, changed_body((*MESSAGE, "tool_calls"), [{"id": "1"}])),
    "a function call beside it": (MALFORMED, changed_body((*MESSAGE, "function_call"), {"a": "A"})),
    "finished by a tool call": (MALFORMED, changed_body((*CHOICE, "finish_reason"), "tool_calls")),
    "finished by an error": (MALFORMED, changed_body((*CHOICE, "finish_reason"), "error")),
    "not finished": (MALFORMED, changed_body((*CHOICE, "finish_reason"), None)),
    "nothing about the end": (MALFORMED, changed_body((*CHOICE, "finish_reason"), ...)),
    "an end that is a list": (MALFORMED, changed_body((*CHOICE, "finish_reason"), ["stop"])),
    "an end that is true": (MALFORMED, changed_body((*CHOICE, "finish_reason"), True)),
    "an end in capitals": (MALFORMED, changed_body((*CHOICE, "finish_reason"), "STOP")),
    "cut off": (TRUNCATED, changed_body((*CHOICE, "finish_reason"), "length")),
    "filtered": (FILTERED, changed_body((*CHOICE, "finish_reason"), "content_filter")),
    "a refusal": (REFUSED, changed_body((*MESSAGE, "refusal"), "I can't help with that.")),
    "a refusal that is an object": (REFUSED, changed_body((*MESSAGE, "refusal"), {"why": "no"})),
    "no usage": (MALFORMED, changed_body(("usage",), ...)),
    "null usage": (MALFORMED, changed_body(("usage",), None)),
    "usage as a list": (MALFORMED, changed_body(("usage",), [1, 2])),
    "usage of nothing": (MALFORMED, changed_body(("usage",), {})),
    "no tokens in": (MALFORMED, changed_body(("usage", "prompt_tokens"), ...)),
    "no tokens out": (MALFORMED, changed_body(("usage", "completion_tokens"), ...)),
    "tokens below none": (MALFORMED, changed_body(("usage", "completion_tokens"), -1)),
    "tokens in parts": (MALFORMED, changed_body(("usage", "completion_tokens"), 4.5)),
    "tokens as a text": (MALFORMED, changed_body(("usage", "prompt_tokens"), "300")),
    "tokens that are true": (MALFORMED, changed_body(("usage", "prompt_tokens"), True)),
    "tokens without number": (MALFORMED, changed_body(("usage", "prompt_tokens"), 2**63 - 1)),
}  # fmt: skip


def fixtures():
    """Yield every case: (name, form, body, status that it must be read as)."""
    for title, form in FORMS.items():
        for name, write in TEXTS.items():
            yield f"{title}: {name}", form, body_with(write(form.answer)), MALFORMED
        for name, changed in objects_of(form):
            yield f"{title}: {name}", form, body_with(json.dumps(changed)), MALFORMED
        for name, (status, change) in BODIES.items():
            body = change(body_with(json.dumps(form.answer)))
            yield f"{title}: {name}", form, body, status
