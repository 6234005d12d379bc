import numpy as np

from annotation.models import Judgment
from annotation.selectors.rankings import rankings_of


class TestRankingsOf:
    def test_reads_the_tier_of_each_response_in_stored_order(
        self, project, make_comparison, ann, noon
    ):
        comparison = make_comparison(texts=("one", "two", "three"))
        a, b, c = comparison.response_ids
        Judgment.objects.create(
            project=project,
            comparison=comparison,
            annotator=ann,
            outcome="ranked",
            ranking=[[c], [a, b]],
            judged_at=noon,
        )

        found = rankings_of(project)

        assert found.responses.tolist() == [[a, b, c]]
        assert found.tiers.tolist() == [[1, 1, 0]]
        assert not found.is_judge.any()

    def test_has_no_rows_without_rankings(self, project, make_comparison):
        make_comparison()

        found = rankings_of(project)

        assert len(found.judgment) == 0
        assert np.isnan(found.tiers).sum() == 0
