import pytest

from annotation.domain.importing.items import item_of
from annotation.domain.vocabulary import PairStrategy
from annotation.models import Comparison, Consensus, Exclusion, Slot
from annotation.services.importing.items import write_items
from annotation.services.rounds import open_second_rounds


@pytest.fixture
def knockout(make_project, noon):
    """A best-versus-rest project with one item of five responses, the last by an author."""
    project = make_project(pair_strategy=PairStrategy.BEST_VERSUS_REST, overlap=2)
    responses = [{"id": mark, "text": mark} for mark in "abcd"]
    responses.append({"id": "e", "text": "e", "author": "a poet"})
    record = {"id": "one", "prompt": "Why?", "responses": responses}
    write_items(project=project, records=[item_of(record, 1)], now=noon)
    return project


def judge(comparisons, winner, noon):
    """Settle comparisons: the winner wins clearly where it takes part, the others are equal."""
    for comparison in comparisons:
        won, lost = (0.9, 0.1) if winner in comparison.response_ids else (0.5, 0.5)
        Consensus.objects.create(
            comparison=comparison,
            project=comparison.project,
            method="test",
            version=1,
            posterior={},
            scores={str(r): won if r == winner else lost for r in comparison.response_ids},
            ranking=[],
            n_judgments=1,
            n_votes=1,
            is_settled=True,
            computed_at=noon,
        )


@pytest.mark.django_db
class TestOpenSecondRounds:
    def test_sets_the_winner_of_the_first_round_against_all_others(self, knockout, noon):
        winner = knockout.items.get().responses.get(external_id="c").id
        judge(Comparison.objects.all(), winner, noon)

        added = open_second_rounds(project=knockout, now=noon)

        met = Comparison.objects.filter(response_ids__contains=[winner])
        assert met.count() == 4
        assert Comparison.objects.count() == 4 + added
        assert Slot.objects.count() == 2 * Comparison.objects.count()

    def test_keeps_authors_away_from_their_own_answers(self, knockout, noon):
        author = knockout.items.get().responses.get(external_id="e")
        judge(Comparison.objects.all(), author.id, noon)

        open_second_rounds(project=knockout, now=noon)

        own = Comparison.objects.filter(response_ids__contains=[author.id])
        assert own.count() == 4
        assert Exclusion.objects.filter(comparison__in=own, annotator=author.author).count() == 4

    def test_waits_until_the_whole_first_round_is_judged(self, knockout, noon):
        judge(Comparison.objects.all()[:3], 0, noon)

        assert open_second_rounds(project=knockout, now=noon) == 0

    def test_is_safe_to_repeat(self, knockout, noon):
        judge(Comparison.objects.all(), 0, noon)
        open_second_rounds(project=knockout, now=noon)

        assert open_second_rounds(project=knockout, now=noon) == 0

    def test_leaves_projects_with_another_strategy_alone(self, knockout, noon):
        judge(Comparison.objects.all(), 0, noon)
        knockout.pair_strategy = PairStrategy.BUDGETED

        assert open_second_rounds(project=knockout, now=noon) == 0
