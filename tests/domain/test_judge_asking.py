import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_answers import CRITERIA, FORMS, HELPFUL, TRUE, asked_of, template_of

from annotation.domain.content import text_part, user_prompt
from annotation.domain.judges.asking import Asked, cache_key, chat_of, new_nonce
from annotation.domain.judges.escaping import escaped
from annotation.domain.judges.starters import STARTERS
from annotation.domain.vocabulary import TemplateKind

NONCE = "k3v9x0q7m2tz"
KEYED = {
    "model_name": "practice-1",
    "temperature": 0,
    "max_tokens": 512,
    "seed": None,
    "sample": 0,
    "reads_logprobs": True,
    "template": template_of(),
    "asked": asked_of(),
}


def said_to(template, asked, nonce=NONCE):
    system, user = chat_of(template, asked, nonce=nonce).messages
    return system["content"], user["content"].split("\n")


def material(template, asked):
    return json.loads(said_to(template, asked)[1][2])


class TestChatOf:
    @given(st.text(), st.text(), st.text(max_size=20))
    def test_carries_every_text_byte_for_byte(self, prompt, answer, context):
        asked = Asked(user_prompt(prompt), [text_part(answer), text_part("")], context=context)

        found = material(template_of(), asked)

        assert found["conversation"] == [{"role": "user", "content": prompt}]
        assert found["answers"] == {"A": answer, "B": ""}
        assert found.get("context", "") == context

    def test_shows_answers_under_letters_in_the_order_given(self):
        assert material(template_of(), asked_of(9))["answers"] == {
            letter: f"Answer number {n}." for n, letter in enumerate("ABCDEFGHI")
        }

    def test_shows_whole_conversations_where_earlier_turns_differ(self):
        turns = [*user_prompt("Hi"), {"role": "assistant", "content": text_part("Hello")}]
        asked = Asked([], [turns, turns])

        assert material(template_of(), asked)["answers"]["A"] == [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
        ]

    def test_shows_a_reference_to_templates_that_use_one_only(self):
        asked = asked_of(reference=text_part("Light scatters."))

        assert "reference" not in material(template_of(), asked)
        assert material(template_of(uses_reference=True), asked)["reference"] == "Light scatters."

    def test_shows_criteria_to_templates_that_ask_them_only(self):
        asked = asked_of(criteria=(HELPFUL, TRUE))

        assert "Does it help?" not in said_to(template_of(), asked)[0]
        assert "Does it help?" in said_to(CRITERIA, asked)[0]
        assert "- true: for each letter a whole number from 1" in said_to(CRITERIA, asked)[0]

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({}, "“A”, “B”, “tie” or “both_bad”."),
            ({"allows_tie": False}, "“A”, “B” or “both_bad”."),
            ({"allows_tie": False, "allows_both_bad": False}, "“A” or “B”."),
        ],
    )
    def test_names_the_verdicts_that_the_project_offers(self, fields, words):
        assert words in said_to(template_of(), asked_of(**fields))[0]

    def test_begins_with_the_instructions_of_the_template(self):
        assert said_to(template_of(), asked_of())[0].startswith("Say which answer is better.\n\n")

    def test_says_nothing_new_in_the_system_message_from_call_to_call(self):
        first, second = (said_to(template_of(), asked_of(), new_nonce()) for _ in range(2))

        assert first[0] == second[0]
        assert first[1][:2] != second[1][:2]

    @pytest.mark.parametrize("nonce", ["", "short", "with a space", "é" * 12, "x" * 65, "a\nb" * 5])
    def test_refuses_a_nonce_that_could_be_guessed_or_misread(self, nonce):
        with pytest.raises(ValueError, match="nonce"):
            chat_of(template_of(), asked_of(), nonce=nonce)

    def test_refuses_a_nonce_that_a_text_holds(self):
        asked = Asked(user_prompt("Hi"), [text_part(f"Say {NONCE}"), text_part("no")])

        with pytest.raises(ValueError, match="nonce"):
            chat_of(template_of(), asked, nonce=NONCE)

    def test_takes_another_boundary_where_a_text_holds_the_first(self):
        boundary = said_to(template_of(), asked_of())[1][1]
        asked = Asked(user_prompt("Hi"), [text_part(boundary), text_part("no")])

        lines = said_to(template_of(), asked)[1]

        assert lines[1] == lines[3] != boundary
        assert lines[1] not in lines[2]

    @pytest.mark.parametrize("n", [0, 1, 10])
    def test_refuses_what_is_no_comparison(self, n):
        with pytest.raises(ValueError, match="2 to 9"):
            chat_of(template_of(), asked_of(n), nonce=NONCE)


