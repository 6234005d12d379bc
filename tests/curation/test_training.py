"""What was exported loads and trains, with a model and a tokenizer made on the spot."""

import os

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1")

import datasets
import pytest

from annotation.domain.vocabulary import Outcome
from curation.domain.formats import Format
from curation.services import storage

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CHAT = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
SPECIAL = ["<|end|>", "<|pad|>", "<|user|>", "<|assistant|>", "<|system|>"]


@pytest.fixture
def folder(cut, write, judge, make_comparison, project, ann, bob):
    """An export of eight pairs, three of them with a strength."""
    for n in range(8):
        comparison = make_comparison(
            texts=(f"short answer {n}", f"a longer answer, number {n}"), prompt=f"Question {n}?"
        )
        judge(ann, comparison, [[1], [0]], strength=2 if n < 3 else None)
        if n % 2:
            judge(bob, comparison, [[1], [0]])
    judge(ann, make_comparison(), outcome=Outcome.BOTH_BAD)
    return storage.export_path(write(cut(project), Format.TRL_PREFERENCE))


@pytest.fixture
def load(tmp_path):
    return lambda folder, *names: datasets.load_dataset(
        str(folder), *names, cache_dir=str(tmp_path / "cache")
    )


class TestLoadDataset:
    def test_reads_the_folder_as_it_is(self, folder, load):
        train = load(folder)["train"]

        assert train.num_rows == 8
        assert train.column_names[:5] == ["prompt", "chosen", "rejected", "margin", "soft_label"]
        assert None not in train["soft_label"][:]
        assert min(train["margin"][:]) > 0

    def test_reads_the_folder_of_lines_with_the_same_columns(self, folder, load):
        lines, table = load(folder / "jsonl")["train"], load(folder)["train"]

        assert lines.features == table.features
        assert lines.to_list() == table.to_list()

    def test_reads_a_column_that_is_empty_throughout(
        self, cut, write, judge, make_comparison, project, ann, load
    ):
        judge(ann, make_comparison(), [[0], [1]])
        folder = storage.export_path(write(cut(project), Format.TRL_PREFERENCE))

        for place in (folder, folder / "jsonl"):
            train = load(place)["train"]
            assert train["strength"][:] == [None]
            assert train.features["strength"].dtype == "float64"

    def test_reads_all_splits(self, cut, write, judge, make_comparison, project, ann, load):
        for n in range(20):
            judge(ann, make_comparison(prompt=f"Question {n}?"), [[0], [1]])
        version = cut(project, split={"validation": 30, "test": 30})

        loaded = load(storage.export_path(write(version, Format.TRL_PREFERENCE)))

        assert set(loaded) == {"train", "validation", "test"}
        assert sum(loaded.num_rows.values()) == 20

    def test_reads_the_raw_tables(self, cut, write, judge, make_comparison, project, ann, load):
        judge(ann, make_comparison(), [[0], [1]], strength=1)
        folder = storage.export_path(write(cut(project), Format.RAW))

        assert load(folder, "items")["train"].num_rows == 1
        assert load(folder, "votes")["train"]["choice"][:] == ["0"]


@pytest.fixture(scope="module")
def tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    plain.train_from_iterator(["a short and a longer answer to a question"], trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token=SPECIAL[0], pad_token=SPECIAL[1]
    )
    wrapped.chat_template = CHAT
    return wrapped


@pytest.fixture
def tiny(tokenizer):
    """Settings of a model with one layer."""
    from transformers import GPT2Config, set_seed

    set_seed(0)
    return GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=128,
        n_embd=16,
        n_layer=1,
        n_head=2,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.eos_token_id,
    )


def one_step(tmp_path):
    return {
        "output_dir": str(tmp_path / "run"),
        "max_steps": 1,
        "per_device_train_batch_size": 4,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "bf16": False,
        "max_length": 128,
    }


class TestTraining:
    def test_takes_a_dpo_step(self, folder, load, tokenizer, tiny, tmp_path):
        from transformers import GPT2LMHeadModel
        from trl import DPOConfig, DPOTrainer

        GPT2LMHeadModel(tiny).save_pretrained(tmp_path / "model")
        trainer = DPOTrainer(
            str(tmp_path / "model"),
            args=DPOConfig(**one_step(tmp_path)),
            train_dataset=load(folder)["train"],
            processing_class=tokenizer,
        )
        result = trainer.train()

        assert result.global_step == 1
        assert result.training_loss == pytest.approx(0.6931, abs=1e-3)  # ln 2 before any update

    def test_takes_a_reward_step_with_the_margin(self, folder, load, tokenizer, tiny, tmp_path):
        from transformers import GPT2ForSequenceClassification
        from trl import RewardConfig, RewardTrainer

        tiny.num_labels = 1
        losses = []
        train = load(folder)["train"]
        for table in (train, train.remove_columns("margin")):
            model = GPT2ForSequenceClassification(tiny)
            model.score.weight.data.zero_()
            trainer = RewardTrainer(
                model,
                args=RewardConfig(**one_step(tmp_path)),
                train_dataset=table,
                processing_class=tokenizer,
            )
            losses.append(trainer.train().training_loss)

        assert losses[1] == pytest.approx(0.6931, abs=1e-3)
        assert losses[0] > losses[1]  # the margin asks for more than a mere win
