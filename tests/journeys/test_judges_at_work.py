"""A judge is tried and run against the practice endpoint; its pages tell what happened."""

import json
import logging

import pytest
from django.db import connection
from django.urls import reverse

from annotation.domain.vocabulary import Role
from annotation.models import Comparison, JudgeRun, JudgeVerdict, Judgment
from annotation.selectors import judge_runs
from annotation.selectors.clock import database_now
from annotation.services.judges import keys, requests, runs

KEY = "sk-canary-b6a4408f2d"


@pytest.fixture
def admin(client, make_user, join, project):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    client.force_login(user)
    return client


@pytest.fixture
def page(project):
    def page(name, *args):
        return reverse(f"annotation:{name}", args=[project.slug, *args])

    return page


@pytest.fixture
def judge(make_judge, practice_endpoint):
    return make_judge(endpoint={"base_url": practice_endpoint.url})


@pytest.fixture
def vote(project, noon):
    def vote(comparison, who, best):
        ids = comparison.response_ids
        ranking = [[ids[best]], [ids[1 - best]]]
        Judgment.objects.create(
            project=project, comparison=comparison, annotator=who, outcome="ranked",
            ranking=ranking, strength=1, judged_at=noon,
        )  # fmt: skip

    return vote


def text_of(response):
    return response.content.decode()


def drain():
    while requests.answer_next(now=database_now()):
        pass


class TestATrial:
    pytestmark = pytest.mark.django_db(transaction=True)

    def test_shows_verdicts_orders_people_and_cost_and_judges_nothing(
        self, admin, page, judge, make_comparison, vote, ann, practice_endpoint
    ):
        practice_endpoint.behave(rule="longer", sharpness=5.0)
        liked = make_comparison(texts=("Short.", "This one is longer by many words. " * 5))
        vote(liked, ann, 1)
        disliked = make_comparison(texts=("Short.", "That one is longer by many words. " * 5))
        vote(disliked, ann, 0)
        make_comparison(texts=("Brief.", "An answer that nobody has judged as yet. " * 5))

        response = admin.post(page("try_judge", judge.pk))
        drain()
        shown = text_of(admin.get(response["Location"]))

        assert "6 of 6 requests done" in shown
        assert shown.count("as people") == 1
        assert shown.count("unlike people") == 1
        assert shown.count("nobody has judged it yet") == 1
        assert shown.count("Shown A, B: B is better than A") == 3
        assert shown.count("Shown B, A: B is better than A") == 3
        assert "Nothing of a trial becomes a judgment." in shown
        assert not Judgment.objects.filter(annotator=judge.annotator).exists()

    def test_shows_what_flips_with_the_order(
        self, admin, page, judge, make_comparison, practice_endpoint
    ):
        practice_endpoint.behave(mode="always-first")
        make_comparison()

        response = admin.post(page("try_judge", judge.pk))
        drain()

        assert "flips with the order" in text_of(admin.get(response["Location"]))
        assert "Flips with the order" in text_of(admin.get(page("own_judge", judge.pk)))

    def test_shows_answers_that_cannot_be_used(
        self, admin, page, judge, make_comparison, practice_endpoint
    ):
        practice_endpoint.behave(mode="refuses")
        make_comparison()

        response = admin.post(page("try_judge", judge.pk))
        drain()
        shown = text_of(admin.get(response["Location"]))

        assert "The answer could not be read" in shown
        assert "not usable" in shown
        assert "refused" in shown

    def test_says_when_nothing_is_left_to_try(self, admin, page, judge):
        response = admin.post(page("try_judge", judge.pk))

        assert response.status_code == 400
        assert "It has tried every comparison" in text_of(response)


class TestARun:
    pytestmark = pytest.mark.django_db(transaction=True)

    def test_is_counted_and_estimated_before_it_is_asked(
        self, admin, page, judge, make_comparison, vote, ann
    ):
        vote(make_comparison(), ann, 0)
        make_comparison()

        plan = text_of(admin.get(page("new_run", judge.pk), {"among": "judged_by_people"}))
        response = admin.post(page("new_run", judge.pk), {"among": "judged_by_people"})

        assert "1 comparison, 2 requests" in plan
        assert "Expected cost" in plan
        assert "At worst" in plan
        run = JudgeRun.objects.get()
        assert response["Location"] == page("judge_run", judge.pk, 1)
        assert (run.n_comparisons, run.n_requests, run.purpose) == (1, 2, "run")

    def test_costs_no_more_than_it_was_said_to_cost_at_worst(
        self, admin, page, judge, make_comparison
    ):
        for number in range(3):
            make_comparison(texts=(f"One answer {number}.", f"Another answer {number}."))
        answer = admin.get(page("new_run", judge.pk), {"among": "all"})

        admin.post(page("new_run", judge.pk), {"among": "all"})
        drain()

        judge.refresh_from_db()
        estimate = answer.context["estimate"]
        assert 0 < judge.spent / 1e6 <= estimate.worst
        assert estimate.expected / 3 < judge.spent / 1_000_000 < estimate.expected * 3

    def test_is_refused_by_a_paused_judge(self, admin, page, make_judge, make_comparison):
        judge = make_judge(state="paused")
        make_comparison()

        assert admin.post(page("new_run", judge.pk), {"among": "all"}).status_code == 409

    @pytest.mark.parametrize(
        "fields", [{"among": "x"}, {"among": "some"}, {"among": "all", "n": "-1"}]
    )
    def test_is_refused_where_it_means_nothing(self, fields, admin, page, judge, make_comparison):
        make_comparison()

        assert (
            admin.post(page("new_run", judge.pk), fields | {"n": fields.get("n", "")}).status_code
            == 422
        )
        assert not JudgeRun.objects.exists()

    def test_says_that_the_money_does_not_suffice(
        self, admin, page, make_judge, make_comparison, practice_endpoint
    ):
        judge = make_judge(endpoint={"base_url": practice_endpoint.url}, budget=1)
        make_comparison()
        plan = text_of(admin.get(page("new_run", judge.pk), {"among": "all"}))

        response = admin.post(page("new_run", judge.pk), {"among": "all"})
        drain()

        assert "More than is left" in plan
        assert "budget" in text_of(admin.get(response["Location"]))
        assert practice_endpoint.requests == 0

    def test_answers_the_poll_with_its_progress_alone(self, admin, page, judge, make_comparison):
        make_comparison()
        response = admin.post(page("new_run", judge.pk), {"among": "all"})

        polled = text_of(admin.get(response["Location"], headers={"HX-Request": "true"}))

        assert polled.strip().startswith('<section id="progress"')
        assert 'hx-trigger="every 2s"' in polled
        admin.post(page("run_state", judge.pk, 1), {"state": "cancelled"})
        assert "every 2s" not in text_of(admin.get(response["Location"]))


