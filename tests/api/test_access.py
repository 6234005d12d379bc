"""Every resource x role x ownership: an address that is not in the table fails."""

import uuid

import pytest
from django.urls import get_resolver

from annotation.domain.answers import Answer
from annotation.domain.vocabulary import Outcome, Role, TokenScope
from annotation.models import Annotator, CanaryCheck, Import, JudgeRun, Membership, Slot, User
from annotation.services import judging, people, queue
from curation.models import RoutingPolicy, Simulation
from tests.api.conftest import Api

ALL, REVIEWERS, READERS, ADMINS = (
    set(Role),
    {Role.ADMIN, Role.RESEARCHER, Role.REVIEWER},
    {Role.ADMIN, Role.RESEARCHER},
    {Role.ADMIN},
)
READ, ANNOTATE, WRITE, ADMIN = TokenScope

# name of the address, method: the least scope, the roles that may, and what others in the project
# get. "own" resources answer 404 to everybody who does not own them.
TABLE = {
    ("api-projects", "GET"): (READ, ALL, 200),
    ("api-projects", "POST"): (ADMIN, set(), 403),
    ("api-project", "GET"): (READ, ALL, 200),
    ("api-project", "PATCH"): (ADMIN, ADMINS, 403),
    ("api-items", "GET"): (READ, READERS, 403),
    ("api-items", "POST"): (WRITE, READERS, 403),
    ("api-imports", "GET"): (READ, READERS, 403),
    ("api-imports", "POST"): (WRITE, READERS, 403),
    ("api-import", "GET"): (READ, READERS, 403),
    ("api-refusals", "GET"): (READ, READERS, 403),
    ("api-next", "POST"): (ANNOTATE, ALL, 403),
    ("api-judgments", "GET"): (READ, READERS, 403),
    ("api-consensus", "GET"): (READ, READERS, 403),
    ("api-quality", "GET"): (READ, READERS, 403),
    ("api-own-quality", "GET"): (READ, ALL, 200),
    ("api-leaderboard", "GET"): (READ, READERS, 403),
    ("api-feedback", "GET"): (READ, REVIEWERS, 403),
    ("api-feedback", "POST"): (WRITE, READERS, 403),
    ("api-duplicates", "GET"): (READ, READERS, 403),
    ("api-signals", "GET"): (READ, READERS, 403),
    ("api-signals", "POST"): (WRITE, READERS, 403),
    ("api-judges", "GET"): (READ, READERS, 403),
    ("api-judges", "POST"): (ADMIN, ADMINS, 403),
    ("api-judge", "GET"): (READ, READERS, 403),
    ("api-judge", "PATCH"): (ADMIN, ADMINS, 403),
    ("api-runs", "GET"): (READ, READERS, 403),
    ("api-runs", "POST"): (ADMIN, ADMINS, 403),
    ("api-run", "GET"): (READ, READERS, 403),
    ("api-run", "PATCH"): (ADMIN, ADMINS, 403),
    ("api-checks", "GET"): (READ, READERS, 403),
    ("api-checks", "POST"): (ADMIN, ADMINS, 403),
    ("api-check", "GET"): (READ, READERS, 403),
    ("api-policies", "GET"): (READ, READERS, 403),
    ("api-policies", "POST"): (ADMIN, ADMINS, 403),
    ("api-policy", "GET"): (READ, READERS, 403),
    ("api-policy-activate", "POST"): (ADMIN, ADMINS, 403),
    ("api-policy-retire", "POST"): (ADMIN, ADMINS, 403),
    ("api-policy-simulate", "GET"): (READ, READERS, 403),
    ("api-policy-simulate", "POST"): (WRITE, READERS, 403),
    ("api-routing-decisions", "GET"): (READ, READERS, 403),
    ("api-submit", "POST"): (ANNOTATE, set(), 400),
    ("api-release", "POST"): (ANNOTATE, set(), 409),
    ("api-renew", "POST"): (ANNOTATE, set(), 409),
    ("api-skip", "POST"): (ANNOTATE, set(), 409),
    ("api-correct", "POST"): (ANNOTATE, set(), 404),
}
OWN = {"api-submit", "api-release", "api-renew", "api-skip", "api-correct"}
ELSEWHERE = {"api-schema", "api-docs", "api-not-there"}  # have tests of their own below
# Datasets span projects; their own tests hold their roles.
OTHER_APPS = {
    "api-datasets", "api-dataset", "api-versions", "api-version", "api-exports", "api-export-file",
    "api-similar",
}  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")


