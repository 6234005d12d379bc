"""What few prompts leave open stands beside a small error of calibration."""

import numpy as np
import pytest
from django.urls import reverse

from annotation.domain.judges.calibrating import calibrate
from annotation.domain.vocabulary import Role
from annotation.models import Calibration

WARNING = "too few, or too different, to rely on the error"


@pytest.fixture
def shown(client, make_user, join, project, make_judge, noon):
    """What an admin reads of a judge that is right on every other prompt far oftener."""

    def shown(prompt):
        ada = make_user("ada")
        join(ada, project, Role.ADMIN)
        client.force_login(ada)
        draw = np.random.default_rng(7)
        is_right = draw.random(len(prompt)) < np.where(prompt % 2, 0.3, 0.9)
        told = calibrate(draw.uniform(0.6, 0.9, len(prompt)), is_right, prompt).evaluation
        judge = make_judge()
        Calibration.objects.create(
            project=project,
            annotator=judge.annotator,
            number=1,
            method="isotonic",
            evaluation=told,
            n_labelled=len(prompt),
            fitted_at=noon,
        )
        return client.get(reverse("annotation:own_judge", args=[project.slug, judge.pk]))

    return shown


class TestJudgePage:
    def test_warns_where_prompts_are_few(self, shown):
        page = shown(np.arange(600) % 6)

        assert WARNING in page.content.decode()
        assert "from 600 comparisons of 6 prompts" in page.content.decode()

    def test_does_not_where_they_are_many(self, shown):
        page = shown(np.arange(600))

        assert WARNING not in page.content.decode()
        assert "from 600 comparisons of 600 prompts" in page.content.decode()
