from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from annotation.domain.vocabulary import (
    AnswerStatus,
    CriterionKind,
    OrderPolicy,
    Outcome,
    RequestState,
    RunPurpose,
)
from annotation.models import (
    Comparison,
    Criterion,
    JudgeRequest,
    JudgeRun,
    JudgeVerdict,
    Judgment,
    Response,
)
from annotation.selectors.quality import fresh_report
from annotation.services import aggregation
from annotation.services.judges import verdicts

FIRST_PLACE, SECOND_PLACE, EQUAL = [[0], [1]], [[1], [0]], [[0, 1]]


@pytest.fixture
def answer(noon):
    """Record a judge's answer in one order: answer(judge, comparison, 0, [[0], [1]])."""

    def answer(judge, comparison, order, tiers, why="", chances=None, trial=False, **fields):
        run, _ = JudgeRun.objects.get_or_create(
            judge=judge,
            number=1,
            defaults={
                "project": judge.project,
                "purpose": RunPurpose.RUN,
                "created_at": noon,
            },
        )
        said = {
            "outcome": fields.pop("outcome", Outcome.RANKED),
            "tiers": tiers,
            "criteria": fields.pop("criteria", {}),
            "why": why,
        }
        return JudgeRequest.objects.create(
            project=judge.project,
            judge=judge,
            endpoint=judge.endpoint,
            run=run,
            comparison=comparison,
            order=order,
            is_trial=trial,
            shown_order=comparison.response_ids[:: -1 if order else 1],
            due_at=noon,
            created_at=noon,
            **(
                {
                    "state": RequestState.ANSWERED,
                    "status": AnswerStatus.USABLE,
                    "verdict": said,
                    "chances": chances,
                }
                | fields
            ),
        )

    return answer


@pytest.fixture
def conclude(noon):
    def conclude(judge, comparison, is_trial=False):
        return verdicts.conclude_verdict(
            judge=judge, comparison_id=comparison.pk, is_trial=is_trial, now=noon
        )

    return conclude


MALFORMED = {"state": RequestState.FAILED, "status": AnswerStatus.MALFORMED, "verdict": None}


