import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from annotation.domain.vocabulary import AnnotatorKind, Outcome
from annotation.models import (
    Annotator,
    Comparison,
    FeedbackEvent,
    Judgment,
    Response,
    Slot,
    WeakJudgment,
)
from annotation.services.feedback.taking import FeedbackRefused, take_feedback, take_file


@pytest.fixture
def tell(project, noon):
    """Take events of feedback: tell(thumb("a", "up"), edit("a", "b"))."""

    def tell(*records, now=noon, project=project):
        numbered = [{"id": f"e{n}"} | record for n, record in enumerate(records)]
        return take_feedback(project=project, records=numbered, now=now)

    return tell


@pytest.fixture
def pair(make_comparison):
    """A comparison of the responses item-1-0 and item-1-1."""
    return make_comparison(slots=1, external_id="haiku")


def event(kind, place, user="mia", **fields):
    return {"item": "haiku", "response": f"item-1-{place}", "type": kind, "user": user} | fields


def thumb(place, value, **fields):
    return event("thumb", place, value=value, **fields)


def said():
    """What the weak judgments in force say: (kind, winner's place), None for one taken back."""
    rows = WeakJudgment.objects.filter(judgment__superseded_by__isnull=True)
    place = dict(Response.objects.values_list("id", "position"))
    return [
        (row.kind, place[row.judgment.ranking[0][0]] if row.judgment.ranking else None)
        for row in rows.select_related("judgment").order_by("judgment_id")
    ]


@pytest.mark.django_db
class TestTakeFeedback:
    def test_prefers_an_edited_answer_to_its_original(self, tell, pair):
        taken = tell(event("edit", 0, other_response="item-1-1"))

        weak = WeakJudgment.objects.select_related("judgment__annotator").get()
        first, second = pair.response_ids
        assert (taken.n_written, taken.n_judgments) == (1, 1)
        assert weak.judgment.comparison == pair
        assert weak.judgment.ranking == [[second], [first]]
        assert weak.judgment.annotator.kind == AnnotatorKind.USER
        assert weak.judgment.slot is None
        assert weak.rule_version == 1

    def test_finds_the_edited_answer_by_what_it_revises(self, tell, pair):
        first, second = pair.response_ids
        Response.objects.filter(id=second).update(revision_of=first)

        tell(event("edit", 0))

        assert said() == [("edit", 1)]

    def test_makes_a_comparison_for_an_edit_but_asks_nobody_about_it(self, tell, make_item):
        make_item(external_id="haiku")

        tell(event("edit", 0, other_response="item-1-1"))

        assert Comparison.objects.count() == 1
        assert not Slot.objects.exists()

    def test_makes_no_comparison_for_thumbs(self, tell, make_item):
        make_item(external_id="haiku")

        taken = tell(thumb(0, "up"), thumb(1, "down"))

        assert (taken.n_written, taken.n_judgments) == (2, 0)
        assert not Comparison.objects.exists()

    def test_keeps_a_single_thumb_as_an_event_only(self, tell, pair):
        tell(thumb(0, "up"))

        assert FeedbackEvent.objects.count() == 1
        assert not Judgment.objects.exists()

    def test_does_not_make_the_consensus_stale(self, tell, pair):
        tell(thumb(0, "up"), thumb(1, "down"))

        assert not Comparison.objects.filter(stale_since__isnull=False).exists()

    def test_adds_nothing_when_it_is_repeated(self, tell, pair):
        told = [thumb(0, "up", raw={"a": 1.0}), thumb(1, "down"), event("regenerate", 0)]
        tell(*told)

        taken = tell(*told)

        assert (taken.n_written, taken.n_unchanged, taken.n_judgments) == (0, 3, 0)
        assert (FeedbackEvent.objects.count(), Judgment.objects.count()) == (3, 1)

    def test_reads_events_together_however_they_come_in(self, tell, pair):
        tell(thumb(0, "up", id="late"))
        tell(thumb(1, "down", id="later"))

        assert said() == [("thumb", 0)]

    def test_supersedes_what_a_user_takes_back(self, tell, pair, noon):
        tell(event("regenerate", 0, other_response="item-1-1", id="r"))
        tell(thumb(1, "down", id="t"), now=noon + timedelta(days=1))

        before, after = Judgment.objects.order_by("id")
        assert after.supersedes == before
        assert after.outcome == Outcome.UNSURE
        assert said() == [("regenerate", None)]

    def test_says_again_what_was_taken_back_and_then_meant_after_all(self, tell, pair):
        tell(event("regenerate", 0, other_response="item-1-1", id="r"))
        tell(thumb(1, "down", id="t"))
        tell(thumb(1, "up", id="u"))

        assert ("regenerate", 1) in said()
        assert Judgment.objects.filter(metadata__feedback="regenerate").count() == 3

    def test_counts_the_order_of_events_by_when_they_happened(self, tell, pair):
        tell(
            thumb(0, "down", id="last", time="2026-02-02T00:00:00Z"),
            thumb(0, "up", id="first", time="2026-02-01T00:00:00Z"),
            thumb(1, "up", id="other", time="2026-02-01T00:00:00Z"),
        )

        assert said() == [("thumb", 1)]

    def test_keeps_users_apart(self, tell, pair):
        tell(thumb(0, "up", user="mia"), thumb(1, "down", user="leo"))

        assert not Judgment.objects.exists()

    def test_has_one_pseudonym_for_a_user_in_a_project(self, tell, pair, make_comparison):
        make_comparison(external_id="ode")
        edit = event("edit", 0, other_response="item-1-1")
        other = {"item": "ode", "response": "item-2-0", "other_response": "item-2-1"}

        tell(edit, edit | other)

        assert Annotator.objects.filter(kind="user").count() == 1
        assert Judgment.objects.count() == 2


