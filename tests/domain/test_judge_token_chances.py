import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_answers import BRIEF, FORMS, NONCE, asked_of, body_with, template_of

from annotation.domain.judges.chances import LEAST_CHANCE, chances_of

WHY = {"nonce": NONCE, "why": 'A “verdict”: B — 天 "verdict": "A"', "verdict": "B"}


def token(text, logprob=-0.01, others=None, **fields):
    listed = [{"token": other, "logprob": lp} for other, lp in (others or {}).items()]
    return {"token": text, "logprob": logprob, "top_logprobs": listed} | fields


def body_of(*tokens, content=None):
    content = "".join(each["token"] for each in tokens) if content is None else content
    body = body_with(content)
    body["choices"][0]["logprobs"] = {"content": list(tokens)}
    return body


def logs(**chances):
    return {word.replace("_", " "): math.log(chance) for word, chance in chances.items()}


def chances(body, template=BRIEF, **fields):
    return chances_of(body, template=template, asked=asked_of(**fields))


BEFORE = token(f'{{"nonce": "{NONCE}", "verdict": "')
AFTER = token('"}')


def verdict_of(word, others, before=BEFORE, after=AFTER):
    return body_of(before, token(word, others.get(word, -0.5), others), after)


class TestChancesOf:
    def test_takes_the_shares_of_the_verdicts_token(self):
        found = chances(verdict_of("A", logs(A=0.6, B=0.3, tie=0.08, both=0.02)))

        assert found == pytest.approx({"0": 0.6, "1": 0.3, "tie": 0.08, "both_bad": 0.02})

    def test_adds_up_the_spellings_of_one_word(self):
        others = {"A": math.log(0.3), " A": math.log(0.2), '"A': math.log(0.1), 'A"': math.log(0.1)}

        found = chances(verdict_of("A", others | {"B": math.log(0.2), " B": math.log(0.1)}))

        assert found["0"] == pytest.approx(0.7, abs=1e-3)
        assert found["1"] == pytest.approx(0.3, abs=1e-3)

    def test_leaves_out_tokens_that_begin_no_verdict(self):
        noise = logs(Answer=0.3, a=0.1, AB=0.1, Tie=0.05, C=0.05, B=0.1) | {'"': math.log(0.1)}

        found = chances(verdict_of("A", noise | {"A": math.log(0.2)}))

        assert found["0"] == pytest.approx(2 / 3, abs=1e-3)

    def test_leaves_out_what_the_project_does_not_offer(self):
        body = verdict_of("A", logs(A=0.3, B=0.1, tie=0.6))

        found = chances(body, allows_tie=False, allows_both_bad=False)

        assert found == pytest.approx({"0": 0.75, "1": 0.25})

    def test_gives_each_verdict_the_least_that_is_kept_and_all_together_one(self):
        found = chances(verdict_of("A", {"A": 0.0, "B": -40.0}))

        assert min(found.values()) == LEAST_CHANCE
        assert sum(found.values()) == pytest.approx(1, abs=1e-12)

    def test_counts_the_token_that_was_chosen_where_it_is_not_listed(self):
        found = chances(body_of(BEFORE, token("B", math.log(0.5), logs(A=0.25)), AFTER))

        assert found["1"] == pytest.approx(2 / 3, abs=1e-3)

    @pytest.mark.parametrize(
        ("before", "chosen", "after"),
        [
            (f'{{"nonce": "{NONCE}", "verdict":', ' "B', '"}'),
            (f'{{"nonce": "{NONCE}", "verdict"', ':"B"', "}"),
            (f'{{"nonce": "{NONCE}", "verdict": "', 'B"}', ""),
            ('{"verdict": "', "B", f'", "nonce": "{NONCE}"}}'),
        ],
    )
    def test_finds_the_verdict_however_it_was_cut_into_tokens(self, before, chosen, after):
        other = chosen.replace("B", "A")
        choice = token(chosen, math.log(0.8), {chosen: math.log(0.8), other: math.log(0.2)})

        found = chances(body_of(token(before), choice, token(after)))

        assert found["1"] == pytest.approx(0.8, abs=1e-3)

    @pytest.mark.parametrize(("word", "cut"), [("tie", 1), ("tie", 2), ("both_bad", 4)])
    def test_knows_a_word_by_the_token_that_begins_it(self, word, cut):
        others = {word[:cut]: math.log(0.9), "A": math.log(0.1)}
        choice = token(word[:cut], math.log(0.9), others)

        found = chances(body_of(BEFORE, choice, token(word[cut:]), AFTER))

        assert found[word] == pytest.approx(0.9, abs=1e-3)

    @pytest.mark.parametrize("is_ascii", [True, False])
    def test_is_not_led_astray_by_a_verdict_that_stands_in_the_explanation(self, is_ascii):
        before, after = json.dumps(WHY, ensure_ascii=is_ascii).rsplit("B", 1)
        choice = token("B", math.log(0.7), logs(B=0.7, A=0.3))

        found = chances(body_of(token(before), choice, token(after)), template_of())

        assert found["1"] == pytest.approx(0.7, abs=1e-3)

    def test_counts_bytes_where_a_token_is_half_a_character(self):
        half = '{"nonce": "' + NONCE + '", "why": "'
        sky = "天".encode()
        tokens = [
            token(half),
            token("\ufffd", bytes=list(sky[:1])),
            token("\ufffd", bytes=list(sky[1:])),
            token('", "verdict": "'),
            token("A", math.log(0.9), logs(A=0.9, B=0.1)),
            AFTER,
        ]

        body = body_of(*tokens, content=half + '天", "verdict": "A"}')

        assert chances(body, template_of())["0"] == pytest.approx(0.9, abs=1e-3)

    def test_allows_tokens_around_the_message_and_takes_it_where_it_stands_last(self):
        drafted = token("A", math.log(0.4), logs(A=0.4, B=0.6))
        settled = token("A", math.log(0.9), logs(A=0.9, B=0.1))
        content = f'{BEFORE["token"]}A"}}'

        body = body_of(
            BEFORE, drafted, AFTER, token(" Yes."), BEFORE, settled, AFTER, token("<|im_end|>"),
            content=content,
        )  # fmt: skip

        assert chances(body)["0"] == pytest.approx(0.9, abs=1e-3)

    def test_leaves_out_a_word_that_ends_too_soon(self):
        others = {
            "tie": math.log(0.3),
            't"': math.log(0.3),
            'ti"}': math.log(0.1),
            "A": math.log(0.3),
        }

        assert chances(verdict_of("tie", others))["tie"] == pytest.approx(0.5, abs=1e-3)

    @pytest.mark.parametrize(
        "logprobs",
        [
            None, [], {}, "A", {"content": None}, {"content": []}, {"content": ["A"]},
            {"content": [{"token": "A"}]}, {"content": [{"token": 1, "logprob": -1}]},
            {"content": [{"token": "A", "logprob": "high"}]},
            {"content": [token("something else")]},
            {"content": [token(f'{BEFORE["token"]}A"}}', 5.0)]},
            {"content": [token(f'{BEFORE["token"]}A"}}', math.nan)]},
            {"content": [token(f'{BEFORE["token"]}A"}}', None)]},
        ],
        ids=lambda value: str(value)[:40],
    )  # fmt: skip
    def test_says_nothing_where_a_server_gives_no_sound_log_probabilities(self, logprobs):
        body = body_with(f'{BEFORE["token"]}A"}}')
        body["choices"][0]["logprobs"] = logprobs

        assert chances(body) is None

    @pytest.mark.parametrize("content", ["", "A", "{}", '{"verdict": "C"}', '{"verdict": ["A"]}'])
    def test_says_nothing_of_an_answer_that_is_none(self, content):
        assert chances(body_of(token(content, 0.0, {"A": 0.0}))) is None

    def test_says_nothing_of_more_than_two_answers(self):
        form = FORMS["three"]
        body = body_of(token(json.dumps(form.answer)))

        assert chances_of(body, template=form.template, asked=form.asked) is None

    @given(st.lists(st.floats(0.001, 1), min_size=4, max_size=4), st.data())
    def test_gives_back_any_chances_whatever_the_cut(self, weights, data):
        shares = [weight / sum(weights) for weight in weights]
        words = ["A", "B", "tie", "both_bad"]
        said = data.draw(st.sampled_from(words))
        content = json.dumps({"nonce": NONCE, "verdict": said})
        at = content.rindex(said)
        cut = data.draw(st.integers(at - 4, at))
        lead = content[cut:at]
        others = {
            f"{lead}{word}": math.log(share) for word, share in zip(words, shares, strict=True)
        }
        end = at + len(said)

        body = body_of(
            token(content[:cut]),
            token(content[cut:end], others[f"{lead}{said}"], others),
            token(content[end:]),
        )

        places = ["0", "1", "tie", "both_bad"]
        assert chances(body) == pytest.approx(dict(zip(places, shares, strict=True)), abs=1e-3)
