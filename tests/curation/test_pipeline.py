"""The pipeline over shards gives what the drains' own calls give, whoever runs it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.domain.duplicates.minhash import candidates_of, signatures_of
from curation.domain.duplicates.semantic import exact_pairs
from curation.domain.embedding.encoder import Encoder, default_model
from curation.domain.texts import text_digest
from curation.pipeline import engines, shards
from curation.pipeline.__main__ import main
from curation.pipeline.shards import digest_of

ROOT = Path(__file__).resolve().parents[2]
SHARDS = [
    ["Write a haiku about the sea.", "", "Write a haiku about the sea.", None, "What is 2 + 2?"],
    [
        "Write a haiku about the seas.",
        "What is 2 + 2?",
        "Name a prime number above ten, and say why.",
        "🙂",
    ],
]
DISTINCT = [["Write a haiku about the sea.", "", "What is 2 + 2?"], SHARDS[1]]


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for number, rows in enumerate(SHARDS):
        pq.write_table(
            pa.table({"text": pa.array(rows, pa.string())}), folder / f"{number}.parquet"
        )
    return folder


@pytest.fixture
def vectors(tmp_path):
    """Two shards of random vectors with pairs within and between them."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 8))
    rows[3], rows[25] = rows[7] + 0.05, rows[1] + 0.05
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    folder = tmp_path / "vectors"
    folder.mkdir()
    keys = [text_digest(str(n)) for n in range(40)]
    for number in range(2):
        part = slice(20 * number, 20 * number + 20)
        lists = pa.FixedSizeListArray.from_arrays(rows[part].astype("float16").ravel(), 8)
        table = pa.table({"digest": pa.array(keys[part], pa.binary()), "vector": lists})
        pq.write_table(table, folder / f"{number}.parquet")
    return folder, keys, rows.astype("float16").astype(np.float32)


@pytest.fixture
def own_ray():
    ray = pytest.importorskip("ray", reason="optional: requirements-ray.txt")
    yield ray
    ray.shutdown()


def rows_of(folder):
    return pa.concat_tables([pq.read_table(path) for path in shards.shards_in(folder)])


def pairs_of(folder):
    table = rows_of(folder)
    return set(zip(table["first"].to_pylist(), table["second"].to_pylist(), strict=True))


def run(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


class TestSignatures:
    def test_are_those_that_the_drain_stores(self, texts, tmp_path):
        run("signatures", texts, tmp_path / "out")

        table = rows_of(tmp_path / "out")
        flat = [text for rows in DISTINCT for text in rows]
        signed = signatures_of(flat)
        stored = [signed.stored(row) for row in range(len(flat))]
        assert table["digest"].to_pylist() == [text_digest(text) for text in flat]
        assert table["values"].to_pylist() == [values for values, _ in stored]
        assert table["bands"].to_pylist() == [bands for _, bands in stored]


class TestNearPairs:
    @pytest.mark.parametrize("parts", [1, 3])
    def test_are_those_that_share_a_band(self, texts, tmp_path, parts):
        run("signatures", texts, tmp_path / "signed")
        run("near-pairs", tmp_path / "signed", tmp_path / "out", "--parts", parts, "--least", 0.1)

        flat = list(dict.fromkeys(text for rows in DISTINCT for text in rows))
        signed = signatures_of(flat)
        digests = [text_digest(text) for text in flat]
        expected = {
            tuple(sorted((digests[one], digests[other])))
            for one, other in zip(*candidates_of(signed.bands, signed.is_empty), strict=True)
        }
        assert expected
        assert pairs_of(tmp_path / "out") == expected


class TestSemanticPairs:
    def test_are_those_of_all_shards_together(self, vectors, tmp_path):
        folder, keys, rows = vectors

        run("semantic-pairs", folder, tmp_path / "out", "--least", 0.8)

        alike = exact_pairs(rows, 0.8)
        expected = {
            tuple(sorted((keys[one], keys[other])))
            for one, other in zip(alike.first, alike.second, strict=True)
        }
        assert len(expected) >= 2
        assert pairs_of(tmp_path / "out") == expected


class TestEmbed:
    def test_gives_the_bytes_of_the_drains_own_call(self, texts, tmp_path):
        run("embed", texts, tmp_path / "out")

        encoder = Encoder(default_model())
        for path, flat in zip(shards.shards_in(tmp_path / "out"), DISTINCT, strict=True):
            found = pq.read_table(path)["vector"].combine_chunks().flatten().to_numpy()
            assert found.tobytes() == encoder.encode(flat).vectors.astype("float16").tobytes()

    @pytest.mark.slow
    def test_has_the_same_digest_in_ray(self, texts, tmp_path, own_ray):
        for job in ("signatures", "embed"):
            run(job, texts, tmp_path / "local" / job)
            run(job, texts, tmp_path / "ray" / job, "--engine", "ray", "--workers", 2)

            assert digest_of(tmp_path / "local" / job) == digest_of(tmp_path / "ray" / job)


class TestShards:
    def test_are_not_done_again(self, texts, tmp_path, capsys):
        run("signatures", texts, tmp_path / "out")
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
        (tmp_path / "out" / "1.parquet").unlink()

        run("signatures", texts, tmp_path / "out")

        assert "1 shards are there, 1 to do" in capsys.readouterr().out
        kept = tmp_path / "out" / "0.parquet"
        assert kept.stat().st_mtime_ns == before[kept]

    def test_of_other_settings_are_not_mixed(self, vectors, tmp_path, capsys):
        folder, *_ = vectors
        run("semantic-pairs", folder, tmp_path / "out", "--least", 0.8)

        assert main(["semantic-pairs", str(folder), str(tmp_path / "out"), "--least", "0.7"]) == 2
        assert "begun with other settings" in capsys.readouterr().err

    def test_have_a_digest_that_no_cut_changes(self, tmp_path):
        rows = [{"digest": bytes([n]), "bands": [n, -n]} for n in range(9)]
        for name, cuts in (("one", [rows]), ("many", [rows[5:], rows[:5]])):
            (tmp_path / name).mkdir()
            for number, cut in enumerate(cuts):
                table = pa.Table.from_pylist(cut)
                pq.write_table(table, tmp_path / name / f"{number}.parquet")

        assert digest_of(tmp_path / "one") == digest_of(tmp_path / "many")

    def test_are_missed_with_a_sentence(self, tmp_path, capsys):
        assert main(["signatures", str(tmp_path), str(tmp_path / "out")]) == 2
        assert "no Parquet file" in capsys.readouterr().err


class TestPipeline:
    def test_needs_no_django(self):
        ask = "import sys, curation.pipeline.__main__; sys.exit('django' in sys.modules)"

        assert subprocess.run([sys.executable, "-c", ask], cwd=ROOT, check=False).returncode == 0

    def test_says_how_to_get_ray(self, texts, tmp_path, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "ray", None)

        assert main(["signatures", str(texts), str(tmp_path / "out"), "--engine", "ray"]) == 2
        assert "requirements-ray.txt" in capsys.readouterr().err
        assert engines.ROOT == ROOT
