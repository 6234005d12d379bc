import gzip
import json

import numpy as np
import pytest

from annotation.domain.quality import agreement_among, annotator_figures
from benchmarks.published_agreement import check, read

ITEM = {"prompt": "?", "responses": [{"text": "long one"}, {"text": "short"}], "meta": None}
VOTES = [
    ("a", "h1", "human", 0, False),
    ("a", "h2", "human", 0, True),
    ("b", "h1", "human", "tie", False),
    ("b", "h2", "human", 1, False),
    ("a", "j", "llm", 0, False),
    ("a", "j", "llm", 1, True),
    ("b", "j", "llm", None, False),
]
STATS = {
    "items_with_2+_human_votes": 2,
    "human_human_agreement": 0.5,
    "human_human_agreement_no_ties": 1.0,
    "krippendorff_alpha_nominal": 0.4,
    "human_tie_rate": 0.25,
    "llm": {"j": {"votes": 3, "agreement_with_human_majority": 0.5, "orders_agree": 0.0}},
}


@pytest.fixture
def folder(tmp_path):
    with gzip.open(tmp_path / "mini.items.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(ITEM | {"id": name}) + "\n" for name in "ab")
    with gzip.open(tmp_path / "mini.votes.jsonl.gz", "wt") as file:
        for item, annotator, kind, choice, swapped in VOTES:
            row = {"item_id": item, "annotator": annotator, "kind": kind, "choice": choice}
            rest = dict.fromkeys(["ranking", "ratings", "aspects", "meta", "seconds"])
            file.write(json.dumps(row | {"position_swapped": swapped} | rest) + "\n")
    (tmp_path / "PUBLISHED.json").write_text("{}")
    (tmp_path / "STATS.json").write_text(json.dumps({"mini": STATS}))
    return tmp_path


class TestPublishedAgreement:
    def test_passes_where_every_figure_is_the_published_one(self, folder, capsys):
        assert check(folder) == 0
        assert "8 figures compared, 0 differ" in capsys.readouterr().out

    def test_fails_where_one_differs_in_the_third_digit(self, folder, capsys):
        wrong = {"mini": STATS | {"krippendorff_alpha_nominal": 0.402}}
        (folder / "STATS.json").write_text(json.dumps(wrong))

        assert check(folder) == 1
        assert "differs: mini krippendorff_alpha_nominal" in capsys.readouterr().out

    def test_fails_where_there_is_nothing_to_compare(self, folder):
        (folder / "STATS.json").write_text("{}")

        assert check(folder) == 1

    def test_reads_verdicts_by_response_and_order_by_side(self, folder):
        votes = read(folder, "mini").arrays

        assert agreement_among(votes.by_people).n_pairs == 2
        assert annotator_figures(votes)[2].first_shown_rate == 1.0
        assert np.isnan(votes.seconds).all()
