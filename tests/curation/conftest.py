"""What curation's tests add: judging in one line, and a dataset that lies in its own folder."""

import pytest

from annotation.domain.vocabulary import Outcome
from annotation.models import Comparison, Judgment
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
