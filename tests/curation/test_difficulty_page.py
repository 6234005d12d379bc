import json
import re
from html import unescape

import pytest
from django.urls import reverse

from annotation.domain.vocabulary import Role
from curation.domain.difficulty.samples import NAMES
from curation.domain.vocabulary import SignalFamily
from curation.models import DifficultyFit, Signals

pytestmark = pytest.mark.django_db
INTERVAL = {"spearman_low": 0.2, "spearman_high": 0.4}


@pytest.fixture
def read(client, make_user, join, project):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    client.force_login(user)

    def read():
        response = client.get(reverse("curation:difficulty", args=[project.slug]))
        assert response.status_code == 200
        return response.content.decode()

    return read


@pytest.fixture
def fitted(project, noon):
    def fitted(**told):
        evaluation = {
            "n": 500,
            "n_prompts": 20,
            "spearman": 0.3,
            **INTERVAL,
            "split_half": 0.1225,
            "ceiling": 0.35,
            "ceiling_low": 0.3,
            "ceiling_high": 0.4,
            "share_of_ceiling": 0.857,
            "share_of_ceiling_low": 0.7,
            "share_of_ceiling_high": 1.1,
            "auroc": 0.65,
            "spearman_unseen": 0.25,
            "singles": [{"name": "strength_gap", "spearman": -0.2, **INTERVAL, "share_known": 1.0}],
            "reliability": [
                {"predicted": 0.3, "observed": 0.32, "low": 0.2, "high": 0.4, "n": 50},
                {"predicted": 0.5, "observed": 0.48, "low": 0.4, "high": 0.6, "n": 50},
            ],
            "max_decile_error": 0.02,
            "brier": 0.23,
            "brier_of_mean": 0.25,
        }
        weight = {"mean": 0.0, "sd": 1.0, "weight": -0.4, "missing": 0.0}
        return DifficultyFit.objects.create(
            project=project,
            number=3,
            version=1,
            is_fitted=True,
            weights={"intercept": 0.0, "features": dict.fromkeys(NAMES, weight)},
            knots=[[0.0, 0.5]],
            evaluation=evaluation | told,
            n_comparisons=520,
            n_judgments=2600,
            fitted_at=noon,
        )

    return fitted


def plots_in(page):
    return [json.loads(unescape(spec)) for spec in re.findall(r'data-spec="([^"]+)"', page)]


class TestDifficultyPage:
    def test_says_what_is_missing_and_how_it_guesses(self, read):
        page = read()

        assert "Not fitted yet" in page
        assert "has 0 comparisons with two votes or more, needs 300" in page
        assert "the mean of what is known" in page
        assert "manage.py curate haiku" in page

    def test_shows_the_order_beside_its_ceiling_and_every_signal(self, read, fitted):
        fitted()

        page = read()

        assert "Fitted on 520 comparisons with 2,600 votes" in page
        assert "85.7%" in page
        assert "strength gap" in page.lower()
        bars, reliability = plots_in(page)[:2]
        assert [row["correlation"] for row in bars["data"]["values"]] == [0.3, 0.2]
        assert reliability["data"]["values"][0]["comparisons"] == 50

    def test_says_so_where_the_ceiling_cannot_be_told(self, read, fitted):
        unknown = dict.fromkeys(
            f"{key}{end}"
            for key in ("split_half", "ceiling", "share_of_ceiling")
            for end in ("", "_low", "_high")
        )
        fitted(**unknown)

        assert "cannot be told without a hundred comparisons" in read()

    def test_links_the_hardest_and_the_easiest_that_still_want_judgments(
        self, read, project, make_comparison, noon
    ):
        hard, easy, filled = (make_comparison(slots=n) for n in (2, 1, 0))
        for comparison, share in ((hard, 0.9), (easy, 0.1), (filled, 1.0)):
            Signals.objects.create(
                project=project,
                comparison=comparison,
                family=SignalFamily.DIFFICULTY,
                version=1,
                values={"difficulty": share, "difficulty_order": share},
                computed_at=noon,
            )

        page = read()

        links = [
            reverse("annotation:comparison", args=[project.slug, one.pk]) for one in (hard, easy)
        ]
        assert page.index(f'"{links[0]}"') < page.index(f'"{links[1]}"')
        assert reverse("annotation:comparison", args=[project.slug, filled.pk]) not in page
        assert sum(row["comparisons"] for row in plots_in(page)[0]["data"]["values"]) == 3

    def test_tells_why_a_fit_did_not_come_about(self, read, project, noon):
        lacks = [{"what": "prompts among them", "have": 2, "need": 5}]
        DifficultyFit.objects.create(
            project=project,
            number=1,
            version=1,
            is_fitted=False,
            evaluation={"lacks": lacks},
            n_comparisons=400,
            n_judgments=900,
            fitted_at=noon,
        )

        page = read()

        assert "has 2 prompts among them, needs 5" in page
        assert "did not come about" in page
