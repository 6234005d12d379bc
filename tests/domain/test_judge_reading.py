import json

import jsonschema
import judge_answers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_answers import CRITERIA, FORMS, HELPFUL, NONCE, RANKING, TRUE, asked_of, body_with

from annotation.domain.judges.completions import DETAIL_MAX, LONGEST_BODY
from annotation.domain.judges.reading import Said, body_of, read_answer, usage_of
from annotation.domain.judges.schemas import schema_of, verdict_words
from annotation.domain.vocabulary import AnswerStatus, Outcome


def read(body, form):
    return read_answer(body, template=form.template, asked=form.asked, nonce=NONCE)


def read_said(form, **answer):
    return read(body_with(json.dumps(form.answer | answer)), form)


@pytest.fixture(scope="module")
def fixtures():
    return list(judge_answers.fixtures())


class TestReadAnswer:
    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_takes_the_answer_that_was_asked_for(self, form):
        assert read_said(form).status == AnswerStatus.USABLE

    def test_turns_no_malformed_or_refused_answer_into_a_vote(self, fixtures):
        votes = [
            name
            for name, form, body, _ in fixtures
            if (found := read(body, form)).said is not None or found.status == AnswerStatus.USABLE
        ]

        assert len({name for name, *_ in fixtures}) >= 500
        assert votes == []

    def test_gives_each_its_status_and_one_storable_line(self, fixtures):
        for name, form, body, status in fixtures:
            found = read(body, form)

            assert found.status == status, name
            assert 0 < len(found.detail) <= DETAIL_MAX, name
            assert "\n" not in found.detail, name
            assert "\0" not in found.detail, name
            found.detail.encode()

    @pytest.mark.parametrize(
        ("word", "outcome", "tiers"),
        [
            ("A", Outcome.RANKED, ((0,), (1,))),
            ("B", Outcome.RANKED, ((1,), (0,))),
            ("tie", Outcome.RANKED, ((0, 1),)),
            ("both_bad", Outcome.BOTH_BAD, ()),
        ],
    )
    def test_reads_the_word_of_a_verdict_on_two(self, word, outcome, tiers):
        said = read_said(FORMS["pair"], verdict=word).said

        assert (said.outcome, said.tiers, said.why) == (outcome, tiers, judge_answers.WHY)

    @pytest.mark.parametrize("word", ["tie", "both_bad"])
    def test_refuses_what_the_project_does_not_offer(self, word):
        assert read_said(FORMS["pair, no way out"], verdict=word).status == AnswerStatus.MALFORMED

    @pytest.mark.parametrize(
        ("places", "tiers"),
        [
            ({"A": 2, "B": 1, "C": 3}, ((1,), (0,), (2,))),
            ({"A": 1, "B": 1, "C": 3}, ((0, 1), (2,))),
            ({"C": 2, "B": 2, "A": 2}, ((0, 1, 2),)),
        ],
    )
    def test_reads_places_into_tiers(self, places, tiers):
        assert read_said(FORMS["three"], places=places).said.tiers == tiers

    def test_reads_no_tiers_from_a_comparison_where_all_are_bad(self):
        said = read_said(FORMS["three"], verdict="all_bad").said

        assert (said.outcome, said.tiers) == (Outcome.BOTH_BAD, ())

    def test_refuses_a_tie_among_many_where_none_is_offered(self):
        places = FORMS["nine, no ties"].answer["places"] | {"A": 1}

        found = read_said(FORMS["nine, no ties"], places=places)

        assert found.status == AnswerStatus.MALFORMED
        assert "tie" in found.detail

    def test_reads_criteria_by_the_places_of_the_answers(self):
        assert read_said(FORMS["pair, criteria"]).said.criteria == {
            "helpful": {"ranking": [[0], [1]]},
            "true": {"ratings": {"0": 2, "1": 5}},
        }

    def test_takes_white_space_around_the_object(self):
        found = read(body_with(f" \n{json.dumps(FORMS['pair'].answer)}\r\n"), FORMS["pair"])

        assert found.status == AnswerStatus.USABLE

    def test_prefers_to_say_that_a_cut_off_refusal_is_a_refusal(self):
        body = body_with(None, refusal="No.")
        body["choices"][0]["finish_reason"] = "length"

        assert read(body, FORMS["pair"]).status == AnswerStatus.REFUSED


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 6) | st.sampled_from(["A", "B", "C", "tie", NONCE]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["A", "B", "C", "helpful", "true"]), inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.sampled_from(["nonce", "why", "criteria", "verdict", "places", "extra"])


