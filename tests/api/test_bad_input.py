"""Hostile bodies and queries: each is refused in words, none breaks anything."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from annotation.models import Item, Judgment, Project
from tests.api.conftest import answer_to

BODIES = {
    "broken": b'{"a":',
    "empty list": b"[]",
    "number": b"5",
    "null": b"null",
    "duplicate key": b'{"outcome":"unsure","outcome":"ranked"}',
    "NaN": b'{"strength":NaN}',
    "infinity": b'{"strength":1e999}',
    "huge integer": b'{"strength":' + b"9" * 4000 + b"}",
    "deep": b'{"a":' + b"[" * 500 + b"]" * 500 + b"}",
    "very deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "NUL escape": b'{"outcome":"\\u0000"}',
    "NUL key": b'{"\\u0000":1}',
    "NUL byte": b'{"a":"\x00"}',
    "lone surrogate": b'{"outcome":"\\ud800"}',
    "raw surrogate": b'{"outcome":"\xed\xa0\x80"}',
    "overlong UTF-8": b'{"outcome":"\xc0\x80"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "unknown key": b'{"winer":"A"}',
    "gzip": gzip.compress(b"{}"),
    "mass assignment": b'{"id":1,"annotator":1,"is_late":false,"slug":"x","name":"y"}',
}
WRITES = (
    "projects/",
    "projects/haiku/items/",
    "projects/haiku/next/",
    "projects/haiku/judges/",
    "slots/{slot}/judgment/",
    "slots/{slot}/release/",
    "slots/{slot}/skip/",
)


@pytest.fixture
def slot(admins_api, make_comparison):
    make_comparison()
    return admins_api.post("projects/haiku/next/").json()["slot"]


class TestABody:
    @pytest.mark.parametrize("path", WRITES)
    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    def test_that_is_bad_is_refused_with_400_and_changes_nothing(
        self, admins_api, slot, path, body
    ):
        before = (Project.objects.count(), Item.objects.count(), Judgment.objects.count())

        answer = admins_api.raw(path.format(slot=slot), body)

        assert answer.status_code == 400
        assert set(answer.json()) <= {"code", "detail", "field", "line"}
        assert (Project.objects.count(), Item.objects.count(), Judgment.objects.count()) == before

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json; charset=utf-7",
            "application/json; charset=nope",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ],
    )
    @pytest.mark.parametrize("path", WRITES)
    def test_of_another_type_is_refused_with_415(self, admins_api, slot, path, content_type):
        answer = admins_api.raw(path.format(slot=slot), b'{"a":1}', content_type)

        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

    def test_that_says_utf_8_is_read(self, admins_api, slot):
        answer = admins_api.raw(
            f"slots/{slot}/release/", b"{}", 'application/json; charset="UTF-8"'
        )

        assert answer.status_code == 204

    @pytest.mark.parametrize("path", ["projects/", "slots/{slot}/judgment/"])
    def test_that_is_empty_creates_nothing(self, admins_api, slot, path):
        assert admins_api.raw(path.format(slot=slot), b"").status_code == 400

    def test_that_is_too_large_is_refused_with_413(self, admins_api, project):
        answer = admins_api.raw("projects/haiku/items/", b'{"a":"' + b"x" * (21 * 2**20) + b'"}')

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


class TestAQuery:
    @pytest.mark.parametrize(
        "query",
        [
            "limit=-1", "limit=0", "limit=abc", "limit=1000000", "limit=1.8e21", "limit=%D9%A1",
            "limit=1&limit=2", "cursor=-1", "cursor=99999999999999999999", "cursor=%00",
            "offset=10", "ordering=user__password", "user__password__startswith=p",
            "bypass_filter=true", "as_user=1", "debug=1", "format=api", "id=%00",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("path", ["items", "judgments", "consensus"])
    def test_that_means_nothing_is_refused(self, researchers_api, path, query):
        answer = researchers_api.raw(f"projects/haiku/{path}/?{query}", b"", method="GET")

        assert answer.status_code == 400

    def test_of_a_write_is_refused_too(self, anns_api, project):
        assert anns_api.post("projects/haiku/next/?as_user=1").status_code == 400


class TestTheLimit:
    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_is_exact_for_parallel_requests(self, anns_api, settings, project):
        settings.API_LIMIT_PER_MINUTE = 10

        def ask(_):
            try:
                return anns_api.get("projects/haiku/")
            finally:
                connection.close()

        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(ask, range(40)))

        # A minute may turn while they run; each minute lets ten through.
        passed = sum(answer.status_code == 200 for answer in answers)
        refused = [answer for answer in answers if answer.status_code == 429]
        assert passed in (10, 20)
        assert all(1 <= int(answer["Retry-After"]) <= 60 for answer in refused)
        assert len(refused) == 40 - passed


class TestText:
    @pytest.mark.parametrize(
        "text", ["  text  ", "a\r\nb\rc\u2028d\x85", "e\u0301 é", "\u202eabc", "\U000e0041"]
    )
    def test_comes_out_as_it_went_in(self, admins_api, text, project):
        items = {
            "items": [{"id": "x", "prompt": text, "responses": [{"text": text}, {"text": "b"}]}]
        }
        created = admins_api.post("projects/haiku/items/", items)
        assert created.status_code == 201, created.content
        work = admins_api.post("projects/haiku/next/").json()
        body = answer_to(work["comparison"], rationale={"text": text})
        admins_api.submit(work["slot"], body)

        item = admins_api.get("projects/haiku/items/", id="x").json()["results"][0]
        judgment = admins_api.get("projects/haiku/judgments/").json()["results"][0]

        assert item["messages"][0]["content"][0]["text"] == text
        assert item["responses"][0]["content"][0]["text"] == text
        assert judgment["rationale"]["text"] == text
        assert json.dumps(item)
