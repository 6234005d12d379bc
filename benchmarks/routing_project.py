"""A large project to route: comparisons with signals, what judges and some people say, no texts."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson
from django.db import connection

from curation.domain.signals.text import read_prompt, read_response, text_signals

SLUG = "benchmark-routing-dry-run"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JUDGES = ("strict", "mild")
N_TEXTS, SEED = 997, 11
N_LABELLED = 2_000  # comparisons that two people judged, too

FILL = """
    INSERT INTO item (project_id, external_id, messages, metadata, content_hash, created_at)
    SELECT %(project)s, 'item-' || lpad(n::text, 8, '0'),
           jsonb_build_array(jsonb_build_object('role', 'user', 'content', jsonb_build_array(
               jsonb_build_object('type', 'text', 'text', 'Say why ' || md5(n::text))))),
           jsonb_build_object('topic', (ARRAY['law', 'verse', 'code', 'maths'])[1 + n %% 4],
                              'tags', jsonb_build_array('tag-' || n %% 7, 'tag-' || n %% 11)),
           sha256(n::text::bytea), now()
    FROM generate_series(1, %(n)s) AS n;
    INSERT INTO response (item_id, external_id, position, content, messages, model_name, metadata,
                          content_hash)
    SELECT id, place::text, place, '[{"type": "text", "text": "Because."}]', '[]',
           'model-' || (id * 31 + place * 7) %% 9, '{}', ''
    FROM item CROSS JOIN generate_series(0, 1) AS place WHERE project_id = %(project)s;
    INSERT INTO comparison (project_id, item_id, response_ids, context, rank, stale_tries,
                            stale_error, created_at)
    SELECT %(project)s, item_id, array_agg(response.id ORDER BY response.id), '', 0, 0, '', now()
    FROM response JOIN item ON item.id = item_id WHERE project_id = %(project)s GROUP BY item_id;
    INSERT INTO slot (project_id, comparison_id, ordinal, rank, audience, lease_epoch)
    SELECT project_id, id, place, 0, 'human', 0
    FROM comparison CROSS JOIN generate_series(1, 2) AS place WHERE project_id = %(project)s;
    INSERT INTO signals (project_id, comparison_id, family, version, values, computed_at)
    SELECT project_id, id, family, 1, told, now()
    FROM comparison CROSS JOIN LATERAL (VALUES
        ('difficulty', jsonb_build_object(
            'difficulty', (id * 7919 %% 1000) / 1000.0, 'difficulty_order', 0.5,
            'difficulty_is_fitted', true, 'difficulty_fit', 1)),
        ('text', (%(texts)s::jsonb -> (id %% %(n_texts)s)::int) || jsonb_build_object(
            'prompt_characters', 200 + id %% 900, 'shortest_characters', 300 + id %% 500,
            'longest_characters', 900 + id %% 2000, 'rouge_1', (id * 3571 %% 1000) / 1000.0,
            'relative_length_gap', (id * 2903 %% 1000) / 1000.0)),
        ('topic', jsonb_build_object('topic', id %% 5, 'topic_label', 'topic ' || id %% 5)),
        ('judges', jsonb_build_object(
            'n_judges', 2, 'judge_confidence', 0.5 + (id * 104729 %% 500) / 1000.0,
            'judge_agreement', (id %% 3) / 2.0, 'judge_entropy', 0.4))
    ) AS family(family, told) WHERE project_id = %(project)s;
    INSERT INTO duplicate_group (project_id, kind, key, representative_id, similarity, n_items,
                                 is_accepted, grouped_at)
    SELECT project_id, 'exact', content_hash, id, 1, 2, false, now() FROM item
    WHERE project_id = %(project)s AND id %% 20 = 0;
    INSERT INTO duplicate_member (group_id, item_id, kind)
    SELECT one.id, item.id, 'exact' FROM item JOIN duplicate_group one
        ON one.project_id = item.project_id AND one.representative_id IN (item.id, item.id - 10)
    WHERE item.project_id = %(project)s AND item.id %% 10 = 0;
"""
# Judges are sure of themselves to some degree, and flip on a tenth.
JUDGED = """
    INSERT INTO judge_verdict (project_id, judge_id, comparison_id, is_trial, outcome, ranking,
        chances, by_order, bias, is_flipped, n_answers, cost, seconds, concluded_at)
    SELECT project_id, %(judge)s, id, false, CASE WHEN flips THEN 'unsure' ELSE 'ranked' END,
           CASE WHEN flips THEN '[]' ELSE jsonb_build_array(
               jsonb_build_array(response_ids[1 + (p < 0.5)::int]),
               jsonb_build_array(response_ids[1 + (p >= 0.5)::int])) END,
           jsonb_build_object(response_ids[1]::text, p, response_ids[2]::text, 1 - p,
                              'tie', 0, 'both_bad', 0),
           '[]', 0.1, flips, 2, 10, 1, now()
    FROM (
        SELECT *, (id * (7907 + 12 * %(judge)s) %% 1000) / 1000.0 AS p,
               (id + %(judge)s) %% 10 = 0 AS flips
        FROM comparison WHERE project_id = %(project)s
    ) asked;
    INSERT INTO judgment (project_id, comparison_id, annotator_id, outcome, ranking, criteria,
        is_unsafe, reason, is_late, external_id, metadata, judged_at)
    SELECT project_id, comparison_id, %(annotator)s, 'ranked', ranking, '{}', false, '', false, '',
           '{}', now()
    FROM judge_verdict WHERE judge_id = %(judge)s AND outcome = 'ranked';
