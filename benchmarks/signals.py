"""How fast the drain works out the signals of comparisons, family by family.

    python -m benchmarks signals
    python -c "import benchmarks.signals as b; b.main(['--comparisons', '20000'])"

Prints comparisons per CPU-second of this process (the database's own time is left out) and per
second of the clock, beside a floor measured in the same run: the same drain that reads the same
comparisons and writes empty signals. Texts are drawn at random from a fixed vocabulary, vectors at
random; everything is taken back at the end.
"""

import argparse
import os
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

SEED = 20
N_VOTERS, N_JUDGES = 3, 2
DIMENSIONS = 384
TARGET = 100.0  # comparisons per CPU-second of the slowest family
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=2_000)
    parser.add_argument("--words", type=int, default=150, help="words of a response, on average")
    wanted = parser.parse_args(arguments)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        project = filled(wanted.comparisons, wanted.words)
        slowest = measure(project, wanted.comparisons)
        transaction.set_rollback(True)
    print(f"slowest family: {slowest:,.0f} comparisons per CPU-second, target {TARGET:,.0f}")
    return int(slowest < TARGET)


def filled(n: int, n_words: int) -> Any:
    """Make a project of n judged pairs with vectors; the caller takes everything back."""
    from annotation.models import Project

    project = Project.objects.create(slug="benchmark-signals", name="Benchmark", created_at=NOW)
    rng = np.random.default_rng(SEED)
    comparisons = written(project, n, n_words, rng)
    judge(project, comparisons, rng)
    embed(rng)
    score(comparisons, rng)
    return project


def written(project: Any, n: int, n_words: int, rng: np.random.Generator) -> list[Any]:
    from annotation.domain.content import text_part, user_prompt
    from annotation.models import Comparison, Item, Response

    letters = np.array(list("etaoinshrdlucmfwyp"))
    vocabulary = ["".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(2_000)]

    def said(mean: int) -> str:
        words = rng.choice(vocabulary, max(int(rng.normal(mean, mean / 3)), 1))
        starts = rng.random(len(words)) < 0.1
        return " ".join(w.title() + "." if s else w for w, s in zip(words, starts, strict=True))

    items = Item.objects.bulk_create(
        Item(
            project=project,
            external_id=str(place),
            messages=user_prompt(said(40)),
            content_hash=b"",
            created_at=NOW,
        )
        for place in range(n)
    )
    responses = Response.objects.bulk_create(
        Response(
            item=item,
            external_id=str(place),
            position=place,
            content=text_part(said(n_words)),
            content_hash=b"",
        )
        for item in items
        for place in range(2)
    )
    return Comparison.objects.bulk_create(
        Comparison(
            project=project,
            item=item,
            response_ids=[responses[2 * place].pk, responses[2 * place + 1].pk],
            created_at=NOW,
        )
        for place, item in enumerate(items)
    )


def judge(project: Any, comparisons: list[Any], rng: np.random.Generator) -> None:
    """Have people judge once and judges in both orders."""
    from annotation.models import Annotator, Judgment

    people = [
        Annotator.objects.create(project=project, kind="human", name=f"p{k}", created_at=NOW)
        for k in range(N_VOTERS)
    ]
    judges = [
        Annotator.objects.create(project=project, kind="llm", name=f"j{k}", created_at=NOW)
        for k in range(N_JUDGES)
    ]
    asked = [(who, False) for who in people + judges] + [(who, True) for who in judges]
    Judgment.objects.bulk_create(
        Judgment(
            project=project,
            comparison=comparison,
            annotator=who,
            outcome="ranked",
            ranking=[[pk] for pk in rng.permutation(comparison.response_ids).tolist()],
            shown_order=comparison.response_ids[::-1] if turned else comparison.response_ids,
            judged_at=NOW,
        )
        for comparison in comparisons
        for who, turned in asked
    )


def embed(rng: np.random.Generator) -> None:
    """Read the texts and give each a random vector under a generation of its own."""
    from pgvector import HalfVector

    from curation.models import Embedding, EmbeddingRequest, Generation, Text
    from curation.services import intake

    while intake.read_next_items(now=NOW):
        pass
    Generation.objects.filter(state="active").update(state="retired")
    generation = Generation.objects.create(
        name="random",
        revision="",
        dimensions=DIMENSIONS,
        max_tokens=1,
        recipe={},
        state="active",
        created_at=NOW,
    )
    EmbeddingRequest.objects.all().delete()
    texts = Text.objects.values_list("pk", flat=True)
    vectors = rng.normal(size=(len(texts), DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    Embedding.objects.bulk_create(
        Embedding(
            text_id=pk,
            generation=generation,
            vector=HalfVector(vector),
            n_tokens=1,
            n_chunks=1,
            embedded_at=NOW,
        )
        for pk, vector in zip(texts, vectors, strict=True)
    )


def score(comparisons: list[Any], rng: np.random.Generator) -> None:
    from curation.models import ImportedSignal

    ImportedSignal.objects.bulk_create(
        ImportedSignal(
            project_id=comparison.project_id,
            item_id=comparison.item_id,
            response_id=response,
            name=name,
            value=rng.normal(),
            source="benchmark",
            imported_at=NOW,
        )
        for comparison in comparisons
        for response in comparison.response_ids
        for name in ("ref_logprob", "reward:a", "reward:b")
    )


def measure(project: Any, n: int) -> float:
    """Print each family's rate beside the floor; give the slowest."""
    from curation.domain.signals.languages import language_of
    from curation.services.signals import families
    from curation.services.signals.families import WORK, Outcome

    language_of("The model is loaded once in the life of a worker.")
    real = dict(WORK)
    rates = {}
    for family, work in {"floor": None, **real}.items():
        asked = next(iter(real)) if family == "floor" else family
        families.WORK[asked] = work or (lambda found: Outcome({one.pk: {} for one in found}))
        rates[family] = drained(project, asked, n)
        families.WORK.update(real)
        cpu, wall = rates[family]
        share = cpu / rates["floor"][0]
        print(f"{family:10} {cpu:8,.0f} per CPU-s {wall:8,.0f} per s   {share:6.1%} of the floor")
    return min(cpu for family, (cpu, _) in rates.items() if family != "floor")


def drained(project: Any, family: Any, n: int) -> tuple[float, float]:
    """Work out one family of all n comparisons; per second of CPU and of the clock."""
    from curation.models import SignalRequest
    from curation.services.signals import refreshing, requests

    SignalRequest.objects.all().delete()
    requests.ask(
        comparison_ids=list(project.comparisons.values_list("pk", flat=True)),
        families=[family],
        now=NOW,
    )
    cpu, wall, done = time.process_time(), time.perf_counter(), 0
    while done < n:
        done += refreshing.refresh_next(now=NOW, project=project)
    return n / (time.process_time() - cpu), n / (time.perf_counter() - wall)


if __name__ == "__main__":
    raise SystemExit(main())
