import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from django.db import connection

from annotation.domain.errors import InvalidField
from annotation.domain.vocabulary import AnnotatorKind, JudgeState, OrderPolicy, RunPurpose
from annotation.models import Annotator, AuditEvent, Endpoint, Judge, JudgeRequest, JudgeRun
from annotation.services.judges import configuring, connecting, keys, templates
from annotation.services.judges.configuring import EndpointDraft, JudgeDraft, TemplateDraft

KEY = "sk-canary-5d1f0c7ae2"


@pytest.fixture
def ada(make_user):
    return make_user("ada")


@pytest.fixture
def add_endpoint(project, ada, noon):
    def add(**fields):
        draft = EndpointDraft(**({"name": "local", "base_url": "http://127.0.0.1:9/v1"} | fields))
        return configuring.add_endpoint(project=project, user=ada, draft=draft, now=noon)

    return add


@pytest.fixture
def draft(make_judge):
    """A draft of a judge on an endpoint and a template of the project."""
    other = make_judge("other")
    return JudgeDraft(
        name="strict",
        endpoint=other.endpoint,
        template=other.template,
        model_name="gpt-4o-mini",
        price_in=Decimal("0.15"),
        price_out=Decimal("0.6"),
        budget=Decimal("2.50"),
    )


@pytest.fixture
def strict(project, ada, draft, noon):
    return configuring.add_judge(project=project, user=ada, draft=draft, now=noon)


def ask(judge, comparison, noon, **fields):
    run = JudgeRun.objects.create(
        project=judge.project, judge=judge, number=1, purpose=RunPurpose.RUN, created_at=noon
    )
    return JudgeRequest.objects.create(
        project=judge.project, judge=judge, endpoint=judge.endpoint, run=run, comparison=comparison,
        shown_order=comparison.response_ids, due_at=noon, created_at=noon, **fields,
    )  # fmt: skip


