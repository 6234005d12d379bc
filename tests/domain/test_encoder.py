import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.domain.errors import DomainError
from curation.domain.embedding import encoder as encoder_module
from curation.domain.embedding import networks
from curation.domain.embedding.batches import Budget
from curation.domain.embedding.chunks import pooled
from curation.domain.embedding.encoder import Encoder, default_model, digest_of
from curation.domain.embedding.errors import UnusableModel, UnusableVector
from curation.domain.embedding.work import BLOCK_TOKENS, blocks, embed

SHORT = [
    "Which answer is better?",
    "The second one, because it names its sources.",
    "def area(r):\n    return 3.14159 * r ** 2",
    "A",
    "Ça va? 你好，世界。",
    "A longer text that says much the same thing over and over. " * 12,
]
LONG = "Every judge has a bias that an honest protocol must show. " * 60


@pytest.fixture(scope="module")
def encoder():
    return Encoder(default_model(), "cpu")


@pytest.fixture(scope="module")
def library(encoder):
    return networks.opened(default_model())


@pytest.fixture
def engine(encoder):
    """The engine in use, with a budget of its own."""
    budget = encoder.engine().budget
    return replace(encoder.engine(), budget=Budget(budget.tokens, budget.most))


def cosines(found, others):
    return (found * others).sum(axis=1)


class TestEncode:
    def test_equals_the_library_within_the_model_s_limit(self, encoder, library):
        found = encoder.encode(SHORT)

        np.testing.assert_allclose(cosines(found.vectors, library.encode(SHORT)), 1, atol=1e-5)
        assert found.n_chunks.tolist() == [1] * len(SHORT)

    def test_does_not_depend_on_order_nor_on_company(self, encoder):
        texts = [*SHORT, LONG]
        together = encoder.encode(texts)

        back = encoder.encode(texts[::-1])
        alone = np.concatenate([encoder.encode([text]).vectors for text in texts])

        np.testing.assert_allclose(cosines(back.vectors[::-1], together.vectors), 1, atol=1e-5)
        np.testing.assert_allclose(cosines(alone, together.vectors), 1, atol=1e-5)
        assert back.n_tokens[::-1].tolist() == together.n_tokens.tolist()

    def test_pools_a_long_text_from_all_its_chunks(self, encoder, library):
        cutter = encoder.engine().cutter
        runs = cutter.cut(cutter.read(LONG))

        found = encoder.encode([LONG])

        pieces = library.encode([library.tokenizer.decode(run[1:-1]) for run in runs])
        weights = np.array([len(run) - 2 for run in runs])
        wanted = pooled(pieces, weights, np.zeros(len(runs), np.int64), 1)
        assert found.n_chunks.tolist() == [len(runs)] and len(runs) > 2
        np.testing.assert_allclose(cosines(found.vectors, wanted), 1, atol=1e-5)

    def test_what_stands_past_the_limit_counts(self, encoder, library):
        ends = [LONG + "Bread is baked from flour and water. " * 40, LONG]

        ours, theirs = encoder.encode(ends).vectors, library.encode(ends)

        assert theirs[0] @ theirs[1] > 0.99999
        assert ours[0] @ ours[1] < 0.95

    def test_gives_zeros_to_what_holds_nothing_to_read(self, encoder):
        found = encoder.encode(["", " \n\t", "\x00\x01", "word"])

        assert found.is_empty.tolist() == [True, True, True, False]
        assert found.vectors.any(axis=1).tolist() == [False, False, False, True]
        assert found.n_tokens.tolist() == [0, 0, 0, 1]

    def test_no_texts_give_no_vectors(self, encoder):
        assert encoder.encode([]).vectors.shape == (0, 384)

    def test_reads_a_lone_surrogate_as_a_replacement_character(self, encoder):
        found = encoder.encode(["a \ud83d b", "a � b"])

        np.testing.assert_array_equal(found.vectors[0], found.vectors[1])

    @pytest.mark.parametrize("text", ["🙂" * 30, "שלום עולם", "\u202eabc", "é" * 3000, "‍"])
    def test_gives_odd_texts_a_finite_vector(self, encoder, text):
        found = encoder.encode([text])

        assert np.isfinite(found.vectors).all()

    def test_takes_a_flood_of_one_character_for_what_it_repeats(self, engine):
        text = "?" * 250_000
        n_runs = count()
        counted = replace(engine, run=lambda runs: [next(n_runs), engine.run(runs)][1])

        found = embed(counted, [text])

        assert found.n_tokens.tolist() == [250_000] and next(n_runs) <= 2
        assert np.linalg.norm(found.vectors[0]) == pytest.approx(1, abs=1e-5)

    @settings(max_examples=15)
    @given(st.lists(st.text(st.characters(), max_size=40), max_size=6))
    def test_gives_length_1_or_0_whatever_the_texts(self, encoder, texts):
        found = encoder.encode(texts)

        np.testing.assert_allclose(
            np.linalg.norm(found.vectors, axis=1), ~found.is_empty, atol=1e-5
        )

    def test_serves_several_threads_at_once(self, encoder):
        wanted = encoder.encode(SHORT).vectors

        with ThreadPoolExecutor(4) as callers:
            found = list(callers.map(lambda _: encoder.encode(SHORT).vectors, range(4)))

        for each in found:
            np.testing.assert_allclose(cosines(each, wanted), 1, atol=1e-5)


