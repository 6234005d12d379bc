"""The bare floor beside Quorum: the SQL of a claim and a submit, and no more.

No framework, no checks, no models: what is left is Django's handler, the driver and PostgreSQL.
"""

import json

import orjson
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from annotation.domain.tokens import token_digest
from annotation.services import queue

WHO = """
    SELECT t.id, a.id, t.last_used_at, clock_timestamp() FROM api_token t
    JOIN quorum_user u ON u.id = t.user_id JOIN annotator a ON a.user_id = u.id
    WHERE t.digest = %s AND t.revoked_at IS NULL AND u.is_active
      AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())
"""
PROJECT = "SELECT * FROM project WHERE slug = %s"
ROLE = """
    SELECT m.role FROM membership m JOIN annotator a ON a.user_id = m.user_id
    WHERE a.id = %s AND m.project_id = %s
"""
LOCK = "SELECT id FROM annotator WHERE id = %s FOR NO KEY UPDATE"
COMPARISON = """
    SELECT c.response_ids, i.messages FROM comparison c JOIN item i ON i.id = c.item_id
    WHERE c.id = %s
"""
RESPONSES = "SELECT id, content, messages FROM response WHERE id = ANY(%s) ORDER BY id"
SLOT = """
    SELECT s.id, s.comparison_id, s.project_id, c.response_ids, p.* FROM slot s
    JOIN comparison c ON c.id = s.comparison_id JOIN project p ON p.id = s.project_id
    WHERE s.id = %s AND EXISTS (SELECT 1 FROM membership m JOIN annotator a ON a.user_id = m.user_id
                                WHERE a.id = %s AND m.project_id = s.project_id)
"""
CRITERIA = "SELECT * FROM criterion WHERE project_id = %s AND is_asked ORDER BY position, id"
LOCK_SLOT = "SELECT * FROM slot WHERE id = %s FOR NO KEY UPDATE"
EARLIER = """
    SELECT * FROM judgment WHERE annotator_id = %s AND (client_key = %s OR comparison_id = %s)
"""
JUDGE = """
    INSERT INTO judgment (project_id, comparison_id, annotator_id, slot_id, outcome, ranking,
        strength, criteria, is_unsafe, reason, shown_order, active_seconds, is_late, client_key,
        request_digest, external_id, metadata, judged_at)
    VALUES (%s, %s, %s, %s, 'ranked', %s, 2, '{}', false, '', %s, 12.5, false, %s, %s, '', '{}', %s)
    RETURNING id
"""
RATIONALE = "INSERT INTO rationale (judgment_id, text, tags) VALUES (%s, %s, %s) RETURNING id"
STALE = """
    UPDATE comparison SET stale_since = %s, stale_tries = 0, stale_error = '' WHERE id = %s
"""
FILL = "UPDATE slot SET holder_id = %s, filled_at = %s WHERE id = %s"
DROP_DRAFT = "DELETE FROM draft WHERE slot_id = %s AND annotator_id = %s"


def one(cursor, sql, *values):
    cursor.execute(sql, values)
    return cursor.fetchone()


def who(cursor, request):
    return one(cursor, WHO, token_digest(request.headers["Authorization"].removeprefix("Bearer ")))


def answered(body, status=200):
    return HttpResponse(orjson.dumps(body), "application/json", status)


@csrf_exempt
def claim(request: HttpRequest, slug: str) -> HttpResponse:
    with connection.cursor() as cursor:
        _, annotator, _, now = who(cursor, request)
        project = one(cursor, PROJECT, slug)[0]
        one(cursor, ROLE, annotator, project)
        values = {"annotator": annotator, "project": project, "now": now, "held": []}
        with transaction.atomic():
            one(cursor, LOCK, annotator)
            cursor.execute(queue.HELD, values)
            cursor.execute(queue.BOOKMARK, values)
            cursor.execute(queue.LEASE_NEXT, values | queue.START)
            names = [column.name for column in cursor.description]
            slot = dict(zip(names, cursor.fetchone(), strict=True))
        responses, messages = one(cursor, COMPARISON, slot["comparison_id"])
        messages = json.loads(messages)
        cursor.execute(RESPONSES, [responses])
        shown = [
            {"id": row[0], "content": json.loads(row[1]), "messages": json.loads(row[2])}
            for row in cursor.fetchall()
        ]
    work = {"id": slot["comparison_id"], "messages": messages, "responses": shown}
    return answered({"slot": slot["id"], "lease_ends_at": now, "comparison": work})


@csrf_exempt
def submit(request: HttpRequest, slot: int) -> HttpResponse:
    body = json.loads(request.body)
    key = request.headers["Idempotency-Key"]
    with connection.cursor() as cursor:
        _, annotator, _, now = who(cursor, request)
        _, comparison, project, responses = one(cursor, SLOT, slot, annotator)[:4]
        cursor.execute(RESPONSES, [responses])
        cursor.fetchall()
        cursor.execute(CRITERIA, [project])
        with transaction.atomic():
            one(cursor, LOCK, annotator)
            one(cursor, LOCK_SLOT, slot)
            one(cursor, EARLIER, annotator, key, comparison)
            judgment = one(
                cursor, JUDGE, project, comparison, annotator, slot,
                json.dumps(body["ranking"]), body["shown_order"], key, key.encode()[:32], now,
            )[0]  # fmt: skip
            one(cursor, RATIONALE, judgment, body["rationale"]["text"], body["rationale"]["tags"])
            cursor.execute(STALE, [now, comparison])
            cursor.execute(FILL, [annotator, now, slot])
            cursor.execute(DROP_DRAFT, [slot, annotator])
    return answered({"id": judgment, "judged_at": now}, status=201)


urlpatterns = [
    path("floor/projects/<slug:slug>/next/", claim),
    path("floor/slots/<int:slot>/judgment/", submit),
    path("", include("config.urls")),
]
