"""The vocabulary of every test: who acts (ann, bob), when (noon), and on what."""

import hashlib
import os
import tempfile
from datetime import UTC, datetime
from itertools import count

# Threads of BLAS that spin for small problems slow down everything beside them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("QUORUM_VAR", tempfile.gettempdir() + "/quorum-tests")

import hypothesis
import numpy as np
import pytest

from annotation.domain.content import content_hash, text_part, user_prompt
from annotation.domain.vocabulary import AnnotatorKind, Role, TemplateKind
from annotation.models import (
    Annotator,
    Comparison,
    Endpoint,
    Item,
    Judge,
    Membership,
    Project,
    PromptTemplate,
    Response,
    Slot,
    User,
)
from curation.domain.embedding.encoder import Encoded
from curation.services import embedding
from practice import server as practice_server

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

# A slow moment of the machine is no counterexample; a real one is printed to be repeated. Examples
# are the same in each run, so that no landing hangs on luck; new ones are searched for with
# `pytest --hypothesis-profile explore`.
for profile, is_fixed in (("quorum", True), ("explore", False)):
    hypothesis.settings.register_profile(
        profile,
        deadline=None,
        print_blob=True,
        derandomize=is_fixed,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile("quorum")


def pytest_collection_modifyitems(items):
    """Give what hangs on other programs' pace two more tries; the summary lists each (R).

    Chromium, a whole instance or its database may be starved for a minute by what else the machine
    does, and a landing should not fail on that. It is no cure: a test that needs it often is wrong.
    """
    for item in items:
        if item.get_closest_marker("browser") or item.path.parent.name == "running":
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hash passwords cheaply: a strong hash takes longer than most tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def noon():
    return NOON


@pytest.fixture
def make_user(db):
    def make(username, **fields):
        return User.objects.create_user(username, password="a long enough passphrase", **fields)

    return make


@pytest.fixture
def make_project(db):
    numbers = count(1)

    def make(**fields):
        number = next(numbers)
        fields = {"slug": f"project-{number}", "name": f"Project {number}"} | fields
        return Project.objects.create(created_at=NOON, **fields)

    return make


@pytest.fixture
def project(make_project):
    return make_project(slug="haiku", name="Haiku", overlap=2)


@pytest.fixture
def join(db):
    """Give a user a role in a project: join(user, project, Role.ADMIN)."""

    def join(user, project, role=Role.ANNOTATOR, **fields):
        return Membership.objects.create(
            user=user, project=project, role=role, created_at=NOON, **fields
        )

    return join


@pytest.fixture
def make_annotator(make_user, join, project):
    def make(name, role=Role.ANNOTATOR):
        user = make_user(name)
        join(user, project, role)
        return Annotator.objects.create(
            user=user, kind=AnnotatorKind.HUMAN, name=name, created_at=NOON
        )

    return make


@pytest.fixture
def ann(make_annotator):
    return make_annotator("ann")


@pytest.fixture
def bob(make_annotator):
    return make_annotator("bob")


@pytest.fixture(scope="session")
def practice_process():
    with practice_server.start(keeps=100) as running:
        yield running


@pytest.fixture
def practice_endpoint(practice_process):
    """A judge without a model, fine until told otherwise: practice_endpoint.behave(mode="500")."""
    practice_process.reset()
    return practice_process


@pytest.fixture
def make_judge(project):
    """Configure an LLM judge: make_judge("strict", budget=100, endpoint={"base_url": …})."""
    numbers = count(1)

    def make(name="strict", endpoint=None, template=None, **fields):
        number = next(numbers)
        owner = fields.pop("project", project)
        annotator = Annotator.objects.create(
            project=owner, kind=AnnotatorKind.LLM, name=f"{name} {number}", created_at=NOON
        )
        instructions = "Say which answer is better."
        return Judge.objects.create(
            project=owner,
            annotator=annotator,
            name=name,
            number=number,
            endpoint=Endpoint.objects.create(
                project=owner,
                name=f"endpoint {number}",
                created_at=NOON,
                **({"base_url": "http://127.0.0.1:9/v1"} | (endpoint or {})),
            ),
            template=PromptTemplate.objects.create(
                project=owner,
                name=f"template-{number}",
                number=1,
                created_at=NOON,
                **(
                    {
                        "kind": TemplateKind.OVERALL,
                        "instructions": instructions,
                        "digest": content_hash(instructions),
                    }
                    | (template or {})
                ),
            ),
            created_at=NOON,
            **(
                {
                    "model_name": "practice-1",
                    "family": "practice",
                    "price_in": 1,
                    "price_out": 2,
                    "budget": 1_000_000,
                }
                | fields
            ),
        )

    return make


@pytest.fixture
def make_item(project):
    numbers = count(1)

    def make(texts=("first answer", "second answer"), prompt="Write a haiku.", **fields):
        number = next(numbers)
        owner = fields.pop("project", project)
        messages = user_prompt(prompt)
        item = Item.objects.create(
            project=owner,
            external_id=fields.pop("external_id", f"item-{number}"),
            messages=messages,
            content_hash=content_hash(messages),
            created_at=NOON,
            **fields,
        )
        for position, text in enumerate(texts):
            Response.objects.create(
                item=item,
                external_id=f"item-{number}-{position}",
                position=position,
                content=text_part(text),
                model_name=f"model-{position}",
                content_hash=content_hash(text_part(text)),
            )
        return item

    return make


@pytest.fixture
def make_comparison(make_item):
    def make(slots=1, rank=0, item=None, **fields):
        item = item or make_item(**fields)
        comparison = Comparison.objects.create(
            project=item.project,
            item=item,
            response_ids=sorted(item.responses.values_list("id", flat=True)),
            rank=rank,
            created_at=NOON,
        )
        for ordinal in range(1, slots + 1):
            Slot.objects.create(
                project=item.project, comparison=comparison, ordinal=ordinal, rank=rank
            )
        return comparison

    return make


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
