import json
from io import StringIO

import pytest
from django.core.management import call_command

from annotation import tasks
from annotation.domain.importing.items import item_of
from annotation.domain.vocabulary import ConsensusMethod, PairStrategy
from annotation.models import Comparison, Consensus, Skills
from annotation.services import skills
from annotation.services.importing.items import write_items

FIRST = [[0], [1]]


@pytest.fixture
def knockout(make_project, judge, ann, noon):
    """A best-versus-rest project whose first round of four responses is judged."""
    project = make_project(pair_strategy=PairStrategy.BEST_VERSUS_REST)
    responses = [{"id": mark, "text": mark} for mark in "abcd"]
    record = {"id": "one", "prompt": "Why?", "responses": responses}
    write_items(project=project, records=[item_of(record, 1)], now=noon)
    for comparison in Comparison.objects.filter(project=project):
        judge(ann, comparison, FIRST)
    return project


@pytest.mark.usefixtures("models")
class TestCurate:
    def test_lets_the_winners_of_first_rounds_meet_the_others(self, knockout):
        first_round = Comparison.objects.count()
        printed = StringIO()

        call_command("curate", knockout.slug, "--json", stdout=printed)

        report = json.loads(printed.getvalue())
        assert report["second_rounds"] == Comparison.objects.count() - first_round > 0

    def test_leaves_nothing_to_do(self, make_project, make_comparison, make_crowd, judge):
        project = make_project(consensus_method=ConsensusMethod.DAWID_SKENE)
        for annotator in make_crowd(project, 3):
            judge(annotator, make_comparison(project=project), FIRST)

        call_command("curate", project.slug, stdout=StringIO())

        assert (tasks.refresh_stale(), tasks.refresh_skills()) == (0, 0)
        assert {row.method for row in Consensus.objects.all()} == {"dawid_skene"}


class TestOpenSecondRounds:
    def test_is_rung_by_the_bell(self, knockout):
        tasks.refresh_stale()

        assert tasks.open_second_rounds() > 0
        assert tasks.open_second_rounds() == 0


class TestRefreshSkills:
    def test_sets_a_project_aside_that_it_cannot_read_and_does_the_others(
        self, make_project, make_comparison, make_crowd, judge, noon, monkeypatch
    ):
        broken, sound = make_project(), make_project()
        for project in (broken, sound):
            judge(make_crowd(project, 1)[0], make_comparison(project=project), FIRST)
        tasks.refresh_stale()
        learn = skills.learn

        def refuse(row, project):
            if project == broken:
                raise ValueError("votes without end")
            learn(row, project)

        monkeypatch.setattr(skills, "learn", refuse)

        done = tasks.refresh_skills()

        row = Skills.objects.get(project=broken)
        assert done == 1
        assert (row.tries, row.error) == (1, "ValueError: votes without end")