def api_patterns():
    """Every address below /api/v1/, from the resolver itself."""

    def walk(patterns, prefix=""):
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, path)
            elif path.startswith("api/"):
                yield pattern.name, path

    return dict(walk(get_resolver().url_patterns))


def is_ours(name):
    return name not in ELSEWHERE | OTHER_APPS


@pytest.fixture
def place(project, make_comparison, make_judge, noon, make_annotator):
    """A slot leased to olga, who has judged another one: what the addresses point at."""
    make_comparison(), make_comparison()
    olga = make_annotator("olga")
    slot = queue.claim_slot(project_id=project.id, annotator_id=olga.id, now=noon)
    judged = judging.submit_judgment(
        slot_id=slot.id,
        annotator_id=olga.id,
        answer=Answer(outcome=Outcome.UNSURE),
        client_key=uuid.uuid4(),
        now=noon,
    )
    leased = queue.claim_slot(project_id=project.id, annotator_id=olga.id, now=noon)
    upload = Import.objects.create(project=project, kind="items", file_name="x", created_at=noon)
    judge = make_judge()
    run = JudgeRun.objects.create(
        project=project, judge=judge, number=1, purpose="run", created_at=noon
    )
    CanaryCheck.objects.create(run=run, n_canaries=50)
    policy = RoutingPolicy.objects.create(
        project=project, number=run.number, content={}, created_at=noon
    )
    Simulation.objects.create(project=project, policy=policy, created_at=noon)
    return {
        "slug": "haiku",
        "judge_id": judge.id,
        "number": run.number,
        "slot_id": leased.id,
        "judgment_id": judged.id,
        "import_id": upload.id,
    }


def address(path, place):
    for converter in (
        "slug:slug",
        "row_id:slot_id",
        "row_id:judgment_id",
        "row_id:import_id",
        "row_id:judge_id",
        "row_id:number",
    ):
        path = path.replace(f"<{converter}>", str(place[converter.split(":")[1]]))
    return path.removeprefix("api/v1/")


