import pytest

from annotation.domain.vocabulary import Outcome
from annotation.models import Calibration, Comparison, JudgeVerdict, Judgment
from annotation.services import aggregation
from curation.domain.vocabulary import SignalFamily
from curation.models import SignalRequest, Signals
from curation.services.signals import refreshing


@pytest.fixture
def concluded(noon):
    """Let configured judges answer: concluded(judge, comparison, 0.8, is_flipped=False)."""

    def concluded(judge, comparison, p_first, is_flipped=False):
        first, second = comparison.response_ids
        winner_first = [[first], [second]] if p_first > 0.5 else [[second], [first]]
        fields = {
            "outcome": Outcome.UNSURE if is_flipped else Outcome.RANKED,
            "ranking": [] if is_flipped else winner_first,
        }
        about = {"project": comparison.project, "comparison": comparison}
        judgment = Judgment.objects.create(
            annotator=judge.annotator, judged_at=noon, **about, **fields
        )
        JudgeVerdict.objects.create(
            judge=judge,
            judgment=judgment,
            chances={str(first): p_first, str(second): 1 - p_first},
            is_flipped=is_flipped,
            n_answers=2,
            concluded_at=noon,
            **about,
            **fields,
        )
        Comparison.objects.filter(pk=comparison.pk).update(stale_since=noon)

    return concluded


@pytest.fixture
def signals_of(project, noon):
    def signals_of(comparison):
        while aggregation.refresh_next_stale(now=noon):
            pass
        while refreshing.refresh_next(now=noon, project=project):
            pass
        return Signals.objects.get(comparison=comparison, family=SignalFamily.JUDGES).values

    return signals_of


class TestSignalsOfConfiguredJudges:
    def test_give_each_family_one_vote(self, make_judge, make_comparison, concluded, signals_of):
        comparison = make_comparison()
        for number in range(3):
            concluded(make_judge(name=f"gpt {number}", family="gpt"), comparison, 0.8)
        concluded(make_judge(name="claude", family="claude"), comparison, 0.2)

        values = signals_of(comparison)

        assert values["judge_confidence"] == pytest.approx(0.5)
        assert values["judge_agreement"] == 0.0
        assert values["judge_probability"] == pytest.approx(0.65)

    def test_tell_flips_that_their_judgments_do_not_show(
        self, make_judge, make_comparison, concluded, signals_of
    ):
        comparison = make_comparison()
        concluded(make_judge(name="steady", family="gpt"), comparison, 0.9)
        concluded(make_judge(name="swayed", family="llama"), comparison, 0.6, is_flipped=True)

        values = signals_of(comparison)

        assert (values["n_judges"], values["order_flip"]) == (1, 0.5)
        assert values["judge_agreement"] == 0.5

    def test_are_worked_out_anew_when_a_judge_is_calibrated(
        self, project, make_judge, make_comparison, concluded, signals_of, noon
    ):
        judge, comparison = make_judge(), make_comparison()
        concluded(judge, comparison, 0.9)
        before = signals_of(comparison)["judge_confidence"]

        side = {"method": "temperature", "temperature": 2.0}
        Calibration.objects.create(
            project=project,
            annotator=judge.annotator,
            number=1,
            method="temperature",
            parameters={"verdict": side, "side": side},
            n_labelled=100,
            fitted_at=noon,
        )

        assert SignalRequest.objects.filter(comparison=comparison, family="judges").exists()
        assert (before, signals_of(comparison)["judge_confidence"]) == pytest.approx((0.9, 0.75))
