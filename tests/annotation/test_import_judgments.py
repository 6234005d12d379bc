import pytest

from annotation.domain.importing.items import item_of
from annotation.domain.importing.refusals import LineRefused
from annotation.domain.importing.votes import vote_of
from annotation.domain.vocabulary import ResponseFormat
from annotation.models import Annotator, Comparison, Criterion, Judgment, Slot
from annotation.services.importing.items import write_items
from annotation.services.importing.judgments import write_judgments


def a_vote(name="v1", **fields):
    vote = {"id": name, "item_id": "one", "annotator": "w1", "kind": "human", "choice": 0}
    return vote | fields


@pytest.fixture
def one(project, noon):
    return item_with(project, noon, "one", ["x", "y"])


@pytest.fixture
def trio(make_project, noon):
    project = make_project(response_format=ResponseFormat.RANKING)
    item_with(project, noon, "one", ["x", "y", "z"])
    return project


def item_with(project, noon, name, texts):
    responses = [{"id": text, "text": f"text {text}"} for text in texts]
    record = {"id": name, "prompt": "Why?", "responses": responses}
    write_items(project=project, records=[item_of(record, 1)], now=noon)
    return {r.external_id: r.id for r in project.items.get(external_id=name).responses.all()}


def write(project, noon, *votes):
    parsed = [vote_of(vote, line) for line, vote in enumerate(votes, 1)]
    return write_judgments(project=project, records=parsed, now=noon)


class TestVoteOf:
    @pytest.mark.parametrize(
        ("change", "field", "rule"),
        [
            ({"item_id": None}, "item_id", "wrong_type"),
            ({"annotator": ""}, "annotator", "empty"),
            ({"kind": "dog"}, "kind", "unknown_word"),
            ({"choice": "left"}, "choice", "not_a_choice"),
            ({"choice": -1}, "choice", "not_a_choice"),
            ({"choice": True}, "choice", "not_a_choice"),
            ({"choice": 0.0}, "choice", "not_a_choice"),
            ({"strength": 5}, "strength", "out_of_range"),
            ({"strength": "2"}, "strength", "wrong_type"),
            ({"ranking": [["x"], []]}, "ranking.1", "wrong_type"),
            ({"ranking": [["x", 2]]}, "ranking.0", "wrong_type"),
            ({"ratings": {"x": {"good": "5"}}}, "ratings.x.good", "wrong_type"),
            ({"aspects": {"style": "A"}}, "aspects.style", "not_a_choice"),
            ({"rationale": 3}, "rationale", "wrong_type"),
            ({"seconds": -1}, "seconds", "out_of_range"),
            ({"position_swapped": "no"}, "position_swapped", "wrong_type"),
            ({"confidence": 6}, "confidence", "out_of_range"),
            ({"outcome": "maybe"}, "outcome", "unknown_word"),
            ({"outcome": "unsure"}, "outcome", "contradiction"),
            ({"outcome": "cannot_judge", "choice": None}, "reason", "unknown_word"),
            ({"reason": "language"}, "reason", "contradiction"),
            ({"judged_at": "0000-00-00"}, "judged_at", "not_a_time"),
            ({"judged_at": "2026-06-30T23:59:60Z"}, "judged_at", "not_a_time"),
            ({"judged_at": "99999-01-01T00:00:00Z"}, "judged_at", "not_a_time"),
            ({"judged_at": "2026-03-01T12:00:00"}, "judged_at", "no_time_zone"),
            ({"tags": [""]}, "tags.0", "too_long"),
            ({"spans": [{"response": "x", "start": 3, "end": 3}]}, "spans.0.start", "not_a_span"),
            ({"winer": 0}, "winer", "unknown_field"),
        ],
    )
    def test_refuses_by_field_and_rule(self, change, field, rule):
        with pytest.raises(LineRefused) as refused:
            vote_of(a_vote() | change, 1)

        assert (refused.value.field, refused.value.rule) == (field, rule)


