import json
import uuid

import pytest
from django.test import Client

from annotation.domain.vocabulary import Role, TokenScope
from annotation.services import people


class Api:
    """Speaks to the API as one token's owner."""

    def __init__(self, token="", client=None):
        self.client = client or Client()
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path, **query):
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def send(self, method, path, body=None, **headers):
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers=self.headers | headers,
        )

    def post(self, path, body=None, **headers):
        return self.send("POST", path, body, **headers)

    def raw(self, path, body, content_type="application/json", method="POST"):
        return self.client.generic(
            method, f"/api/v1/{path}", body, content_type=content_type, headers=self.headers
        )

    def submit(self, slot, body, key=None):
        return self.post(
            f"slots/{slot}/judgment/", body, **{"Idempotency-Key": key or str(uuid.uuid4())}
        )


@pytest.fixture
def api_of(db, noon):
    """Make a client for a user: api_of(user, TokenScope.READ)."""

    def api_of(user, scope=TokenScope.ADMIN):
        return Api(people.issue_token(user=user, scope=scope, name="test", now=noon))

    return api_of


@pytest.fixture
def anns_api(ann, api_of):
    return api_of(ann.user, TokenScope.ANNOTATE)


@pytest.fixture
def researchers_api(make_user, join, project, api_of):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    return api_of(user, TokenScope.WRITE)


@pytest.fixture
def admins_api(make_user, join, project, api_of):
    user = make_user("ada", is_staff=True)
    join(user, project, Role.ADMIN)
    return api_of(user)


def answer_to(comparison, **fields):
    """An answer that prefers the first response shown."""
    first, *rest = [response["id"] for response in comparison["responses"]]
    return {
        "outcome": "ranked",
        "ranking": [[first], rest],
        "strength": 2,
        "shown_order": [first, *rest],
    } | fields