class TestEmbed:
    def test_runs_equal_texts_and_equal_chunks_once(self, encoder, engine, monkeypatch):
        seen = []
        spying = replace(engine, run=lambda runs: [seen.extend(runs), engine.run(runs)][1])
        monkeypatch.setattr(encoder, "_engine", spying)

        found = encoder.encode(["same", "other", "same", "SAME"])

        assert len(seen) == 2
        np.testing.assert_array_equal(found.vectors[0], found.vectors[2])

    def test_runs_again_in_full_precision_what_was_not_finite(self, engine):
        def overflows(runs):
            return engine.run(runs) * np.where([len(run) > 4 for run in runs], np.nan, 1)[:, None]

        found = embed(replace(engine, run=overflows), SHORT)

        np.testing.assert_allclose(
            cosines(found.vectors, embed(engine, SHORT).vectors), 1, atol=1e-5
        )

    def test_names_the_text_that_defeats_the_model(self, encoder, engine, monkeypatch):
        def fails(runs):
            return engine.run(runs) * np.where([len(run) > 40 for run in runs], np.nan, 1)[:, None]

        monkeypatch.setattr(encoder, "_engine", replace(engine, run=fails, full=fails))

        with pytest.raises(UnusableVector, match="text 2 of the batch") as refused:
            encoder.encode(["a", "a", SHORT[-1], "b"])
        assert refused.value.place == 2

    def test_goes_on_in_halves_where_memory_runs_out(self, engine):
        def cramped(runs):
            if len(runs) > 2:
                raise torch.OutOfMemoryError
            return engine.run(runs)

        found = embed(replace(engine, run=cramped), SHORT)

        assert engine.budget.tokens < networks.CPU_TOKENS
        np.testing.assert_allclose(
            cosines(found.vectors, embed(engine, SHORT).vectors), 1, atol=1e-5
        )

    def test_holds_the_tokens_of_a_block_at_a_time(self, engine):
        text = "x " * 20_000
        taken = count()
        endless = (f"{next(taken)} {text}" for _ in range(100))

        first = next(blocks(engine, endless))

        assert BLOCK_TOKENS <= first.size < BLOCK_TOKENS + 25_000
        assert next(taken) == len(first.places)


class TestEncodeStream:
    def test_reads_no_further_than_a_block_ahead(self, encoder, monkeypatch):
        monkeypatch.setattr(encoder_module, "PER_BLOCK", 3)
        taken = count()
        stream = encoder.encode_stream(f"text {next(taken)}" for _ in range(7))

        first = next(stream)

        assert len(first.vectors) == 3 and next(taken) == 3
        assert [len(block.vectors) for block in stream] == [3, 1]

    def test_gives_what_one_call_gives(self, encoder, monkeypatch):
        monkeypatch.setattr(encoder_module, "CHARS_PER_BLOCK", 50)

        found = np.concatenate([block.vectors for block in encoder.encode_stream(SHORT)])

        np.testing.assert_allclose(cosines(found, encoder.encode(SHORT).vectors), 1, atol=1e-5)


