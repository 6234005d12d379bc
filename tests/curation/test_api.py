import hashlib

import pytest
from rest_framework.test import APIClient

from annotation.domain.vocabulary import Role, TokenScope
from annotation.services import people
from curation.domain.formats import Format
from curation.models import Version
from curation.tasks import build_versions

pytestmark = pytest.mark.django_db

ALL = "/api/v1/datasets/"
HAIKU = "/api/v1/datasets/haiku/"


@pytest.fixture
def client_of(noon):
    def client_of(user, scope=TokenScope.WRITE):
        token = people.issue_token(user=user, scope=scope, name="test", now=noon)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return client_of


@pytest.fixture
def rita(make_user, join, project):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    return user


@pytest.fixture
def api(client_of, rita):
    return client_of(rita)


@pytest.fixture
def judged(judge, make_comparison, ann):
    for _ in range(3):
        judge(ann, make_comparison(), [[0], [1]])


class TestDatasets:
    def test_lists_each_projects_own_dataset(self, api):
        (only,) = api.get(ALL).json()["results"]

        assert (only["slug"], only["projects"]) == ("haiku", ["haiku"])
        assert only["recipe"]["pairs"] == "best_versus_rest"

    def test_makes_one_over_several_projects(self, api, make_project, join, rita):
        join(rita, make_project(slug="second"), Role.ADMIN)
        body = {"slug": "both", "name": "Both", "projects": ["haiku", "second"]}

        made = api.post(ALL, body | {"recipe": {"kinds": ["human"]}}, format="json")

        assert made.status_code == 201
        assert api.get(f"{ALL}both/").json()["projects"] == ["haiku", "second"]
        assert api.post(ALL, body, format="json").status_code == 409

    @pytest.mark.parametrize(
        "recipe",
        [
            {"nonsense": 1},
            {"kinds": ["robot"]},
            {"kinds": []},
            {"min_votes": -1},
            {"min_votes": True},
            {"min_probability": 1.5},
            {"pairs": "all"},
            {"split": {"test": 95}},
            {"split": {"validation": 50, "test": 50}},
            {"split": []},
            {"drop": "unsafe"},
        ],
    )
    def test_refuses_a_recipe_that_does_not_read(self, api, recipe):
        answer = api.patch(HAIKU, {"recipe": recipe}, format="json")

        assert answer.status_code == 400
        assert answer.json()["field"]

    def test_refuses_fields_and_filters_it_does_not_know(self, api):
        refused = api.patch(HAIKU, {"slug": "other"}, format="json").json()

        assert (refused["code"], refused["field"]) == ("unknown_field", "slug")
        assert api.get(ALL, {"colour": "red"}).status_code == 400

    def test_does_not_exist_for_those_who_may_not_read_all_its_projects(
        self, api, client_of, make_user, make_project, join, rita, project, noon
    ):
        api.get(HAIKU)
        annotator, reviewer = make_user("al"), make_user("rob")
        join(annotator, project, Role.ANNOTATOR)
        join(reviewer, project, Role.REVIEWER)
        second = make_project(slug="second")
        membership = join(rita, second, Role.ADMIN)
        api.post(ALL, {"slug": "both", "name": "B", "projects": ["haiku", "second"]}, format="json")
        membership.delete()

        for client in map(client_of, (annotator, reviewer, make_user("eve"))):
            assert client.get(HAIKU).status_code == 404
            assert client.get(ALL).json()["results"] == []
        assert api.get(f"{ALL}both/").status_code == 404
        assert api.get(HAIKU).status_code == 200

    def test_keeps_the_projects_whose_judgments_its_versions_hold(
        self, api, make_project, join, rita, project
    ):
        join(rita, make_project(slug="second"), Role.ADMIN)
        body = {"slug": "both", "name": "Both", "projects": ["haiku", "second"]}
        api.post(ALL, body, format="json")
        api.post(f"{ALL}both/versions/")

        narrowed = api.patch(f"{ALL}both/", {"projects": ["haiku"]}, format="json")

        assert (narrowed.status_code, narrowed.json()["code"]) == (409, "already_cut")
        assert api.get(f"{ALL}both/").json()["projects"] == ["haiku", "second"]

    def test_refuses_a_project_that_its_maker_may_not_read(self, api, make_project):
        make_project(slug="secret")

        answer = api.post(
            ALL, {"slug": "mine", "name": "Mine", "projects": ["secret"]}, format="json"
        )

        assert (answer.status_code, answer.json()["field"]) == (400, "projects")

    def test_needs_a_token_that_may_write(self, client_of, rita):
        reader = client_of(rita, TokenScope.READ)

        assert reader.get(HAIKU).status_code == 200
        assert reader.post(f"{HAIKU}versions/").status_code == 403
        assert APIClient().get(HAIKU).status_code == 401


