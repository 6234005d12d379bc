from datetime import timedelta

import numpy as np
import pytest

from annotation.domain.vocabulary import AnnotatorKind, CalibrationMethod
from annotation.models import Annotator, Calibration
from annotation.selectors.judge_chances import calibrated, calibrations_of, chances_on
from annotation.selectors.people_labels import people_labels
from annotation.services import aggregation
from annotation.services.judges import calibration

FIRST, SECOND = [[0], [1]], [[1], [0]]


@pytest.fixture
def machine(project, make_crowd):
    (machine,) = make_crowd(project, 1, AnnotatorKind.LLM)
    return machine


@pytest.fixture
def settle(project, noon):
    def settle(now=noon):
        while aggregation.refresh_next_stale(now=now, project=project):
            pass

    return settle


@pytest.fixture
def labelled(project, make_crowd, make_comparison, judge, machine, settle):
    """Comparisons that three people judge alike, and a machine that is right in some of them."""

    def labelled(n, n_right, start=0):
        people = [
            Annotator.objects.get_or_create(
                project=project,
                kind=AnnotatorKind.HUMAN,
                name=f"person {k}",
                defaults={"created_at": project.created_at},
            )[0]
            for k in range(3)
        ]
        for number in range(start, start + n):
            comparison = make_comparison(prompt=f"Prompt {number}")
            for person in people:
                judge(person, comparison, FIRST)
            judge(machine, comparison, FIRST if number < start + n_right else SECOND)
        settle()

    return labelled


class TestPeopleLabels:
    def test_are_what_people_clearly_say_whatever_judges_say(
        self, project, make_crowd, make_comparison, judge, machine, settle
    ):
        people = make_crowd(project, 3)
        clear, disputed = make_comparison(), make_comparison()
        for person in people:
            judge(person, clear, SECOND)
            judge(person, disputed, FIRST if person == people[0] else SECOND)
        judge(machine, clear, FIRST)
        judge(machine, disputed, SECOND)
        settle()

        labels = people_labels(project)

        assert labels.comparison.tolist() == [clear.pk]
        assert labels.verdict.tolist() == [1]

    def test_are_the_known_answer_where_people_are_not_clear(
        self, project, make_comparison, make_item, judge, machine, settle
    ):
        item = make_item(metadata={"gold": 1})
        tied = make_item(metadata={"gold": "tie"})
        for each in (item, tied, make_item()):
            judge(machine, make_comparison(item=each), FIRST)
        settle()

        assert people_labels(project).verdict.tolist() == [1, 2]

    def test_name_the_best_of_more_than_two(
        self, project, make_crowd, make_comparison, judge, settle
    ):
        clear, tied, four, disputed = (
            make_comparison(texts=texts) for texts in ("abc", "abc", "abcd", "abc")
        )
        for number, person in enumerate(make_crowd(project, 3)):
            judge(person, clear, [[2], [0, 1]])
            judge(person, tied, [[0, 1, 2]])
            judge(person, four, [[3], [0], [1, 2]])
            judge(person, disputed, [[number], [(number + 1) % 3, (number + 2) % 3]])
        settle()

        labels = people_labels(project)

        assert labels.comparison.tolist() == [clear.pk, tied.pk, four.pk]
        assert labels.verdict.tolist() == [12, 2, 13]


class TestRefitNext:
    def test_calibrates_an_imported_judge_by_what_people_say(
        self, project, labelled, machine, noon
    ):
        labelled(40, 26)

        assert calibration.refit_next(now=noon)

        found = Calibration.objects.get(annotator=machine)
        assert (found.method, found.n_labelled) == (CalibrationMethod.TEMPERATURE, 40)
        assert found.evaluation["before"]["ece"] == pytest.approx(0.1)
        assert (found.evaluation["n"], len(found.evaluation["after"]["bins"])) == (40, 10)
        table = chances_on(project)
        honest = calibrated(table, calibrations_of(project))
        assert honest.confidence == pytest.approx(np.full(40, 0.65), abs=0.005)
        assert (honest.p_first > 0.5).tolist() == (table.p_first > 0.5).tolist()

    def test_leaves_a_judge_alone_while_there_are_few_labels(
        self, project, labelled, machine, noon
    ):
        labelled(5, 5)

        calibration.refit_next(now=noon)

        assert Calibration.objects.get(annotator=machine).method == CalibrationMethod.NONE
        assert calibrations_of(project)[machine.pk].verdict(np.array([0.8])) == 0.8

    def test_rests_until_there_is_news(self, labelled, noon):
        labelled(5, 5)

        calibration.refit_next(now=noon)

        assert not calibration.refit_next(now=noon + timedelta(days=1))

    def test_waits_for_enough_news_or_long_enough(self, labelled, noon):
        labelled(5, 5)
        calibration.refit_next(now=noon)

        labelled(2, 1, start=5)

        assert not calibration.refit_next(now=noon + timedelta(minutes=2))
        assert calibration.refit_next(now=noon + timedelta(minutes=11))

    def test_is_done_at_once_for_one_project(self, project, labelled, machine, noon):
        labelled(5, 5)
        calibration.refit_next(now=noon, project=project)
        labelled(1, 1, start=5)

        assert calibration.refit_next(now=noon, project=project)

        assert Calibration.objects.get(annotator=machine).n_labelled == 6

    def test_numbers_only_what_changes_probabilities(self, project, labelled, machine, noon):
        labelled(40, 26)
        calibration.refit_next(now=noon, project=project)
        labelled(3, 2, start=40)
        calibration.refit_next(now=noon, project=project)
        labelled(10, 0, start=43)
        calibration.refit_next(now=noon, project=project)

        rows = Calibration.objects.filter(annotator=machine).order_by("number")
        assert list(rows.values_list("number", "n_labelled")) == [(1, 43), (2, 53)]

    def test_has_nothing_to_do_without_judges(
        self, project, make_crowd, make_comparison, judge, settle, noon
    ):
        (person,) = make_crowd(project, 1)
        judge(person, make_comparison(), FIRST)
        settle()

        assert not calibration.refit_next(now=noon)