class TestAnEndpoint:
    def test_keeps_a_typed_key_encrypted(self, add_endpoint):
        endpoint = add_endpoint(key=KEY)

        assert KEY.encode() not in bytes(Endpoint.objects.get().key_cipher)
        assert configuring.key_of(endpoint) == KEY

    def test_takes_its_key_from_the_environment(self, add_endpoint, monkeypatch):
        monkeypatch.setenv("JUDGE_KEY_LOCAL", KEY)

        assert configuring.key_of(add_endpoint(key_variable="JUDGE_KEY_LOCAL")) == KEY

    def test_says_which_variable_is_missing(self, add_endpoint, monkeypatch):
        monkeypatch.delenv("JUDGE_KEY_LOCAL", raising=False)

        with pytest.raises(keys.KeyMissing, match="JUDGE_KEY_LOCAL is not set"):
            configuring.key_of(add_endpoint(key_variable="JUDGE_KEY_LOCAL"))

    def test_says_which_variable_holds_no_key_without_repeating_it(self, add_endpoint, monkeypatch):
        monkeypatch.setenv("JUDGE_KEY_LOCAL", "two secrets")
        endpoint = add_endpoint(key_variable="JUDGE_KEY_LOCAL")

        look = connecting.look_at(endpoint=endpoint)

        assert not look.is_fine
        assert "JUDGE_KEY_LOCAL does not hold a key" in look.sentence
        assert "secrets" not in look.sentence

    @pytest.mark.parametrize(
        "name", ["SECRET_KEY", "DATABASE_URL", "PATH", "JUDGE_KEY", "JUDGE_KEY_", "judge_key_x"]
    )
    def test_can_name_no_other_secret_of_the_server(self, name, add_endpoint, monkeypatch):
        monkeypatch.setenv(name, KEY)

        with pytest.raises(InvalidField, match="JUDGE_KEY_"):
            add_endpoint(key_variable=name)

    def test_reads_no_other_variable_even_where_the_row_names_one(self, add_endpoint, monkeypatch):
        monkeypatch.setenv("DATABASE_URL", KEY)
        endpoint = add_endpoint()
        endpoint.key_variable = "DATABASE_URL"

        with pytest.raises(keys.KeyMissing):
            configuring.key_of(endpoint)

    def test_needs_no_key(self, add_endpoint):
        assert configuring.key_of(add_endpoint()) == ""

    def test_has_its_key_in_one_place(self, add_endpoint):
        with pytest.raises(InvalidField, match="in one way"):
            add_endpoint(key=KEY, key_variable="JUDGE_KEY_LOCAL")

    @pytest.mark.parametrize("key", ["two words", "a\nb", "schl\u00fcssel", "x" * 2001])
    def test_refuses_what_is_no_key_without_repeating_it(self, key, add_endpoint):
        with pytest.raises(InvalidField) as refusal:
            add_endpoint(key=key)

        assert key not in refusal.value.detail

    def test_says_what_to_do_when_its_key_was_encrypted_under_another_secret(
        self, add_endpoint, settings
    ):
        endpoint = add_endpoint(key=KEY)
        settings.SECRET_KEY = "x" * 60

        with pytest.raises(keys.KeyMissing, match="type it in again"):
            configuring.key_of(endpoint)

    def test_keeps_its_key_while_other_settings_change(self, add_endpoint, ada, noon):
        endpoint = add_endpoint(key=KEY)
        draft = EndpointDraft(name="faster", base_url=endpoint.base_url, max_concurrency=32)

        changed = configuring.change_endpoint(endpoint=endpoint, user=ada, draft=draft, now=noon)

        assert (changed.name, changed.max_concurrency) == ("faster", 32)
        assert configuring.key_of(changed) == KEY

    def test_sends_a_stored_key_to_no_other_address(self, add_endpoint, ada, noon):
        endpoint = add_endpoint(key=KEY)
        moved = EndpointDraft(name="local", base_url="https://evil.example/v1")

        with pytest.raises(InvalidField, match="type the key in again"):
            configuring.change_endpoint(endpoint=endpoint, user=ada, draft=moved, now=noon)

        again = replace(moved, key="another")
        changed = configuring.change_endpoint(endpoint=endpoint, user=ada, draft=again, now=noon)
        assert configuring.key_of(changed) == "another"

    def test_forgets_its_key(self, add_endpoint, ada, noon):
        endpoint = add_endpoint(key=KEY)
        draft = EndpointDraft(name="local", base_url=endpoint.base_url, forgets_key=True)

        changed = configuring.change_endpoint(endpoint=endpoint, user=ada, draft=draft, now=noon)

        assert configuring.key_of(changed) == ""

    def test_is_asked_again_once_it_was_changed(self, add_endpoint, ada, noon):
        endpoint = add_endpoint()
        Endpoint.objects.update(n_failures=9, opened_until=noon, last_error="refused")
        draft = EndpointDraft(name="local", base_url=endpoint.base_url)

        changed = configuring.change_endpoint(endpoint=endpoint, user=ada, draft=draft, now=noon)

        assert (changed.n_failures, changed.opened_until, changed.last_error) == (0, None, "")

    def test_is_called_by_a_name_of_its_own(self, add_endpoint):
        add_endpoint()

        with pytest.raises(configuring.NameTaken):
            add_endpoint()

    @pytest.mark.parametrize(
        "fields",
        [{"max_concurrency": 0}, {"max_concurrency": 257}, {"timeout_seconds": 0}, {"name": " "}],
    )
    def test_keeps_within_its_bounds(self, fields, add_endpoint):
        with pytest.raises(InvalidField) as refusal:
            add_endpoint(**fields)

        assert refusal.value.field == next(iter(fields))

    def test_tells_its_key_to_nobody(self, add_endpoint, ada, noon, caplog):
        caplog.set_level(logging.DEBUG)
        endpoint = add_endpoint(key=KEY)
        draft = EndpointDraft(name="local", base_url=endpoint.base_url, key=KEY + "2")
        configuring.change_endpoint(endpoint=endpoint, user=ada, draft=draft, now=noon)

        audited = json.dumps(list(AuditEvent.objects.values("action", "detail")))
        assert "endpoint_changed" in audited
        assert KEY not in audited + caplog.text + repr(draft) + repr(endpoint)


class TestAddJudge:
    def test_makes_its_annotator(self, strict):
        annotator = strict.annotator

        assert (annotator.kind, annotator.name) == (AnnotatorKind.LLM, "strict 1")
        assert annotator.model_name == "gpt-4o-mini"

    def test_counts_money_in_millionths_and_takes_the_family_from_the_model(self, strict):
        assert (strict.budget, strict.family) == (2_500_000, "gpt")

    def test_takes_another_annotator_name_where_an_imported_judge_has_it(
        self, project, ada, draft, noon
    ):
        Annotator.objects.create(project=project, kind="llm", name="strict 1", created_at=noon)

        judge = configuring.add_judge(project=project, user=ada, draft=draft, now=noon)

        assert judge.annotator.name == "strict 1 (2)"

    def test_refuses_a_name_that_is_taken(self, project, strict, ada, draft, noon):
        with pytest.raises(configuring.NameTaken, match="change that one"):
            configuring.add_judge(project=project, user=ada, draft=draft, now=noon)

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": ""},
            {"name": "a\u202eb"},
            {"model_name": ""},
            {"temperature": 2.1},
            {"temperature": float("nan")},
            {"max_tokens": 0},
            {"n_samples": 21},
            {"seed": 2**40},
            {"price_in": Decimal(-1)},
            {"price_out": Decimal("NaN")},
            {"budget": Decimal("Infinity")},
            {"budget": Decimal(-1)},
            {"order_policy": "sideways"},
        ],
    )
    def test_refuses_what_breaks_a_rule(self, fields, project, ada, draft, noon):
        before = Annotator.objects.count()

        with pytest.raises(InvalidField) as refusal:
            configuring.add_judge(
                project=project, user=ada, draft=replace(draft, **fields), now=noon
            )

        assert refusal.value.field == next(iter(fields))
        assert Annotator.objects.count() == before

    def test_refuses_what_belongs_to_another_project(
        self, make_project, make_judge, project, ada, draft, noon
    ):
        theirs = make_judge(project=make_project())

        for name in ("endpoint", "template"):
            with pytest.raises(InvalidField) as refusal:
                fields = {name: getattr(theirs, name)}
                configuring.add_judge(
                    project=project, user=ada, draft=replace(draft, **fields), now=noon
                )
            assert refusal.value.field == name


