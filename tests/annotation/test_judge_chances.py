import pytest

from annotation.domain.judges.opinions import BEST
from annotation.domain.vocabulary import AnnotatorKind, Outcome
from annotation.models import JudgeVerdict
from annotation.selectors import judge_chances
from annotation.selectors.judge_chances import chances_on


@pytest.fixture
def verdict(noon):
    """Keep a judge's verdict: verdict(judge, comparison, [[0], [1]], [0.8, 0.2])."""

    def verdict(judge, comparison, tiers, shares, outcome=Outcome.RANKED, **fields):
        named = dict(zip(map(str, comparison.response_ids), shares, strict=False))
        return JudgeVerdict.objects.create(
            project=comparison.project,
            judge=judge,
            comparison=comparison,
            outcome=outcome,
            ranking=[[comparison.response_ids[place] for place in tier] for tier in tiers],
            chances=named | fields.pop("beside", {}),
            n_answers=2,
            concluded_at=noon,
            **fields,
        )

    return verdict


class TestChancesOn:
    def test_takes_those_of_a_configured_judge_from_its_verdicts(
        self, project, make_judge, make_comparison, verdict
    ):
        judge = make_judge(family="Practice")
        clear, flipped, tied = (make_comparison() for _ in range(3))
        verdict(judge, clear, [[1], [0]], [0.2, 0.8], is_flipped=False)
        verdict(judge, flipped, [], [0.55, 0.45], Outcome.UNSURE, is_flipped=True)
        verdict(judge, tied, [[0, 1]], [0.3, 0.1], beside={"tie": 0.6})

        table = chances_on(project)

        assert table.comparison.tolist() == [clear.pk, flipped.pk, tied.pk]
        assert table.p_first.tolist() == pytest.approx([0.2, 0.55, 0.75])
        assert table.verdict.tolist() == [1, -1, 2]
        assert table.confidence.tolist() == pytest.approx([0.8, 0.55, 0.6])
        assert table.is_flipped.tolist() == [False, True, False]
        assert table.families[judge.annotator_id] == "practice"

    def test_leaves_out_trials_and_what_nobody_could_read(
        self, project, make_judge, make_comparison, verdict
    ):
        judge, comparison = make_judge(), make_comparison()
        verdict(judge, comparison, [[0], [1]], [0.9, 0.1], is_trial=True)
        verdict(judge, comparison, [], [], Outcome.UNPARSED)

        assert len(chances_on(project)) == 0

    def test_counts_the_votes_of_an_imported_judge_in_both_orders(
        self, project, make_crowd, make_comparison, judge
    ):
        (machine,) = make_crowd(project, 1, AnnotatorKind.LLM)
        sure, flipped = make_comparison(), make_comparison()
        for comparison, winner_in_reverse in ((sure, 0), (flipped, 1)):
            shown = comparison.response_ids
            judge(machine, comparison, [[0], [1]], shown_order=shown)
            tiers = [[winner_in_reverse], [1 - winner_in_reverse]]
            judge(machine, comparison, tiers, shown_order=shown[::-1])

        table = chances_on(project)

        assert table.p_first.tolist() == pytest.approx([0.75, 0.5])
        assert table.verdict.tolist() == [0, -1]
        assert table.is_flipped.tolist() == [False, True]

    def test_reads_rankings_of_more_than_two(
        self, project, make_crowd, make_comparison, make_judge, judge, verdict
    ):
        (machine,) = make_crowd(project, 1, AnnotatorKind.LLM)
        comparison = make_comparison(texts=("a", "b", "c"))
        judge(machine, comparison, [[2], [0], [1]])
        verdict(make_judge(), comparison, [[2], [0, 1]], [0.2, 0.2, 0.6])

        table = chances_on(project)

        assert table.verdict.tolist() == [BEST + 2, BEST + 2]
        assert table.confidence[1] == pytest.approx(0.6)
        assert not table.is_pair.any()

    @pytest.mark.parametrize("many", [1, 10])
    def test_reads_only_the_comparisons_asked_for(
        self, project, make_crowd, make_comparison, judge, make_judge, verdict, many, monkeypatch
    ):
        monkeypatch.setattr(judge_chances, "MANY", many)
        (machine,) = make_crowd(project, 1, AnnotatorKind.LLM)
        wanted, other = make_comparison(), make_comparison()
        for comparison in (wanted, other):
            judge(machine, comparison, [[0], [1]])
            verdict(make_judge(), comparison, [[0], [1]], [0.9, 0.1])

        table = chances_on(project, [wanted.pk])

        assert set(table.comparison.tolist()) == {wanted.pk}
        assert len(table) == 2

    def test_does_not_count_a_configured_judge_twice(
        self, project, make_judge, make_comparison, judge, verdict
    ):
        strict, comparison = make_judge(), make_comparison()
        judge(strict.annotator, comparison, [[0], [1]])
        verdict(strict, comparison, [[0], [1]], [0.9, 0.1])

        assert chances_on(project).confidence.tolist() == pytest.approx([0.9])