class TestNewNonce:
    def test_never_comes_twice(self):
        assert len({new_nonce() for _ in range(1000)}) == 1000


class TestEscaped:
    @given(
        st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
    )
    def test_changes_the_spelling_and_not_the_value(self, value):
        line = escaped(json.dumps(value, ensure_ascii=False))

        assert json.loads(line) == value
        assert line.isprintable()

    @pytest.mark.parametrize(
        "plain", ["a < b", "i<=3", "x<5", "list[0]", "[link](u)", "日本語 é ß"]
    )
    def test_leaves_alone_what_begins_no_token(self, plain):
        assert escaped(plain) == plain

    @pytest.mark.parametrize("text", ["<|im_start|>", "</s>", "[INST]", "[/INST]", "<b>", "x<y"])
    def test_escapes_what_may_begin_one(self, text):
        assert text not in escaped(json.dumps(text))


class TestCacheKey:
    def test_is_32_bytes_and_the_same_for_the_same_question(self):
        again = KEYED | {"temperature": 0.0, "template": template_of(), "asked": asked_of()}

        assert len(cache_key(**KEYED)) == 32
        assert cache_key(**KEYED) == cache_key(**again)

    @pytest.mark.parametrize(
        "change",
        [
            {"model_name": "practice-2"},
            {"temperature": 0.1},
            {"max_tokens": 513},
            {"seed": 0},
            {"sample": 1},
            {"reads_logprobs": False},
            {"base_url": "http://127.0.0.1:9/v1"},
            {"template": template_of(asks_why=False)},
            {"template": replace(template_of(), instructions="Say which answer is worse.")},
            {"template": template_of(TemplateKind.RANKING)},
            {"asked": asked_of(3)},
            {"asked": asked_of(allows_tie=False)},
            {"asked": asked_of(context="To a child.")},
            {"asked": replace(asked_of(), prompt=user_prompt("Why is the sky black?"))},
            {"asked": replace(asked_of(), answers=asked_of().answers[::-1])},
        ],
        ids=str,
    )
    def test_differs_with_everything_that_an_answer_depends_on(self, change):
        assert cache_key(**KEYED) != cache_key(**KEYED | change)

    def test_does_not_see_what_the_template_does_not_show(self):
        asked = asked_of(reference="Light scatters.", criteria=(HELPFUL, TRUE))

        assert cache_key(**KEYED) == cache_key(**KEYED | {"asked": asked})


class TestDigest:
    def test_differs_with_every_field_of_a_template(self):
        template = template_of()
        others = [
            replace(template, kind=TemplateKind.RANKING),
            replace(template, asks_why=False),
            replace(template, uses_reference=True),
            replace(template, instructions="Else."),
        ]

        assert len({each.digest for each in [template, *others]}) == 5
        assert template_of().digest == template.digest


class TestStarters:
    def test_offer_every_kind_with_and_without_explanation_and_a_reference(self):
        offered = {(starter.template.kind, starter.template.asks_why) for starter in STARTERS}

        assert offered == {(kind, asks_why) for kind in TemplateKind for asks_why in (True, False)}
        assert any(starter.template.uses_reference for starter in STARTERS)

    def test_have_names_of_their_own(self):
        assert len({starter.name for starter in STARTERS}) == len(STARTERS)

    @pytest.mark.parametrize("starter", STARTERS, ids=lambda starter: starter.name)
    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_can_ask_about_anything(self, starter, form):
        system, lines = said_to(starter.template, form.asked)

        assert system.startswith(starter.template.instructions)
        assert len(lines) == 5