class TestEncoder:
    def test_tells_what_the_model_is(self, encoder):
        assert (encoder.dimensions, encoder.max_tokens) == (384, 256)
        assert encoder.revision == digest_of(encoder_module.Path(default_model()))
        assert encoder.recipe["overlap_tokens"] == 32

    def test_its_revision_changes_with_the_content_and_names_of_files(self, tmp_path):
        (tmp_path / "a").write_text("1")
        before = digest_of(tmp_path)
        (tmp_path / ".cache").write_text("ignored")

        unchanged = digest_of(tmp_path)
        (tmp_path / "a").rename(tmp_path / "b")

        assert before == unchanged != digest_of(tmp_path)

    def test_loads_once_however_many_ask(self, monkeypatch):
        loads = count()
        monkeypatch.setattr(networks, "load", lambda *_: next(loads))
        fresh, gate = Encoder("anything"), threading.Barrier(4)

        with ThreadPoolExecutor(4) as callers:
            found = list(callers.map(lambda _: [gate.wait(), fresh.engine()][1], range(4)))

        assert found == [0] * 4

    def test_travels_without_its_model(self, encoder):
        copied = pickle.loads(pickle.dumps(encoder))

        assert len(pickle.dumps(encoder)) < 1000
        assert (copied.path_or_name, copied.device) == (encoder.path_or_name, "cpu")

    def test_refuses_a_folder_that_is_no_model(self, tmp_path):
        with pytest.raises(UnusableModel, match="cannot be loaded") as refused:
            Encoder(str(tmp_path)).dimensions  # noqa: B018
        assert isinstance(refused.value, DomainError)


class TestPrompt:
    def test_stands_before_every_text_as_in_the_library(self, library, engine):
        asking = copy.deepcopy(library)
        asking.prompts, asking.default_prompt_name = {"ask": "question: "}, "ask"
        prompt = networks.prompt_of(asking)
        cutter = networks.Cutter(library.tokenizer.backend_tokenizer, 256, prompt)

        found = embed(replace(engine, cutter=cutter), SHORT)

        np.testing.assert_allclose(cosines(found.vectors, asking.encode(SHORT)), 1, atol=1e-5)
        assert found.n_tokens[3] == 1

    def test_one_that_is_left_out_of_pooling_is_refused(self, library):
        asking = copy.deepcopy(library)
        asking.prompts, asking.default_prompt_name = {"ask": "question: "}, "ask"
        asking[1].include_prompt = False

        with pytest.raises(UnusableModel, match="out of pooling"):
            networks.prompt_of(asking)


class TestPrecision:
    def test_half_is_used_only_where_vectors_are_those_of_full(self, library, engine):
        cutter = engine.cutter
        probes = [cutter.cut(cutter.read(text))[0] for text in networks.PROBES[:3]]

        good = networks.half(library, "cpu", engine.full, probes)
        wrong = networks.half(library, "cpu", lambda runs: engine.full(runs)[::-1], probes)

        assert networks.closeness(good(probes), engine.full(probes)) >= networks.LEAST_COSINE
        assert wrong is None

    def test_a_model_of_another_kind_runs_as_the_library_runs_it(self, library, engine):
        odd = copy.deepcopy(library)
        odd[0].model.config.hidden_act = "relu"
        probes = [engine.cutter.cut(engine.cutter.read(text))[0] for text in SHORT]

        run = networks.fastest(odd, torch.float32, probes)

        assert isinstance(run, networks.WholeModel)
        np.testing.assert_allclose(cosines(run(probes), engine.run(probes)), 1, atol=1e-5)

    def test_leaves_the_caller_s_number_of_threads_alone(self, encoder):
        before = torch.get_num_threads()

        networks.side_by_side(2).shutdown()

        assert torch.get_num_threads() == before
