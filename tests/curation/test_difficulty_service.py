import io
import json
from datetime import timedelta
from itertools import count

import numpy as np
import pytest
from django.core.management import call_command
from django.db import transaction

from annotation.domain.content import content_hash, text_part, user_prompt
from annotation.domain.vocabulary import AnnotatorKind, Outcome
from annotation.models import Annotator, Comparison, Item, Judgment, Response
from annotation.services import aggregation
from curation.domain.vocabulary import SignalFamily
from curation.models import DifficultyFit, SignalRequest, Signals
from curation.selectors import difficulty as selector
from curation.services import difficulty

pytestmark = pytest.mark.django_db
FAMILY = SignalFamily.DIFFICULTY


@pytest.fixture
def fill(make_project, noon):
    """Make a project of n comparisons under some prompts with votes of people, all written in bulk.

    Item 2k is clear to everybody, item 2k + 1 divides people.
    """
    numbers = count(1)

    def fill(n=320, n_prompts=16, n_votes=5):
        project = make_project(slug=f"filled-{next(numbers)}")
        items = Item.objects.bulk_create(
            Item(
                project=project,
                external_id=f"i{number}",
                messages=user_prompt(f"Prompt {number % n_prompts}"),
                content_hash=content_hash([number]),
                created_at=noon,
            )
            for number in range(n)
        )
        responses = Response.objects.bulk_create(
            Response(
                item=item,
                external_id=f"{item.external_id}-{place}",
                position=place,
                content=text_part(f"{item.external_id} says {place}"),
                model_name="good" if place == number % 2 else "even",
                content_hash=content_hash([number, place]),
            )
            for number, item in enumerate(items)
            for place in (0, 1)
        )
        comparisons = Comparison.objects.bulk_create(
            Comparison(
                project=project,
                item=item,
                response_ids=[responses[2 * place].pk, responses[2 * place + 1].pk],
                created_at=noon,
            )
            for place, item in enumerate(items)
        )
        vote(project, comparisons, n_votes)
        return project

    def vote(project, comparisons, n_votes):
        first = Annotator.objects.filter(project=project).count()
        people = Annotator.objects.bulk_create(
            Annotator(
                project=project, kind=AnnotatorKind.HUMAN, name=f"p{first + n}", created_at=noon
            )
            for n in range(n_votes)
        )
        draw = np.random.default_rng(first)
        judgments = []
        for place, comparison in enumerate(comparisons):
            for person in people:
                wins = int(draw.random() < (0.95 if place % 2 else 0.5))
                best, worst = comparison.response_ids[1 - wins], comparison.response_ids[wins]
                judgments.append(
                    Judgment(
                        project=project,
                        comparison=comparison,
                        annotator=person,
                        outcome=Outcome.RANKED,
                        ranking=[[best], [worst]],
                        judged_at=noon,
                    )
                )
        Judgment.objects.bulk_create(judgments)
        Comparison.objects.filter(project=project).update(stale_since=noon)
        while aggregation.refresh_next_stale(now=noon, project=project):
            pass
        SignalRequest.objects.bulk_create(
            [SignalRequest(comparison=one, family=FAMILY, queued_at=noon) for one in comparisons],
            ignore_conflicts=True,
        )

    fill.vote = vote
    return fill


def values_of(project):
    rows = Signals.objects.filter(project=project, family=FAMILY).order_by("comparison_id")
    return [row.values for row in rows]


def drain(project, now):
    while difficulty.refresh_next(now=now, project=project):
        pass


