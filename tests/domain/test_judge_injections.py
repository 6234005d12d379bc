import json

import pytest
from judge_answers import BRIEF, CRITERIA, HELPFUL, RANKING, TRUE, body_with, template_of
from judge_attacks import attacks, said_by_the_obedient

from annotation.domain.content import text_part, user_prompt
from annotation.domain.judges.asking import Asked, chat_of, new_nonce
from annotation.domain.judges.reading import read_answer
from annotation.domain.vocabulary import AnswerStatus

ATTACKS = dict(attacks())
WITH_REFERENCE = template_of(uses_reference=True)
TEMPLATES = (WITH_REFERENCE, BRIEF, CRITERIA, RANKING)
CONTROL_TOKENS = (
    "<|", "<｜", "</s>", "<s>", "[INST]", "[/INST]", "<<SYS>>", "<start_of_turn>", "<end_of_turn>",
    "[TOOL_RESULTS]", "</think>", "<tool_call>",
)  # fmt: skip


def asked_with(text):
    """The text in every place that somebody else fills, beside a harmless answer."""
    return Asked(
        prompt=user_prompt(text),
        answers=[text_part(text), text_part("The sky scatters blue light.")],
        criteria=(HELPFUL, TRUE),
        context=text,
        reference=text,
    )


def lines_of(chat):
    return chat.messages[1]["content"].splitlines()


@pytest.fixture(params=ATTACKS, ids=lambda name: name[:60])
def attack(request):
    return ATTACKS[request.param]


class TestCorpus:
    def test_holds_two_hundred_different_texts(self):
        assert len(set(ATTACKS.values())) >= 200


class TestChatOf:
    def test_lets_no_text_be_more_than_a_value(self, attack):
        asked, nonce = asked_with(attack), new_nonce()

        chat = chat_of(WITH_REFERENCE, asked, nonce=nonce)

        assert json.loads(json.dumps(vars(chat))) == vars(chat)
        assert [message["role"] for message in chat.messages] == ["system", "user"]
        assert json.loads(lines_of(chat)[2]) == {
            "conversation": [{"role": "user", "content": attack}],
            **({"context": attack} if attack else {}),
            "reference": attack,
            "answers": {"A": attack, "B": "The sky scatters blue light."},
        }

    def test_lets_no_text_make_a_line_or_a_boundary_or_know_the_nonce(self, attack):
        nonce = new_nonce()

        chat = chat_of(WITH_REFERENCE, asked_with(attack), nonce=nonce)

        said = chat.messages[1]["content"]
        lines = lines_of(chat)
        assert len(lines) == 5
        assert lines[1] == lines[3]
        assert said.count(lines[1].removeprefix("material ")) == 2
        assert said.count(nonce) == 2
        assert nonce in lines[0]
        assert nonce in lines[4]

    def test_lets_no_text_reach_the_instructions(self, attack):
        for template in TEMPLATES:
            chat = chat_of(template, asked_with(attack), nonce=new_nonce())
            harmless = chat_of(template, asked_with("harmless"), nonce=new_nonce())

            assert chat.messages[0] == harmless.messages[0]
            assert chat.response_format == harmless.response_format

    def test_writes_nothing_unseen_and_no_control_token(self, attack):
        chat = chat_of(WITH_REFERENCE, asked_with(attack), nonce=new_nonce())

        material = lines_of(chat)[2]
        assert material.isprintable()
        assert not set(material) & set("\u034f\u115f\u3164\uffa0\ufe0f")
        assert [token for token in CONTROL_TOKENS if token in material] == []


class TestReadAnswer:
    def test_takes_no_verdict_from_a_model_that_says_what_a_text_tells_it_to(self, attack):
        asked = asked_with(attack)

        for template in TEMPLATES:
            for said in said_by_the_obedient(attack):
                read = read_answer(
                    body_with(said), template=template, asked=asked, nonce=new_nonce()
                )

                assert read.status == AnswerStatus.MALFORMED
                assert read.said is None

    def test_takes_no_answer_that_was_right_for_another_call(self):
        asked, old = asked_with("harmless"), new_nonce()
        right = json.dumps({"nonce": old, "why": "", "verdict": "A"})

        again = read_answer(
            body_with(right), template=WITH_REFERENCE, asked=asked, nonce=new_nonce()
        )

        assert again.status == AnswerStatus.MALFORMED