class TestEveryAddress:
    def test_is_in_the_table(self):
        ours = {name for name in api_patterns() if is_ours(name)}

        assert ours == {name for name, _ in TABLE}

    @pytest.mark.parametrize("name", sorted({name for name, _ in TABLE}))
    def test_answers_other_methods_with_405(self, name, place, admins_api):
        path = address(api_patterns()[name], place)
        allowed = {method for known, method in TABLE if known == name}

        for method in set(METHODS) - allowed:
            answer = admins_api.send(method, path, {})
            assert answer.status_code == 405, method
            assert method == "HEAD" or answer.json()["code"] == "method_not_allowed"

    @pytest.mark.parametrize(("name", "method"), TABLE)
    def test_wants_a_token(self, name, method, place):
        path = address(api_patterns()[name], place)

        for api in (Api(), Api("qm_" + "x" * 43), Api("nonsense")):
            answer = api.send(method, path, {})
            assert answer.status_code == 401
            assert answer.json()["code"] == "not_authenticated"
            assert answer["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(("name", "method"), TABLE)
    def test_wants_the_scope(self, name, method, place, make_user, join, project, api_of):
        needed, _, _ = TABLE[name, method]
        user = make_user("mia", is_staff=True)
        join(user, project, Role.ADMIN)
        path = address(api_patterns()[name], place)

        for scope in TokenScope:
            is_refused = api_of(user, scope).send(method, path, {}).status_code == 403
            if list(TokenScope).index(scope) < list(TokenScope).index(needed):
                assert is_refused, scope

    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize(("name", "method"), TABLE)
    def test_opens_to_its_roles_only(
        self, name, method, role, place, make_user, join, project, api_of
    ):
        _, roles, otherwise = TABLE[name, method]
        user = make_user("mia")
        join(user, project, role)

        answer = api_of(user).send(method, address(api_patterns()[name], place), {})

        if role in roles:
            assert answer.status_code in (200, 202, 204, 400, 409, 415)
        else:
            assert answer.status_code == otherwise

    @pytest.mark.parametrize(
        ("name", "method"), [cell for cell in TABLE if cell[0] != "api-projects"]
    )
    def test_does_not_exist_for_people_of_other_projects(
        self, name, method, place, make_user, make_project, join, api_of
    ):
        user = make_user("otto")
        join(user, make_project(), Role.ADMIN)

        answer = api_of(user).send(method, address(api_patterns()[name], place), {})

        assert answer.status_code == 404
        assert not User.objects.get(username="otto").tokens.filter(last_used_at=None)

    def test_lists_no_project_of_others(self, place, make_user, make_project, join, api_of):
        user = make_user("otto")
        join(user, make_project(slug="his"), Role.ADMIN)

        rows = api_of(user).get("projects/").json()["results"]

        assert [row["slug"] for row in rows] == ["his"]

    @pytest.mark.parametrize(("name", "method"), [cell for cell in TABLE if cell[0] in OWN])
    def test_leaves_what_is_others_as_it_was(self, name, method, place, ann, api_of):
        before = Slot.objects.values().get(id=place["slot_id"])

        api_of(ann.user).send(method, address(api_patterns()[name], place), {})

        assert Slot.objects.values().get(id=place["slot_id"]) == before

    @pytest.mark.parametrize("part", ["1%0a", "%D9%A1", "01", "1;a", "0", "-1", "9" * 19])
    def test_has_one_spelling(self, part, admins_api):
        answer = admins_api.post(f"slots/{part}/release/", {})

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestAToken:
    @pytest.fixture
    def token(self, ann, noon):
        return people.issue_token(user=ann.user, scope=READ, name="test", now=noon)

    def test_in_the_query_or_a_cookie_opens_nothing(self, token, client, project):
        client.cookies["Authorization"] = f"Bearer {token}"

        answer = client.get(f"/api/v1/projects/?token={token}&access_token={token}")

        assert answer.status_code == 401

    def test_of_a_logged_in_browser_is_still_needed(self, client, ann):
        client.force_login(ann.user)

        assert client.get("/api/v1/projects/").status_code == 401

    @pytest.mark.parametrize("kind", ["bearer", "BEARER", "Bearer"])
    def test_may_be_announced_in_any_case(self, token, client, kind):
        answer = client.get("/api/v1/projects/", headers={"Authorization": f"{kind} {token}"})

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "change", [{"revoked_at": "2026-01-01T00:00Z"}, {"expires_at": "2026-01-01T00:00Z"}]
    )
    def test_that_is_revoked_or_expired_opens_nothing(self, token, ann, change):
        ann.user.tokens.update(**change)

        assert Api(token).get("projects/").status_code == 401

    def test_of_somebody_switched_off_opens_nothing(self, token, ann):
        User.objects.update(is_active=False)

        assert Api(token).get("projects/").status_code == 401

    def test_opens_nothing_more_when_its_owner_left_the_project(self, token, ann):
        Membership.objects.all().delete()

        assert Api(token).get("projects/haiku/").status_code == 404

    def test_notes_its_use_at_most_once_a_minute(self, token, ann):
        Api(token).get("projects/")
        first = ann.user.tokens.get().last_used_at
        Api(token).get("projects/")

        assert ann.user.tokens.get().last_used_at == first is not None

    def test_makes_its_owner_an_annotator_at_the_first_claim(
        self, make_user, join, project, api_of
    ):
        user = make_user("nina")
        join(user, project)

        api_of(user).post("projects/haiku/next/")

        assert Annotator.objects.filter(user=user).exists()


class TestTheSchema:
    def test_is_for_those_who_are_logged_in(self, client, anns_api, ann):
        assert client.get("/api/v1/schema/").status_code in (401, 403)
        assert client.get("/api/v1/docs/").status_code == 302
        assert anns_api.get("schema/").status_code == 200

        client.force_login(ann.user)
        assert client.get("/api/v1/schema/").status_code == 200

    def test_and_its_page_name_every_operation(self, client, ann, admins_api):
        client.force_login(ann.user)

        page = client.get("/api/v1/docs/").content.decode()
        paths = admins_api.get("schema/").json()["paths"]

        for name, path in api_patterns().items():
            if is_ours(name):
                shown = "/" + path.replace("<slug:", "{").replace("<row_id:", "{").replace(">", "}")
                assert shown in paths
                assert shown in page


class TestAnUnknownAddress:
    def test_is_refused_in_json(self, client):
        answer = client.post("/api/v1/nonsense/")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
