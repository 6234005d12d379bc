import io
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotation.domain.content import content_hash, text_part, user_prompt
from annotation.domain.vocabulary import AnnotatorKind, Outcome, Role
from annotation.models import Annotator, Comparison, Item, Judgment, Response
from annotation.services import aggregation
from benchmarks.routing_simulation import simulate
from curation.domain.routing.evaluation import evaluate
from curation.domain.routing.facts import Facts
from curation.models import RouterFit, RoutingPolicy
from curation.selectors import routing_labels
from curation.services.routing import fitting

pytestmark = pytest.mark.django_db


@pytest.fixture
def fill(make_project, noon):
    """Make a project of n pairs that two people and a judge have judged, all written in bulk.

    The first response is right. The judge prefers the longer one: every third time that is wrong.
    """

    def fill(n=204, n_prompts=40, n_people=2, slug="filled"):
        project = make_project(slug=slug)
        items = Item.objects.bulk_create(
            Item(
                project=project,
                external_id=f"i{number}",
                messages=user_prompt(f"Prompt {number % n_prompts}"),
                content_hash=content_hash([slug, number]),
                created_at=noon,
            )
            for number in range(n)
        )
        texts = [
            ("word " * 8, "word " * 30) if number % 3 == 0 else ("word " * 30, "word " * 25)
            for number in range(n)
        ]
        responses = Response.objects.bulk_create(
            Response(
                item=item,
                external_id=f"{item.external_id}-{place}",
                position=place,
                content=text_part(f"{item.external_id} {pair[place]}"),
                model_name=f"model-{place}",
                content_hash=content_hash([slug, item.external_id, place]),
            )
            for item, pair in zip(items, texts, strict=True)
            for place in (0, 1)
        )
        comparisons = Comparison.objects.bulk_create(
            Comparison(
                project=project,
                item=item,
                response_ids=[responses[2 * place].pk, responses[2 * place + 1].pk],
                stale_since=noon,
                created_at=noon,
            )
            for place, item in enumerate(items)
        )
        for number in range(n_people):
            vote(project, comparisons, AnnotatorKind.HUMAN, f"p{number}", lambda place: 0)
        vote(project, comparisons, AnnotatorKind.LLM, "judge", lambda place: int(place % 3 == 0))
        while aggregation.refresh_next_stale(now=noon, project=project):
            pass
        return project

    def vote(project, comparisons, kind, name, choose):
        voter = Annotator.objects.create(project=project, kind=kind, name=name, created_at=noon)
        judgments = []
        for place, comparison in enumerate(comparisons):
            best = choose(place)
            ids = comparison.response_ids
            judgments.append(
                Judgment(
                    project=project,
                    comparison=comparison,
                    annotator=voter,
                    outcome=Outcome.RANKED,
                    ranking=[[ids[best]], [ids[1 - best]]],
                    judged_at=noon,
                )
            )
        Judgment.objects.bulk_create(judgments)

    return fill


@pytest.fixture
def signals_of(read_all):
    """Work out the signals of the texts: signals_of(project)."""
    from curation.services.signals import refreshing

    def work(project, noon):
        read_all(project)
        while refreshing.refresh_next(now=noon, project=project):
            pass

    return work


class TestRefitNext:
    def test_waits_for_two_hundred_comparisons_with_labels_of_both(self, fill, noon):
        project = fill(n=150)

        assert not fitting.refit_next(now=noon)
        assert not RouterFit.objects.filter(project=project).exists()
        assert routing_labels.lacking(project) == [
            {
                "what": "comparisons with labels of both people and judges",
                "have": 150,
                "need": 200,
            }
        ]

    def test_fits_once_until_there_are_two_hundred_more(self, fill, noon):
        project = fill()

        assert fitting.refit_next(now=noon)
        assert not fitting.refit_next(now=noon)
        fit = RouterFit.objects.get(project=project)
        assert (fit.number, fit.n_labelled, fit.is_fitted) == (1, 204, True)
        assert fit.human_quality == 1.0
        RouterFit.objects.update(n_labelled=4, n_changes=0)
        assert fitting.refit_next(now=noon)
        assert routing_labels.last_fit(project).number == 2

    def test_says_why_it_could_not_fit(self, fill, noon):
        project = fill(n=210, n_prompts=3)

        fitting.refit_next(now=noon)

        fit = routing_labels.last_fit(project)
        assert not fit.is_fitted
        assert fit.evaluation["lacks"][0]["need"] == 4