class TestChangeJudge:
    @pytest.mark.parametrize(
        "fields",
        [
            {"model_name": "gpt-4o"},
            {"temperature": 0.7},
            {"n_samples": 3},
            {"order_policy": OrderPolicy.ONE},
            {"reads_logprobs": False},
            {"seed": 7},
            {"max_tokens": 64},
        ],
    )
    def test_makes_the_next_number_of_what_shapes_answers(self, fields, strict, ada, draft, noon):
        changed = replace(draft, **fields)

        following = configuring.change_judge(judge=strict, user=ada, draft=changed, now=noon)

        strict.refresh_from_db()
        assert (following.name, following.number) == ("strict", 2)
        assert following.annotator_id != strict.annotator_id
        assert (strict.state, strict.state_reason) == ("retired", "Followed by strict 2.")
        assert following.state == JudgeState.ACTIVE

    def test_keeps_the_judge_where_only_prices_and_money_change(self, strict, ada, draft, noon):
        changed = replace(draft, price_in=Decimal(1), budget=Decimal(9), family="OpenAI")

        same = configuring.change_judge(judge=strict, user=ada, draft=changed, now=noon)

        assert (same.pk, same.price_in, same.budget) == (strict.pk, 1, 9_000_000)
        assert same.family == "openai"

    def test_changes_nothing_of_a_retired_one(self, strict, ada, draft, noon):
        configuring.change_judge(judge=strict, user=ada, draft=replace(draft, seed=1), now=noon)

        with pytest.raises(configuring.Retired):
            configuring.change_judge(judge=strict, user=ada, draft=draft, now=noon)

    def test_waits_for_a_run_under_way(self, strict, ada, draft, noon, make_comparison):
        ask(strict, make_comparison(), noon)

        with pytest.raises(configuring.RunUnderWay, match="Run 1 of strict 1"):
            configuring.change_judge(judge=strict, user=ada, draft=replace(draft, seed=1), now=noon)

    def test_refuses_another_name(self, strict, ada, draft, noon):
        with pytest.raises(InvalidField, match="keeps its name"):
            configuring.change_judge(
                judge=strict, user=ada, draft=replace(draft, name="kind"), now=noon
            )


class TestSetJudgeState:
    def test_pauses_and_activates(self, strict, ada, noon):
        for state in (JudgeState.PAUSED, JudgeState.ACTIVE, JudgeState.ACTIVE):
            judge = configuring.set_judge_state(judge=strict, user=ada, state=state, now=noon)
            assert judge.state == state

        assert AuditEvent.objects.filter(action="judge_state_set").count() == 2

    def test_leaves_suspending_to_checks(self, strict, ada, noon):
        with pytest.raises(InvalidField):
            configuring.set_judge_state(
                judge=strict, user=ada, state=JudgeState.SUSPENDED, now=noon
            )

    def test_retires_for_good(self, strict, ada, noon):
        configuring.set_judge_state(judge=strict, user=ada, state=JudgeState.RETIRED, now=noon)

        with pytest.raises(configuring.Retired):
            configuring.set_judge_state(judge=strict, user=ada, state=JudgeState.ACTIVE, now=noon)


class TestRaiseBudget:
    def test_sets_the_total(self, strict, ada, noon):
        judge = configuring.raise_budget(judge=strict, user=ada, budget=Decimal("7.25"), now=noon)

        assert judge.budget == 7_250_000

    def test_leaves_what_is_spent_and_set_aside(self, strict, ada, noon):
        Judge.objects.filter(pk=strict.pk).update(spent=1_000_000, reserved=500_000)

        with pytest.raises(InvalidField, match="1.5 is spent or set aside"):
            configuring.raise_budget(judge=strict, user=ada, budget=Decimal("1.49"), now=noon)

        configuring.raise_budget(judge=strict, user=ada, budget=Decimal("1.5"), now=noon)
        strict.refresh_from_db()
        assert strict.budget == 1_500_000