@pytest.mark.django_db(transaction=True)
class TestVersions:
    def test_are_asked_for_built_by_the_worker_and_read(self, api, judged):
        asked = api.post(f"{HAIKU}versions/")
        before = api.get(f"{HAIKU}versions/1/").json()
        build_versions()

        after = api.get(f"{HAIKU}versions/1/").json()

        assert (asked.status_code, asked.json()["state"]) == (202, "queued")
        assert (before["state"], after["state"]) == ("queued", "done")
        assert after["counts"]["kept"] == 3
        assert after["manifest"]["digest"] == after["digest"]
        assert [v["version"] for v in api.get(f"{HAIKU}versions/").json()["results"]] == [1]

    def test_come_a_page_at_a_time(self, api, judged):
        for _ in range(3):
            api.post(f"{HAIKU}versions/")

        first = api.get(f"{HAIKU}versions/", {"limit": 2}).json()
        second = api.get(first["next"]).json()

        assert [v["version"] for v in first["results"] + second["results"]] == [1, 2, 3]
        assert second["next"] is None
        assert api.get(f"{HAIKU}versions/", {"limit": 1001}).status_code == 400

    @pytest.mark.parametrize("number", [0, 7, 2**40, 10**30])
    def test_have_only_the_numbers_that_were_given(self, api, number):
        assert api.get(f"{HAIKU}versions/{number}/").status_code == 404


@pytest.mark.django_db(transaction=True)
class TestExports:
    @pytest.fixture
    def exported(self, api, judged):
        api.post(f"{HAIKU}versions/")
        build_versions()
        asked = api.post(
            f"{HAIKU}versions/1/exports/", {"format": Format.TRL_PREFERENCE}, format="json"
        )
        assert asked.status_code == 202
        build_versions()
        (export,) = api.get(f"{HAIKU}versions/1/exports/").json()["results"]
        return {file["path"]: file for file in export["files"]}

    def test_are_refused_before_the_version_is_done(self, api, judged):
        api.post(f"{HAIKU}versions/")

        answer = api.post(f"{HAIKU}versions/1/exports/", {"format": "raw"}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "version_not_done")

    def test_name_files_that_download_with_their_checksum(self, api, exported):
        file = exported["data/train-00000-of-00001.parquet"]

        answer = api.get(file["url"])

        content = b"".join(answer.streaming_content)
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert len(content) == file["bytes"] == int(answer["Content-Length"])
        assert answer["ETag"] == f'"{file["sha256"]}"'
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Disposition"].startswith("attachment; filename=")

    def test_answer_a_repeated_download_with_nothing_new(self, api, exported):
        file = exported["README.md"]

        answer = api.get(file["url"], headers={"If-None-Match": f'"{file["sha256"]}"'})

        assert answer.status_code == 304

    @pytest.mark.parametrize(
        ("header", "place"),
        [("bytes=0-9", slice(0, 10)), ("bytes=5-", slice(5, None)), ("bytes=-7", slice(-7, None))],
    )
    def test_answer_ranges(self, api, exported, header, place):
        file = exported["README.md"]
        whole = b"".join(api.get(file["url"]).streaming_content)

        answer = api.get(file["url"], headers={"Range": header})

        assert answer.status_code == 206
        assert b"".join(answer.streaming_content) == whole[place]
        assert answer["Content-Range"].endswith(f"/{len(whole)}")

    def test_answer_a_range_of_something_else_with_the_whole(self, api, exported):
        file = exported["README.md"]

        answer = api.get(file["url"], headers={"Range": "bytes=0-9", "If-Range": '"other"'})

        assert answer.status_code == 200

    def test_refuse_a_range_behind_the_end(self, api, exported):
        answer = api.get(exported["README.md"]["url"], headers={"Range": "bytes=9999999-"})

        assert answer.status_code == 416

    @pytest.mark.parametrize(
        "path",
        [
            "../../../../secret_key",
            "data/../../../../../etc/passwd",
            "%2e%2e/%2e%2e/MANIFEST.json",
            "..%5c..%5csecret_key",
            "/etc/passwd",
            "data",
            "data/train-00000-of-00001.parquet%00",
        ],
    )
    def test_reach_no_other_file(self, api, exported, path):
        answer = api.get(f"{HAIKU}versions/1/exports/trl-preference/{path}")

        assert answer.status_code == 404

    def test_download_for_somebody_logged_in_and_for_nobody_else(
        self, client, exported, rita, make_user, join, project
    ):
        url = exported["README.md"]["url"]
        assert client.get(url).status_code == 401

        client.force_login(rita)
        assert client.get(url).status_code == 200

        rita.memberships.update(role=Role.ANNOTATOR)
        assert client.get(url).status_code == 404

    def test_are_the_same_when_asked_for_twice(self, api, exported):
        again = api.post(
            f"{HAIKU}versions/1/exports/", {"format": Format.TRL_PREFERENCE}, format="json"
        )

        assert again.json()["state"] == "done"
        assert Version.objects.get().exports.count() == 1