class TestConcludeVerdict:
    def test_makes_one_judgment_of_both_orders(self, make_judge, make_comparison, answer, conclude):
        judge, comparison = make_judge(), make_comparison()
        first, second = comparison.response_ids
        answer(judge, comparison, 0, FIRST_PLACE, chances={"0": 0.8, "1": 0.2})
        answer(judge, comparison, 1, SECOND_PLACE, chances={"0": 0.4, "1": 0.6})

        verdict = conclude(judge, comparison)

        judgment = Judgment.objects.get()
        name = comparison.item.responses.get(pk=first).external_id
        assert verdict.judgment == judgment
        assert judgment.ranking == [[first], [second]]
        assert judgment.annotator == judge.annotator
        assert judgment.metadata["chances"][name] == pytest.approx(0.710, abs=1e-3)
        assert judgment.metadata["template"] == bytes(judge.template.digest).hex()
        assert verdict.bias == pytest.approx(0.490, abs=1e-3)

    def test_makes_no_second_one(self, make_judge, make_comparison, answer, conclude):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE)
        answer(judge, comparison, 1, SECOND_PLACE)

        assert conclude(judge, comparison) == conclude(judge, comparison)
        assert Judgment.objects.count() == 1

    def test_lets_consensus_follow(self, make_judge, make_comparison, answer, conclude, noon):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE)
        answer(judge, comparison, 1, SECOND_PLACE)

        conclude(judge, comparison)
        aggregation.refresh_next_stale(now=noon)

        comparison = Comparison.objects.get(pk=comparison.pk)
        assert comparison.consensus.n_votes == 1
        assert comparison.consensus.ranking[0] == comparison.response_ids[:1]

    def test_never_makes_a_vote_of_a_flip(self, make_judge, make_comparison, answer, conclude):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE)
        answer(judge, comparison, 1, FIRST_PLACE)

        verdict = conclude(judge, comparison)

        assert verdict.is_flipped
        assert Judgment.objects.get().outcome == Outcome.UNSURE
        assert set(verdict.chances) == {str(pk) for pk in comparison.response_ids}

    def test_makes_no_vote_of_one_order_where_both_were_asked_for(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE)
        answer(judge, comparison, 1, [], **MALFORMED)

        assert conclude(judge, comparison).outcome == Outcome.UNSURE

    def test_makes_one_of_the_only_order_asked_for(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(order_policy=OrderPolicy.ONE), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE)

        assert conclude(judge, comparison).ranking[0] == comparison.response_ids[:1]

    def test_makes_no_judgment_of_answers_that_nobody_can_read(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, [], **MALFORMED)
        answer(judge, comparison, 1, [], **MALFORMED | {"status": AnswerStatus.REFUSED})

        verdict = conclude(judge, comparison)

        assert (verdict.outcome, verdict.n_answers) == (Outcome.UNPARSED, 0)
        assert not Judgment.objects.exists()

    def test_waits_for_the_requests_that_are_open(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE)
        answer(judge, comparison, 1, [], state=RequestState.QUEUED, status="", verdict=None)

        assert conclude(judge, comparison) is None
        assert not JudgeVerdict.objects.exists()

    def test_concludes_nothing_where_a_request_was_cancelled(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE)
        answer(judge, comparison, 1, [], state=RequestState.CANCELLED, status="", verdict=None)

        assert conclude(judge, comparison) is None

    def test_keeps_a_trial_out_of_the_judgments(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE, trial=True)
        answer(judge, comparison, 1, SECOND_PLACE, trial=True)

        verdict = conclude(judge, comparison, is_trial=True)

        assert verdict.ranking[0] == comparison.response_ids[:1]
        assert not Judgment.objects.exists()

    def test_calls_responses_of_the_same_content_a_tie(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(), make_comparison(texts=("the same", "the same"))
        answer(judge, comparison, 0, FIRST_PLACE)
        answer(judge, comparison, 1, FIRST_PLACE)

        assert conclude(judge, comparison).ranking == [comparison.response_ids]

    def test_keeps_the_reasons_of_both_orders_with_what_was_shown(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(), make_comparison()
        answer(judge, comparison, 0, FIRST_PLACE, why="A rhymes.")
        answer(judge, comparison, 1, SECOND_PLACE, why="B rhymes.")

        conclude(judge, comparison)

        text = Judgment.objects.get().rationale.text
        assert text == "A rhymes.\n\n(Shown in the order 2, 1.) B rhymes."

    def test_combines_what_is_said_on_the_project_s_criteria(
        self, project, make_judge, make_comparison, answer, conclude
    ):
        Criterion.objects.create(
            project=project, key="rhyme", name="Rhyme", kind=CriterionKind.PREFERENCE
        )
        Criterion.objects.create(
            project=project, key="clarity", name="Clarity", kind=CriterionKind.RATING
        )
        judge, comparison = make_judge(), make_comparison()
        first, second = comparison.response_ids
        unknown = {"charm": {"ranking": FIRST_PLACE}}
        ratings = {"ratings": {"0": 5, "1": 2}}, {"ratings": {"0": 3, "1": 4}}
        of_order = [
            {"rhyme": {"ranking": FIRST_PLACE}, "clarity": ratings[0]} | unknown,
            {"rhyme": {"ranking": SECOND_PLACE}, "clarity": ratings[1]} | unknown,
        ]
        for order, criteria in enumerate(of_order):
            answer(judge, comparison, order, EQUAL, criteria=criteria)

        conclude(judge, comparison)

        assert Judgment.objects.get().criteria == {
            "rhyme": {"ranking": [[first], [second]]},
            "clarity": {"ratings": {str(first): 5, str(second): 3}},
        }


@pytest.mark.django_db(transaction=True)
class TestConcludeVerdictInParallel:
    def test_concludes_once_where_two_workers_finish_the_last_requests_together(
        self, make_judge, make_comparison, answer, conclude
    ):
        judge, comparison = make_judge(), make_comparison()
        waiting = {"state": RequestState.QUEUED, "status": "", "verdict": None}
        requests = [answer(judge, comparison, order, [], **waiting) for order in (0, 1)]
        both_answered = Barrier(2)

        def finish(request):
            with transaction.atomic():
                said = {"outcome": "ranked", "tiers": FIRST_PLACE, "criteria": {}, "why": ""}
                JudgeRequest.objects.filter(pk=request.pk).update(
                    state=RequestState.ANSWERED, status=AnswerStatus.USABLE, verdict=said
                )
                both_answered.wait()
                found = conclude(judge, comparison)
            connection.close()
            return found

        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(finish, requests))

        assert JudgeVerdict.objects.get().n_answers == 2
        assert Judgment.objects.count() == 1
        assert sorted(verdict is None for verdict in found) == [False, True]


class TestReportOnConfiguredJudges:
    def test_tells_sides_and_flips_from_what_was_said_in_each_order(
        self, project, make_judge, make_comparison, answer, conclude
    ):
        judge = make_judge()
        said = [(FIRST_PLACE, SECOND_PLACE), (FIRST_PLACE, FIRST_PLACE), (EQUAL, EQUAL)]
        for in_order, in_reverse in said:
            comparison = make_comparison()
            answer(judge, comparison, 0, in_order)
            answer(judge, comparison, 1, in_reverse)
            conclude(judge, comparison)

        figures = fresh_report(project)

        (judge_figures,) = figures.people["judges"]
        assert judge_figures["n"] == 3
        assert judge_figures["first_shown_rate"] == 3 / 4
        assert (judge_figures["n_flips"], judge_figures["order_flip_rate"]) == (3, 1 / 3)
        assert judge_figures["n_of"]["first_shown_rate"] == 4
        assert figures.figures["bias"]["llm"]["order_flips"]["n"] == 3

    def test_measures_self_preference_by_the_family_configured(
        self, project, make_judge, make_item, make_comparison, answer, conclude
    ):
        judge = make_judge(family="Model", model_name="something-else")
        item = make_item(metadata={"gold": 1})
        Response.objects.filter(item=item, position=1).update(model_name="other-1")
        comparison = make_comparison(item=item)
        answer(judge, comparison, 0, FIRST_PLACE)
        answer(judge, comparison, 1, SECOND_PLACE)
        conclude(judge, comparison)

        own = fresh_report(project).figures["bias"]["self_preference"][judge.annotator.name]

        assert (own["n"], own["own"], own["gold"]) == (1, 1.0, 0.0)
