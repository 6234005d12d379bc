"""What curation's tests add: judging in one line, and a dataset that lies in its own folder."""

import hashlib

import numpy as np
import pytest

from annotation.domain.vocabulary import Outcome
from annotation.models import Comparison, Judgment
from curation.domain.embedding.encoder import Encoded
from curation.models import Export
from curation.services import (
    datasets,
    embedding,
    exporting,
    generations,
    intake,
    storage,
    versioning,
)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(storage, "root", lambda: tmp_path / "datasets")


@pytest.fixture
def judge(noon):
    """Have an annotator judge: judge(ann, comparison, [[0], [1]]), responses by position."""

    def judge(annotator, comparison, tiers=(), outcome=Outcome.RANKED, **fields):
        judgment = Judgment.objects.create(
            project_id=comparison.project_id,
            comparison=comparison,
            annotator=annotator,
            outcome=outcome,
            ranking=[[comparison.response_ids[place] for place in tier] for tier in tiers],
            **{"judged_at": noon} | fields,
        )
        Comparison.objects.filter(pk=comparison.pk).update(stale_since=noon)
        return judgment

    return judge


@pytest.fixture
def cut(noon):
    """Cut a project's default dataset."""

    def cut(project, **recipe):
        dataset = datasets.default_dataset(project=project, now=noon)
        if recipe:
            dataset.recipe = recipe
            dataset.save()
        version = versioning.request_version(dataset=dataset, now=noon)
        assert versioning.build_version(version=version, now=noon)
        version.refresh_from_db()
        return version

    return cut


@pytest.fixture
def write(noon):
    """Write a version in a format and give the export."""

    def write(version, format) -> Export:
        export = exporting.request_export(version=version, format=format, now=noon)
        exporting.build_export(export=export, now=noon)
        export.refresh_from_db()
        return export

    return write


class ToyModel:
    """A model of a few dimensions that counts words: equal texts, equal vectors, and fast."""

    max_tokens = 16

    def __init__(self, name, dimensions=8):
        self.name, self.dimensions = name, dimensions
        self.revision = hashlib.sha256(name.encode()).hexdigest()
        self.recipe = {"version": 1}
        self.asked = []
        self.unreadable = set()

    def encode(self, texts):
        if self.unreadable & set(texts):
            raise ValueError("no words for this")
        self.asked += texts
        counts = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                counts[row, hashlib.sha256(word.encode()).digest()[0] % self.dimensions] += 1
        length = np.linalg.norm(counts, axis=1, keepdims=True)
        n_tokens = np.array([len(text.split()) for text in texts])
        unit = counts / np.where(length > 0, length, 1)
        return Encoded(unit.astype(np.float32), n_tokens == 0, n_tokens, -(-n_tokens // 16))


@pytest.fixture
def models(monkeypatch, settings):
    """Models by name, made when first named; that of the settings is `models["toy"]`."""

    class Models(dict):
        def __missing__(self, name):
            self[name] = ToyModel(name)
            return self[name]

    known = Models()
    settings.EMBEDDING_MODEL = "toy"
    embedding.is_loadable.cache_clear()
    monkeypatch.setattr(embedding, "model_named", known.__getitem__)
    yield known
    embedding.is_loadable.cache_clear()


@pytest.fixture
def read_all(noon):
    """Read all new items: read_all(), or those of one project."""

    def read_all(project=None):
        while intake.read_next_items(now=noon, project=project):
            pass

    return read_all


@pytest.fixture
def embed_all(models, read_all, noon):
    """Read all new items and embed all their texts by the toy model."""

    def embed_all(project=None):
        read_all(project)
        while embedding.embed_next_batch(now=noon, project=project):
            pass
        generations.switch_when_complete(now=noon)

    return embed_all