class TestAtTheSameMoment:
    @pytest.mark.django_db(transaction=True)
    def test_two_changes_make_one_next_number(self, strict, ada, draft, noon):
        def change(seed):
            try:
                return configuring.change_judge(
                    judge=strict, user=ada, draft=replace(draft, seed=seed), now=noon
                ).number
            except configuring.Retired:
                return None
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as people:
            numbers = list(people.map(change, range(1, 5)))

        assert sorted(numbers, key=str) == [2, None, None, None]


class TestATemplate:
    @pytest.fixture
    def add(self, project, ada, noon):
        def add(**fields):
            draft = TemplateDraft(**({"name": "overall", "instructions": "Be fair."} | fields))
            return templates.add_template(project=project, user=ada, draft=draft, now=noon)

        return add

    def test_gets_the_next_number_when_it_is_edited(self, add):
        assert (add().number, add(instructions="Be strict.").number) == (1, 2)

    def test_stays_as_it_is_when_nothing_differs(self, add):
        assert add().pk == add(instructions="Be fair.\r\n").pk

    @pytest.mark.parametrize(
        "fields",
        [
            {"instructions": " "},
            {"instructions": "x" * 20_001},
            {"instructions": "a\x00b"},
            {"name": "no slug"},
        ],
    )
    def test_refuses_what_breaks_a_rule(self, fields, add):
        with pytest.raises(InvalidField) as refusal:
            add(**fields)

        assert refusal.value.field == next(iter(fields))


class Door(BaseHTTPRequestHandler):
    """An endpoint that answers a look with what the test wants and notes what it was sent."""

    def do_GET(self):
        self.server.seen.append((self.path, self.headers["Authorization"]))
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()
        if body is not None:
            self.wfile.write(body)
            return
        try:
            while not self.server.is_left.wait(0.02):
                self.wfile.write(b" ")
        except OSError:
            self.server.is_left.set()

    def log_message(self, *_):
        pass


@pytest.fixture
def door():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.seen, server.answer = [], (200, b'{"data": [{"id": "practice-1"}]}')
    server.is_left = Event()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.is_left.set()
    server.shutdown()
    server.server_close()


class TestLookAt:
    @pytest.fixture
    def endpoint(self, add_endpoint, door):
        return add_endpoint(base_url=f"http://127.0.0.1:{door.server_port}/v1", key=KEY)

    def test_asks_for_the_models_with_the_key(self, endpoint, door):
        look = connecting.look_at(endpoint=endpoint)

        assert (look.is_fine, look.models) == (True, ("practice-1",))
        assert door.seen == [("/v1/models", f"Bearer {KEY}")]

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (401, b"", "refuses the key"),
            (404, b"", "end in /v1"),
            (302, b"", "leads elsewhere"),
            (500, KEY.encode(), "answers 500"),
            (200, b"<html>", "not as OpenAI"),
            (200, b"[]", "not as OpenAI"),
            (200, b"NaN", "not as OpenAI"),
        ],
    )
    def test_says_what_to_do_about_an_odd_answer(self, status, body, words, endpoint, door):
        door.answer = (status, body)

        look = connecting.look_at(endpoint=endpoint)

        assert not look.is_fine
        assert words in look.sentence
        assert KEY not in look.sentence
        assert len(door.seen) == 1  # no redirect is followed

    def test_shows_no_key_that_is_echoed_as_a_model(self, endpoint, door):
        door.answer = (200, json.dumps({"data": [{"id": f"x{KEY}"}, {"id": "fine"}]}).encode())

        assert connecting.look_at(endpoint=endpoint).models == ("fine",)

    def test_says_that_nothing_answers(self, add_endpoint):
        look = connecting.look_at(endpoint=add_endpoint())

        assert not look.is_fine
        assert "Nothing answers" in look.sentence

    def test_leaves_an_endpoint_that_never_ends_its_answer(self, endpoint, door, monkeypatch):
        monkeypatch.setattr(connecting, "LOOK_SECONDS", 0.3)
        door.answer = (200, None)

        look = connecting.look_at(endpoint=endpoint)

        assert not look.is_fine
        assert door.is_left.wait(30)

    def test_says_that_the_key_is_missing_before_it_asks(self, endpoint, door, settings):
        settings.SECRET_KEY = "x" * 60

        assert "type it in again" in connecting.look_at(endpoint=endpoint).sentence
        assert door.seen == []

    def test_sends_nothing_to_a_name_that_leads_to_a_forbidden_address(
        self, endpoint, door, monkeypatch
    ):
        # What a resolver says cannot be arranged here, so loopback stands for a forbidden address.
        monkeypatch.setattr(connecting, "refused_address", lambda address: f"{address} is closed")

        assert connecting.look_at(endpoint=endpoint).sentence == "127.0.0.1 is closed"
        assert door.seen == []