"""
# They contradict the first judge where one signal of the texts is high.
VOTED = """
    INSERT INTO judgment (project_id, comparison_id, annotator_id, outcome, ranking, criteria,
        is_unsafe, reason, is_late, external_id, metadata, judged_at)
    SELECT project_id, id, %(annotator)s, 'ranked', jsonb_build_array(
               jsonb_build_array(response_ids[1 + second]),
               jsonb_build_array(response_ids[2 - second])),
           '{}', false, '', false, '', '{}', now()
    FROM (
        SELECT comparison.*, (
            ((chances ->> response_ids[2]::text)::float8 > 0.5)
            <> ((values ->> 'rouge_1')::float8 > 0.6)
        )::int AS second
        FROM comparison
        JOIN signals ON signals.comparison_id = comparison.id AND family = 'text'
        JOIN judge_verdict verdict ON verdict.comparison_id = comparison.id
            AND verdict.judge_id = %(judge)s
        WHERE comparison.project_id = %(project)s ORDER BY id LIMIT %(labelled)s
    ) seen
"""
TABLES = (
    "item", "response", "comparison", "slot", "signals", "judgment", "judge_verdict",
    "duplicate_group", "duplicate_member",
)  # fmt: skip


def filled(n: int) -> Any:
    """Make a project of n comparisons that two configured judges have judged."""
    from annotation.models import Project

    project = Project.objects.create(slug=SLUG, name="Benchmark", overlap=2, created_at=NOW)
    values: dict[str, Any] = {"project": project.pk, "n": n, "labelled": N_LABELLED}
    with connection.cursor() as cursor:
        texts = {"texts": orjson.dumps(typical_signals()).decode(), "n_texts": N_TEXTS}
        cursor.execute(FILL, values | texts)
        judges = [judge_of(project, name) for name in JUDGES]
        for judge in judges:
            cursor.execute(JUDGED, values | {"judge": judge.pk, "annotator": judge.annotator_id})
        for name in ("ann", "bob"):
            voter = annotator_of(project, "human", name)
            cursor.execute(VOTED, values | {"judge": judges[0].pk, "annotator": voter.pk})
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")
    return project


def typical_signals() -> list[dict[str, Any]]:
    """Signals of texts in their very shape, their values moved about by chance."""
    first, second = "The sky scatters blue light. " * 40, "Rayleigh found out in 1871: " * 25
    texts = [read_response(text) for text in (first, second)]
    typical = text_signals(read_prompt("Why is the sky blue?", 1), texts)
    draw = Random(SEED)
    return [{name: moved(one, draw) for name, one in typical.items()} for _ in range(N_TEXTS)]


def moved(value: Any, draw: Random) -> Any:
    if isinstance(value, bool):
        return draw.random() < 0.5
    if isinstance(value, int | float):
        return round(value + draw.random(), 6)
    return value


def annotator_of(project: Any, kind: str, name: str) -> Any:
    from annotation.models import Annotator

    return Annotator.objects.create(project=project, kind=kind, name=name, created_at=NOW)


def judge_of(project: Any, name: str) -> Any:
    from annotation.models import Endpoint, Judge, PromptTemplate

    endpoint, _ = Endpoint.objects.get_or_create(
        project=project, name="one", base_url="http://127.0.0.1:9/v1", created_at=NOW
    )
    template, _ = PromptTemplate.objects.get_or_create(
        project=project, name="one", number=1, kind="overall", digest=b"1", created_at=NOW,
        instructions="Say which answer is better. " * 20,
    )  # fmt: skip
    return Judge.objects.create(
        project=project, name=name, number=1, endpoint=endpoint, template=template,
        annotator=annotator_of(project, "llm", f"{name} 1"), family=name, model_name=name,
        price_in=1, price_out=3, budget=10**12, created_at=NOW,
    )  # fmt: skip


def fit_router(project: Any) -> Any:
    """Fit the learned router as its service does it; it must go by the signals of the texts."""
    from curation.models import RouterFit
    from curation.selectors.routing_labels import read_labels
    from curation.services.routing import fitting

    row = RouterFit(
        project=project, number=1, version=fitting.VERSION, is_fitted=False, n_labelled=N_LABELLED,
        fitted_at=NOW,
    )  # fmt: skip
    fitting.learn(row, read_labels(project))
    assert row.is_fitted and row.model["router"]["penalty"], "the features must tell something"
    row.save(force_insert=True)
