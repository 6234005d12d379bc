"""Chromium for the browser journeys: one process for the run, one clean context for each test."""

import os
import shutil
from pathlib import Path
from threading import Condition, current_thread, main_thread

# Playwright keeps an event loop in this thread; Django would refuse the database because of it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.signals import request_finished, request_started
from playwright.sync_api import expect, sync_playwright

# What is waited for comes within a second; on a machine busy with other things it may take longer.
PATIENCE = 30  # seconds
expect.set_options(timeout=PATIENCE * 1000)

AXE = Path(__file__).parent.parent / "vendor" / "axe-core" / "axe.min.js"


def chromium_path():
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def chromium():
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium here: install it (apt-get install chromium) or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Traffic:
    """The requests that the live server is in the middle of answering."""

    def __init__(self):
        self.changed = Condition()
        self.answering = 0
        request_started.connect(self.begin, weak=False)
        request_finished.connect(self.end, weak=False)

    def begin(self, **_):
        self.add(1)

    def end(self, **_):
        self.add(-1)

    def add(self, number):
        if current_thread() is main_thread():  # a test client's own
            return
        with self.changed:
            self.answering += number
            self.changed.notify_all()

    def wait_until_quiet(self):
        with self.changed:
            assert self.changed.wait_for(lambda: self.answering == 0, PATIENCE)


@pytest.fixture(scope="session")
def traffic():
    return Traffic()


@pytest.fixture
def sign_in(live_server):
    """Give a browser context the session of a user, as logging in would."""

    def sign_in(context, user):
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key}
        context.add_cookies([cookie | {"url": live_server.url}])

    return sign_in


@pytest.fixture
def open_context(chromium, live_server, sign_in, traffic):
    """Open a clean browser context: open_context(user, width=360, color_scheme="dark")."""
    opened = []

    def open_context(user=None, *, width=1280, height=900, **options):
        size = {"width": width, "height": height}
        context = chromium.new_context(base_url=live_server.url, viewport=size, **options)
        context.set_default_timeout(PATIENCE * 1000)
        if user is not None:
            sign_in(context, user)
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.set_offline(True)  # what a page sends as it goes would find its database gone
        context.close()
    traffic.wait_until_quiet()


@pytest.fixture
def wait_until_drawn():
    """Wait until texts are rendered, plots are drawn, and a comparison or its absence is shown."""

    def wait_until_drawn(page):
        for unfinished in (
            "quorum-text:not([data-view])",
            ".plot:not(:has(canvas))",
            "#panel.loading",
        ):
            expect(page.locator(unfinished)).to_have_count(0)

    return wait_until_drawn


@pytest.fixture
def violations():
    """List the serious and critical accessibility violations of a page, as axe-core sees it."""

    def violations(page):
        # evaluate() is not bound by the page's own content security policy.
        page.evaluate(AXE.read_text())
        found = page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)"
        )
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    return violations