@pytest.mark.django_db
class TestAUser:
    def test_is_nowhere_to_be_found(self, tell, pair, project):
        name = "mia.musterfrau@example.org"
        raw = {"user": name, "session": {"by": name}, "app": "chat"}

        tell(thumb(0, "up", user=name, raw=raw), thumb(1, "down", user=name))

        with connection.cursor() as cursor:
            for table in ("feedback_event", "annotator", "judgment", "weak_judgment"):
                cursor.execute(
                    f"select count(*) from {table} t where t::text like %s", [f"%{name}%"]
                )
                assert cursor.fetchone() == (0,)
        assert FeedbackEvent.objects.first().raw == {"session": {}, "app": "chat"}

    def test_has_another_hash_under_another_key_and_in_another_project(
        self, tell, pair, settings, make_project, make_item
    ):
        elsewhere = make_project()
        item = make_item(project=elsewhere, external_id="haiku")
        response = item.responses.first().external_id

        tell(thumb(0, "up", id="here"))
        tell(thumb(0, "up", id="there", response=response), project=elsewhere)
        settings.SECRET_KEY = "another secret key of fifty characters or even more"
        tell(thumb(0, "up", id="later"))

        assert len(set(FeedbackEvent.objects.values_list("user_hash", flat=True))) == 3


@pytest.mark.django_db
class TestRefusedFeedback:
    @pytest.mark.parametrize(
        ("bad", "field", "code"),
        [
            ({"item": "ode"}, "item", "unknown_item"),
            ({"response": "item-9-0"}, "response", "unknown_response"),
            ({"other_response": "item-9-1"}, "other_response", "unknown_response"),
            ({"type": "stars"}, "type", "unknown_word"),
            ({"id": "e0", "value": "down"}, "id", "external_id_taken"),
        ],
    )
    def test_names_line_field_and_rule_and_writes_nothing(self, tell, pair, bad, field, code):
        with pytest.raises(FeedbackRefused) as refused:
            tell(thumb(0, "up"), thumb(0, "up") | bad)

        error = refused.value
        assert (error.line, error.field, error.code) == (2, field, code)
        assert not FeedbackEvent.objects.exists()

    def test_does_not_take_items_of_another_project(self, tell, pair, make_project):
        with pytest.raises(FeedbackRefused) as refused:
            tell(thumb(0, "up"), project=make_project())

        assert refused.value.code == "unknown_item"


@pytest.mark.django_db
class TestAFile:
    @pytest.fixture
    def write(self, tmp_path):
        def write(*records, pack=False):
            path = tmp_path / ("feedback.jsonl.gz" if pack else "feedback.jsonl")
            text = "".join(
                (one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records
            )
            path.write_bytes(gzip.compress(text.encode()) if pack else text.encode())
            return path

        return write

    def test_may_be_packed(self, write, project, pair, noon):
        path = write(thumb(0, "up", id="a"), thumb(1, "down", id="b"), pack=True)

        taken = take_file(project=project, path=path, name="f", now=noon)

        assert (taken.n_written, taken.n_judgments, taken.refused) == (2, 1, [])

    def test_loses_a_batch_with_a_refused_line_and_no_other(self, write, project, pair, noon):
        good = [thumb(0, "up", id=f"g{n}", user=f"u{n}") for n in range(4)]
        twice = '{"id": "x", "id": "y"}'
        path = write(*good[:2], good[2], twice, good[3])

        taken = take_file(project=project, path=path, name="f", now=noon, batch_lines=2)

        assert [(one.line, one.rule) for one in taken.refused] == [(4, "duplicate_key")]
        assert taken.n_written == 3
        assert not FeedbackEvent.objects.filter(external_id="g2").exists()


@pytest.mark.django_db(transaction=True)
class TestTheSameFeedbackAtOnce:
    def test_is_written_once(self, project, pair, noon):
        told = [
            {"id": "a"} | event("edit", 0, other_response="item-1-1"),
            {"id": "b"} | thumb(0, "down"),
        ]

        def take(_):
            try:
                return take_feedback(project=project, records=told, now=noon).n_written
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as threads:
            written = sorted(threads.map(take, range(4)))

        assert written == [0, 0, 0, 2]
        assert Judgment.objects.count() == 1