class TestLearnedChances:
    def test_are_none_before_there_is_a_fit(self, fill, noon):
        project = fill(n=20)
        ids = np.array(Comparison.objects.filter(project=project).values_list("pk", flat=True))

        assert fitting.learned_chances(project, Facts(np.sort(ids), {})) is None

    def test_tell_where_the_judge_errs(self, fill, signals_of, make_comparison, noon):
        project = fill()
        signals_of(project, noon)
        fitting.refit_next(now=noon)
        unjudged = make_comparison(project=project)
        pks = Comparison.objects.filter(project=project).values_list("pk", flat=True)
        ids = np.array(sorted(pks))

        found = fitting.learned_chances(project, Facts(ids, {}))

        assert np.isnan(found.p[ids == unjudged.pk]).all()
        p = found.p[ids != unjudged.pk]
        is_wrong = np.arange(204) % 3 == 0
        assert p[is_wrong].max() < p[~is_wrong].min()
        assert found.utility[:204] == pytest.approx(found.h[:204] - p)


class TestEvaluateRouting:
    @pytest.fixture(autouse=True)
    def no_model(self, models):
        """Texts are embedded by the toy model."""

    def told(self, project, *options):
        out = io.StringIO()
        call_command("evaluate_routing", project.slug, *options, stdout=out)
        return out.getvalue()

    def test_prints_what_the_contract_says(self, fill):
        told = json.loads(self.told(fill(), "--json"))

        assert list(told)[:7] == [
            "n", "curves", "area", "normalised_gain", "quality_at", "ece", "auroc",
        ]  # fmt: skip
        assert told["n"] == 204
        assert set(told["curves"]) == {"random", "confidence", "learned", "oracle"}
        assert told["curves"]["random"][0] == [0.0, pytest.approx(2 / 3, abs=1e-3)]
        assert told["curves"]["learned"][-1] == [1.0, 1.0]
        assert set(told["normalised_gain"]) == {"confidence", "learned"}
        assert told["normalised_gain"]["learned"] > 0.95
        assert told["area"]["learned"] > told["area"]["confidence"]
        assert told["quality_at"]["oracle"]["50"] == 1.0

    def test_measures_fewer_labels_than_a_fit_in_force_needs(self, fill):
        project = fill(n=60)

        told = json.loads(self.told(project, "--json"))

        assert told["n"] == 60
        assert routing_labels.fit_in_force(project) is None

    def test_tells_people_in_a_table_that_their_quality_is_assumed(self, fill):
        told = self.told(fill(n=60, n_people=1))

        assert "60 comparisons of 40 prompts" in told
        assert "one person 0.850 (assumed: no two people judged the same)" in told

    def test_says_what_is_missing(self, fill):
        with pytest.raises(CommandError, match="30 comparisons that judges have judged and people"):
            self.told(fill(n=12))

    def test_does_not_fit_again_what_has_not_changed(self, fill):
        project = fill(n=60)
        self.told(project)

        self.told(project)

        assert RouterFit.objects.filter(project=project).count() == 1


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(simulate(0, 150)) | {"human_labels": 0, "n_undecided": 0}


class TestPage:
    @pytest.fixture
    def fit(self, project, evaluation, noon):
        return RouterFit.objects.create(
            project=project, number=1, version=1, is_fitted=True, n_labelled=200,
            evaluation=evaluation, fitted_at=noon,
        )  # fmt: skip

    @pytest.fixture
    def open_page(self, client, make_user, join):
        def open_page(project, query="", **headers):
            user = make_user("ada")
            join(user, project, Role.RESEARCHER)
            client.force_login(user)
            address = f"/projects/{project.slug}/curation/routing/evaluation/{query}"
            return client.get(address, headers=headers)

        return open_page

    def test_says_what_to_do_while_nothing_can_be_told(self, project, open_page):
        page = open_page(project).content.decode()

        assert "200 comparisons with labels of both people and judges are needed" in page
        assert "manage.py evaluate_routing haiku" in page

    def test_tells_quality_and_cost_at_a_budget(self, project, fit, open_page):
        page = open_page(project, "?percent=30&cost_human=2&cost_judge=0.5")

        context = page.context
        assert context["cost"] == pytest.approx(1100)
        assert context["n_people"] == 300
        learned = fit.evaluation["curves"]["learned"][30][1]
        assert [one["quality"] for one in context["at_budget"] if one["name"] == "Learned"] == [
            learned
        ]

    def test_swaps_only_the_budget_for_the_slider(self, project, fit, open_page):
        part = open_page(project, "?percent=30", **{"HX-Request": "true"}).content.decode()

        assert part.strip().startswith('<div id="budget"')

    def test_reads_nonsense_as_the_usual_budget(self, project, fit, open_page):
        page = open_page(project, "?percent=900&cost_human=x&cost_judge=-1")

        assert vars(page.context["budget"]) == {
            "percent": 25, "cost_human": 1.0, "cost_judge": 0.01,
        }  # fmt: skip

    def test_takes_the_costs_of_the_policy_in_force(self, project, fit, open_page, noon):
        RoutingPolicy.objects.create(
            project=project, number=1, state="active", created_at=noon,
            content={"learned": {"human_share": 0.2, "cost_human": 3.5}},
        )  # fmt: skip

        page = open_page(project)

        assert page.context["budget"].cost_human == 3.5