class TestRefreshNext:
    def test_guesses_and_says_so_before_there_are_votes_enough(
        self, make_comparison, project, noon
    ):
        comparison = make_comparison()
        SignalRequest.objects.create(comparison=comparison, family=FAMILY, queued_at=noon)
        Signals.objects.create(
            project=project,
            comparison=comparison,
            family=SignalFamily.VOTES,
            version=1,
            values={"vote_entropy": 0.8, "people_votes": 3},
            computed_at=noon,
        )

        assert difficulty.refresh_next(now=noon, project=project) == 1

        assert values_of(project) == [
            {
                "difficulty": 0.8,
                "difficulty_order": 0.8,
                "difficulty_is_fitted": False,
                "difficulty_fit": 0,
            }
        ]
        assert difficulty.refresh_next(now=noon, project=project) == 0

    def test_waits_until_requests_have_gathered(self, make_comparison, noon):
        SignalRequest.objects.create(comparison=make_comparison(), family=FAMILY, queued_at=noon)
        rest = timedelta(seconds=30)

        assert difficulty.refresh_next(now=noon, rest=rest) == 0
        assert difficulty.refresh_next(now=noon + rest, rest=rest) == 1

    def test_takes_the_requests_of_one_project_at_a_time(
        self, make_comparison, make_item, make_project, noon
    ):
        other = make_project(slug="other")
        for item in (make_item(), make_item(project=other)):
            SignalRequest.objects.create(
                comparison=make_comparison(item=item), family=FAMILY, queued_at=noon
            )

        assert [difficulty.refresh_next(now=noon) for _ in range(3)] == [1, 1, 0]

    def test_keeps_the_request_when_it_is_killed(self, make_comparison, project, noon):
        SignalRequest.objects.create(comparison=make_comparison(), family=FAMILY, queued_at=noon)

        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            difficulty.refresh_next(now=noon)
            raise KeyboardInterrupt

        assert SignalRequest.objects.filter(family=FAMILY).count() == 1
        assert values_of(project) == []

    def test_sets_back_what_cannot_be_read(self, make_comparison, project, noon):
        SignalRequest.objects.create(comparison=make_comparison(), family=FAMILY, queued_at=noon)
        DifficultyFit.objects.create(
            project=project,
            number=1,
            version=1,
            is_fitted=True,
            weights={"broken": True},
            n_comparisons=0,
            n_judgments=0,
            fitted_at=noon,
        )

        assert difficulty.refresh_next(now=noon) == 1

        request = SignalRequest.objects.get(family=FAMILY)
        assert (request.tries, request.error) == (1, "KeyError: 'features'")


class TestRefit:
    @pytest.mark.slow
    def test_foretells_which_comparisons_divide_people(self, fill, noon):
        project = fill()

        assert difficulty.refit_next(now=noon, project=project)
        drain(project, noon)

        told = values_of(project)
        assert {(one["difficulty_is_fitted"], one["difficulty_fit"]) for one in told} == {(True, 1)}
        assert all(0 <= one["difficulty"] <= 1 for one in told)
        shares = np.array([one["difficulty"] for one in told])
        assert shares[::2].mean() > shares[1::2].mean() + 0.2
        fit = selector.fit_in_force(project)
        assert (fit.n_comparisons, fit.n_judgments) == (320, 1600)
        assert fit.evaluation["spearman"] > 0.2
        assert fit.weights["n_outcomes"] == 2

        assert not difficulty.refit_next(now=noon, project=project)

        fill.vote(project, list(Comparison.objects.filter(project=project).order_by("pk")[:170]), 1)
        assert difficulty.refit_next(now=noon, project=project)
        assert selector.fit_in_force(project).number == 2
        assert SignalRequest.objects.filter(family=FAMILY).count() == 320

    def test_does_not_fit_below_the_minimum(self, fill, noon):
        project = fill(n=30)

        assert not difficulty.refit_next(now=noon, project=project)

        assert DifficultyFit.objects.count() == 0
        assert selector.lacking(project) == [
            {"what": "comparisons with two votes or more", "have": 30, "need": 300}
        ]

    def test_keeps_why_it_did_not_come_about(self, fill, noon):
        project = fill(n=301, n_prompts=2, n_votes=2)

        assert difficulty.refit_next(now=noon, project=project)
        drain(project, noon)

        assert selector.fit_in_force(project) is None
        assert selector.lacking(project)[0]["what"] == "prompts among them"
        assert not values_of(project)[0]["difficulty_is_fitted"]
        assert not difficulty.refit_next(now=noon, project=project)

    def test_counts_only_the_votes_of_people(self, fill, noon):
        project = fill(n=10)
        judge = Annotator.objects.create(
            project=project, kind=AnnotatorKind.LLM, name="judge", created_at=noon
        )
        comparison = Comparison.objects.filter(project=project).first()
        Judgment.objects.create(
            project=project,
            comparison=comparison,
            annotator=judge,
            outcome=Outcome.RANKED,
            ranking=[comparison.response_ids],
            judged_at=noon,
        )

        known = selector.read_project(project).known

        assert known.ballot.counts().sum() == 50
        assert selector.votes_counted(project) == (10, 50)


class TestCommand:
    def test_says_what_is_missing(self, project):
        out = io.StringIO()

        call_command("difficulty", project.slug, "--json", stdout=out)

        told = json.loads(out.getvalue())
        assert told["is_fitted"] is False
        assert told["lacks"][0]["need"] == 300
        assert "the mean of what is known" in told["heuristic"]