class TestTheKey:
    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.mark.parametrize("mode", ["leaks-key", "fine", "401"])
    def test_is_in_no_page_answer_row_or_log(
        self, mode, admin, page, judge, make_comparison, practice_endpoint, caplog
    ):
        caplog.set_level(logging.DEBUG)
        practice_endpoint.behave(mode=mode, key=KEY)
        judge.endpoint.key_cipher = keys.encrypted(key=KEY)
        judge.endpoint.save()
        make_comparison()

        admin.post(page("new_run", judge.pk), {"among": "all"})
        requests.answer_next(now=database_now())

        assert practice_endpoint.requests
        told = {
            name: text_of(admin.get(page(name, *place)))
            for name, place in {
                "judges": [],
                "own_judge": [judge.pk],
                "judge_run": [judge.pk, 1],
                "change_judge": [judge.pk],
                "endpoint": [judge.endpoint_id],
                "compare_judges": [],
            }.items()
        }
        told |= {table: rows_of(table) for table in connection.introspection.table_names()}
        assert not [name for name, text in told.items() if KEY in text]
        assert KEY not in caplog.text


def rows_of(table):
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT row_to_json(one)::text FROM "{table}" one')
        return "\n".join(row for (row,) in cursor.fetchall())


class TestWhatPeopleSay:
    @pytest.mark.parametrize(
        ("votes", "majority"),
        [
            ([], None),
            ([("ranked", [[1], [2]])], ("ranked", ((1,), (2,)))),
            ([("ranked", [[1], [2]]), ("ranked", [[2], [1]])], None),
            ([("ranked", [[2, 1]]), ("ranked", [[1, 2]]), ("both_bad", [])], ("ranked", ((1, 2),))),
        ],
    )
    def test_is_their_most_frequent_verdict(self, votes, majority):
        assert judge_runs.majority_of(votes) == majority

    @pytest.mark.django_db
    def test_leaves_out_judges_and_what_was_corrected(
        self, make_comparison, vote, ann, judge, project, noon
    ):
        comparison = make_comparison()
        vote(comparison, ann, 0)
        first = Judgment.objects.get()
        Judgment.objects.create(
            project=project, comparison=comparison, annotator=ann, outcome="both_bad",
            supersedes=first, judged_at=noon,
        )  # fmt: skip
        vote(comparison, judge.annotator, 1)

        assert judge_runs.people_on([comparison.pk]) == {comparison.pk: [("both_bad", [])]}


class TestWhatIsTried:
    @pytest.mark.django_db
    def test_is_what_people_judged_first_and_never_twice(
        self, make_comparison, vote, ann, make_judge, project, noon, make_user
    ):
        judge, user = make_judge(), make_user("ada")
        for _ in range(judge_runs.N_TRIED):
            make_comparison()
        judged = make_comparison()
        vote(judged, ann, 0)

        first = judge_runs.to_try(judge)
        assert first[0] == judged.pk
        assert len(first) == judge_runs.N_TRIED

        runs.ask_judge(judge=judge, comparison_ids=first, purpose="trial", user=user, now=noon)
        left = set(Comparison.objects.values_list("pk", flat=True)) - set(first)
        assert set(judge_runs.to_try(judge)) == left


class TestTwoJudges:
    @pytest.fixture
    def verdict(self, project, noon):
        def verdict(judge, comparison, best=None, **fields):
            ids = comparison.response_ids
            said = {"outcome": "unsure"}
            if best is not None:
                said = {"outcome": "ranked", "ranking": [[ids[best]], [ids[1 - best]]]}
            return JudgeVerdict.objects.create(
                project=project, judge=judge, comparison=comparison, n_answers=2,
                concluded_at=noon, **said | fields,
            )  # fmt: skip

        return verdict

    @pytest.mark.django_db
    def test_are_compared_where_both_voted(
        self, admin, page, make_judge, make_comparison, verdict, vote, ann
    ):
        one, other = make_judge("one"), make_judge("other")
        alike, differing, silent, tried = (make_comparison() for _ in range(4))
        verdict(one, alike, 0), verdict(other, alike, 0)
        verdict(one, differing, 0), verdict(other, differing, 1)
        verdict(one, silent, 0), verdict(other, silent)
        verdict(one, tried, 0, is_trial=True), verdict(other, tried, 1, is_trial=True)
        vote(differing, ann, 1)

        shown = text_of(admin.get(page("compare_judges"), {"a": one.pk, "b": other.pk}))

        assert judge_runs.both_voted(one, other) == (2, 1)
        assert [row["id"] for row in judge_runs.disagreements(one, other)] == [differing.pk]
        assert "Both voted on 2 comparisons, alike on 1." in shown
        assert json.dumps("A is better than B")[1:-1] in shown