@pytest.mark.django_db
class TestWriteJudgments:
    def test_stores_a_choice_as_tiers_of_response_ids(self, project, one, noon):
        write(
            project,
            noon,
            a_vote("a", choice=1, strength=2),
            a_vote("b", choice="tie"),
            a_vote("c", choice=None),
            a_vote("d", choice="both_bad"),
            a_vote("e", choice=None, outcome="cannot_judge", reason="language"),
            a_vote("f", choice=None, outcome="unsure"),
        )

        said = {j.external_id: (j.outcome, j.ranking, j.strength) for j in Judgment.objects.all()}
        x, y = one["x"], one["y"]
        assert said == {
            "a": ("ranked", [[y], [x]], 2),
            "b": ("ranked", [[x, y]], 0),
            "c": ("unparsed", [], None),
            "d": ("both_bad", [], None),
            "e": ("cannot_judge", [], None),
            "f": ("unsure", [], None),
        }

    def test_knows_the_display_order_only_where_the_source_does(self, project, one, noon):
        swaps = [a_vote(str(swap), position_swapped=swap) for swap in (True, False, None)]

        write(project, noon, *swaps)

        shown = dict(Judgment.objects.values_list("external_id", "shown_order"))
        x, y = one["x"], one["y"]
        assert shown == {"True": [y, x], "False": [x, y], "None": None}

    def test_keeps_everything_else_that_a_vote_says(self, project, one, noon):
        vote = a_vote(
            kind="llm",
            model="gpt-4",
            rationale="  because\r\n",
            tags=["clearer"],
            seconds=12.5,
            confidence=4,
            meta={"submitted_at": "2016-02-01T20:06:14Z", "pool": "crowd"},
            spans=[{"response": "y", "start": 5, "end": 6, "label": "good"}],
        )

        write(project, noon, vote)

        judgment = Judgment.objects.get()
        assert judgment.judged_at.isoformat() == "2016-02-01T20:06:14+00:00"
        assert (judgment.active_seconds, judgment.confidence) == (12.5, 4)
        assert judgment.metadata == vote["meta"]
        assert (judgment.rationale.text, judgment.rationale.tags) == ("  because\r\n", ["clearer"])
        span = judgment.rationale.spans.get()
        assert (span.response_id, span.start, span.end) == (one["y"], 5, 6)
        assert (judgment.annotator.kind, judgment.annotator.model_name) == ("llm", "gpt-4")

    def test_makes_criteria_that_nobody_is_asked_about(self, trio, noon):
        ratings = {"x": {"tone": -1.4, "overall": 90}, "y": {"tone": 2}, "z": {"overall": 3}}
        vote = a_vote(
            choice=None, ranking=[["z"], ["x", "y"]], ratings=ratings, aspects={"length": 2}
        )

        write(trio, noon, vote)

        judgment = Judgment.objects.get()
        ids = {r.external_id: r.id for r in trio.items.get().responses.all()}
        assert judgment.criteria == {
            "length": {"ranking": [[ids["z"]], [ids["x"], ids["y"]]]},
            "tone": {"ratings": {str(ids["x"]): -1.4, str(ids["y"]): 2}},
            "overall": {"ratings": {str(ids["x"]): 90, str(ids["z"]): 3}},
        }
        made = {c.key: (c.kind, c.scale_min, c.scale_max) for c in Criterion.objects.all()}
        assert made == {
            "length": ("preference", 1, 5),
            "tone": ("rating", -2, 5),
            "overall": ("rating", 1, 90),
        }
        assert not Criterion.objects.filter(is_asked=True).exists()

    def test_ranks_by_the_overall_rating_where_only_ratings_are_given(self, trio, noon):
        ratings = {name: {"overall": n, "tone": 1} for n, name in enumerate("xyz")}

        write(trio, noon, a_vote(choice=None, ratings=ratings))

        ids = {r.external_id: r.id for r in trio.items.get().responses.all()}
        assert Judgment.objects.get().ranking == [[ids["z"]], [ids["y"]], [ids["x"]]]

    def test_finds_or_makes_the_comparison_of_just_the_judged_responses(self, trio, noon):
        write(
            trio,
            noon,
            a_vote("all", choice=None, ranking=[["x"], ["y"], ["z"]]),
            a_vote("two", choice=None, ranking=[["z"], ["x"]]),
            a_vote("two again", choice=1, responses=["x", "z"], annotator="w2"),
        )

        assert Comparison.objects.count() == 2
        pair = Judgment.objects.get(external_id="two").comparison
        assert pair.judgments.count() == 2
        assert not pair.slots.exists()
        assert {tuple(map(tuple, j.ranking)) for j in pair.judgments.all()} == {
            tuple((response,) for response in reversed(pair.response_ids))
        }

    def test_fills_open_slots_with_human_votes_once_a_person(self, project, one, noon):
        votes = [
            a_vote("llm", annotator="judge", kind="llm"),
            a_vote("first"),
            a_vote("again"),
            a_vote("second", annotator="w2"),
            a_vote("third", annotator="w3"),
        ]

        write(project, noon, *votes)

        filled = set(
            Judgment.objects.filter(slot__isnull=False).values_list("external_id", flat=True)
        )
        assert filled == {"first", "second"}
        assert not Slot.objects.open().exists()
        assert all(
            slot.holder_id == slot.judgments.get().annotator_id for slot in Slot.objects.all()
        )

    def test_leaves_a_leased_slot_to_its_holder(self, project, one, ann, noon):
        Slot.objects.filter(ordinal=1).update(holder=ann, lease_ends_at=noon.replace(hour=13))

        write(project, noon, a_vote(), a_vote("v2", annotator="w2"))

        assert Slot.objects.get(ordinal=1).filled_at is None
        assert Judgment.objects.filter(slot__isnull=False).count() == 1

    def test_marks_what_it_touched_as_stale(self, project, one, noon):
        item_with(project, noon, "two", ["x", "y"])

        write(project, noon, a_vote())

        stale = Comparison.objects.filter(stale_since=noon)
        assert [comparison.item.external_id for comparison in stale] == ["one"]

    def test_takes_the_same_vote_again_as_unchanged(self, project, one, noon):
        write(project, noon, a_vote())

        again = write(project, noon, a_vote(), a_vote(choice=1), a_vote("v2"), a_vote("v2"))

        assert (again.n_written, again.n_unchanged) == (1, 2)
        assert [(each.line, each.rule) for each in again.refused] == [(2, "external_id_taken")]
        assert Judgment.objects.count() == 2

    @pytest.mark.parametrize(
        ("change", "field", "rule"),
        [
            ({"item_id": "none"}, "item_id", "unknown_item"),
            ({"choice": 2}, "choice", "not_a_choice"),
            ({"choice": None, "ranking": [["x"], ["q"]]}, "ranking", "unknown_response"),
            ({"choice": None, "ranking": [["x"], ["x"]]}, "ranking", "placed_twice"),
            ({"choice": None, "ranking": [["x"]]}, "ranking", "response_count"),
            ({"choice": 1, "ranking": [["x"], ["y"]]}, "choice", "contradiction"),
            ({"choice": "tie", "strength": 2}, "strength", "contradiction"),
            ({"strength": 0}, "strength", "contradiction"),
            ({"choice": None, "strength": 1}, "strength", "contradiction"),
            ({"ratings": {"q": {"tone": 1}}}, "ratings", "unknown_response"),
            ({"aspects": {"tone": 7}}, "aspects.tone", "not_a_choice"),
            (
                {"spans": [{"response": "x", "start": 0, "end": 99, "label": "good"}]},
                "spans.0.end",
                "not_a_span",
            ),
            (
                {"spans": [{"response": "q", "start": 0, "end": 1, "label": "good"}]},
                "spans.0.response",
                "unknown_response",
            ),
        ],
    )
    def test_refuses_what_does_not_fit_the_item(self, project, one, noon, change, field, rule):
        written = write(project, noon, a_vote("good"), a_vote("bad") | change)

        assert written.n_written == 1
        assert [(r.line, r.field, r.rule) for r in written.refused] == [(2, field, rule)]

    def test_gives_pseudonyms_to_their_project_alone(self, project, one, ann, noon):
        write(project, noon, a_vote(annotator="ann"), a_vote("v2", annotator="ann", kind="llm"))

        made = Annotator.objects.filter(project=project, name="ann")
        assert sorted(made.values_list("kind", flat=True)) == ["human", "llm"]
        assert not ann.judgments.exists()

    def test_counts_span_ends_in_code_points(self, make_project, noon):
        project = make_project()
        record = {
            "id": "one",
            "prompt": "?",
            "responses": [{"id": "x", "text": "👍🏽e\u0301"}, {"id": "y", "text": ""}],
        }
        write_items(project=project, records=[item_of(record, 1)], now=noon)
        ends = [
            a_vote(str(end), spans=[{"response": "x", "start": 0, "end": end, "label": "good"}])
            for end in (4, 5)
        ]

        written = write(project, noon, *ends)

        assert (written.n_written, len(written.refused)) == (1, 1)

    def test_asks_the_database_as_often_for_many_votes_as_for_one(
        self, project, one, noon, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(30):
            write(project, noon, *(a_vote(str(n), annotator=f"w{n}") for n in range(300)))