class TestReadAnswerAgainstTheSchemaThatWasSent:
    @given(st.sampled_from(sorted(FORMS)), st.dictionaries(keys, values, max_size=2), st.data())
    def test_takes_just_what_a_validator_of_json_schema_takes(self, title, changes, data):
        form = FORMS[title]
        answer = form.answer | changes
        for key in data.draw(st.sets(keys, max_size=1)):
            answer.pop(key, None)

        found = read(body_with(json.dumps(answer)), form)

        schema = schema_of(form.template, form.asked)
        is_valid = jsonschema.Draft202012Validator(schema).is_valid(answer)
        fits = is_valid and answer["nonce"] == NONCE and not has_forbidden_tie(answer, form)
        assert (found.status == AnswerStatus.USABLE) == fits

    def test_agrees_with_the_validator_on_every_fixture_that_is_json(self, fixtures):
        for name, form, body, status in fixtures:
            if status == AnswerStatus.MALFORMED and (answer := answer_in(body)):
                validator = jsonschema.Draft202012Validator(schema_of(form.template, form.asked))
                is_right = validator.is_valid(answer) and answer.get("nonce") == NONCE
                # The validator takes 1.0 for a whole number and any length; we are stricter.
                assert not is_right or "1.0" in name or "why" in name, name

    @given(st.integers(2, 9), st.booleans(), st.booleans(), st.data())
    def test_reads_back_any_order_of_any_number_of_answers(self, n, ties, both_bad, data):
        asked = asked_of(n, allows_tie=ties, allows_both_bad=both_bad)
        tiers = data.draw(tiers_over(n, ties))
        form = judge_answers.Form(RANKING, asked, spelled(tiers, asked))

        found = read_said(form)

        assert (found.status, found.said.tiers) == (AnswerStatus.USABLE, tiers)

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
    def test_keeps_the_explanation_byte_for_byte(self, why):
        assert read_said(FORMS["pair"], why=why).said.why == why


def has_forbidden_tie(answer, form):
    if form.asked.allows_tie or answer.get("verdict") == "all_bad" or "places" not in answer:
        return False
    return len(set(answer["places"].values())) < len(answer["places"])


def answer_in(body):
    try:
        answer = json.loads(body["choices"][0]["message"]["content"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    is_sound = len(body["choices"]) == 1 and "usage" in body and isinstance(answer, dict)
    return answer if is_sound and body == body_with(json.dumps(answer)) else None


@st.composite
def tiers_over(draw, n, ties):
    """Tiers of the places 0 to n - 1, places ascending inside each."""
    order = draw(st.permutations(range(n)))
    cuts = [not ties or draw(st.booleans()) for _ in order[1:]]
    tiers = [[order[0]]]
    for place, is_cut in zip(order[1:], cuts, strict=True):
        tiers.append([place]) if is_cut else tiers[-1].append(place)
    return tuple(tuple(sorted(tier)) for tier in tiers)


def spelled(tiers, asked):
    """An answer that says these tiers."""
    if len(asked.answers) == 2:
        return {"verdict": "tie" if len(tiers) == 1 else asked.letters[tiers[0][0]]}
    places = {asked.letters[place]: rank for rank, tier in enumerate(tiers, 1) for place in tier}
    return ({"verdict": "ranked"} if asked.allows_both_bad else {}) | {"places": places}


class TestSaid:
    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_comes_back_from_json_as_it_went(self, form):
        said = read_said(form).said

        assert Said.from_json(json.loads(json.dumps(said.as_json()))) == said


class TestBodyOf:
    def test_reads_what_a_server_sends(self):
        body = body_with("{}")

        assert body_of(json.dumps(body).encode()) == body

    @pytest.mark.parametrize(
        "raw",
        [
            b"", b"<html>", b'{"choices": [', b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": 1e999}',
            b"\xff\xfe", b'{"a": "\\ud800"}', b'{"a": "\\u0000"}', b"[" * 100_000,
            b'{"a": "' + b"x" * LONGEST_BODY + b'"}', b"data: {}\n\ndata: [DONE]\n\n",
        ],
        ids=lambda raw: repr(raw[:20]),
    )  # fmt: skip
    def test_makes_nothing_of_what_is_no_strict_json(self, raw):
        assert body_of(raw) is None
        assert read(body_of(raw), FORMS["pair"]).status == AnswerStatus.MALFORMED


class TestUsageOf:
    def test_finds_both_counts(self):
        assert usage_of(body_with("")) == (300, 40)

    @pytest.mark.parametrize("body", [None, [], {}, {"usage": {"prompt_tokens": 1}}])
    def test_finds_nothing_where_nothing_is_said(self, body):
        assert usage_of(body) is None


class TestSchemaOf:
    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_is_a_schema_that_strict_servers_take(self, form):
        schema = schema_of(form.template, form.asked)

        jsonschema.Draft202012Validator.check_schema(schema)
        for part in objects_in(schema):
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])

    def test_asks_for_the_explanation_before_the_verdict(self):
        asked = list(schema_of(CRITERIA, asked_of(3, criteria=(HELPFUL, TRUE)))["properties"])

        assert asked == ["nonce", "why", "criteria", "verdict", "places"]

    def test_offers_what_the_project_offers(self):
        assert verdict_words(asked_of()) == ("A", "B", "tie", "both_bad")
        assert verdict_words(asked_of(allows_tie=False)) == ("A", "B", "both_bad")
        assert verdict_words(asked_of(allows_both_bad=False)) == ("A", "B", "tie")


def objects_in(schema):
    if schema["type"] == "object":
        yield schema
        for part in schema["properties"].values():
            yield from objects_in(part)
