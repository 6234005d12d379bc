import pytest

from annotation.domain.vocabulary import Role
from annotation.forms.projects import SettingsForm
from annotation.models import Membership, Project


@pytest.fixture
def ada(client, make_user):
    user = make_user("ada", is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def odes(client, ada):
    """A project that ada has made on the page."""
    fields = {"name": "Odes", "slug": "odes", "response_format": "pairwise", "overlap": "2"}
    assert client.post("/new-project/", fields)["Location"] == "/projects/odes/"
    return Project.objects.get()


@pytest.fixture
def save_settings(client, odes):
    """Post the settings form as a browser would, with these fields changed."""

    def save(**changes):
        form = SettingsForm(instance=odes)
        shown = {field.html_name: field.field.prepare_value(field.value()) for field in form}
        fields = {key: value for key, value in (shown | changes).items() if value is not False}
        filled = {name: value for name, value in fields.items() if value is not None}
        return client.post("/projects/odes/settings/", filled)

    return save


class TestAnAdmin:
    def test_makes_a_project_and_finds_it_at_home(self, client, odes):
        page = client.get("/").content.decode()

        assert "Odes" in page
        assert Membership.objects.get().role == Role.ADMIN

    def test_saves_settings_without_touching_the_others(self, save_settings, odes):
        assert save_settings(overlap=3).status_code == 302

        before = {field: getattr(odes, field) for field in SettingsForm.Meta.fields}
        odes.refresh_from_db()
        after = {field: getattr(odes, field) for field in SettingsForm.Meta.fields}
        assert after == before | {"overlap": 3}

    def test_reads_beside_the_field_why_a_change_is_refused(
        self, save_settings, odes, make_comparison
    ):
        make_comparison(project=odes)

        page = save_settings(response_format="ranking")

        assert page.status_code == 422
        assert page.context["form"].errors["response_format"][0].startswith("Comparisons exist")

    def test_invites_somebody_who_can_log_in_with_the_password_shown(self, client, odes):
        fields = {"invite-username": "bea", "invite-role": "annotator"}

        page = client.post("/projects/odes/people/invite/", fields)

        client.logout()
        client.post("/login/", {"username": "bea", "password": page.context["password"]})
        assert "Odes" in client.get("/").content.decode()

    def test_is_told_that_the_last_admin_stays(self, client, odes, ada):
        page = client.post(f"/projects/odes/people/{ada.id}/remove/", follow=True)

        assert "ada is the last admin here" in page.content.decode()

    def test_publishes_guidelines_and_reads_what_changed(self, client, odes):
        for text in ("Be kind.\r\nBe brief.", "Be kind.\r\nBe exact."):
            client.post("/projects/odes/guidelines/edit/", {"text": text})

        page = client.get("/projects/odes/guidelines/?version=2")

        assert [(line.kind, line.text) for line in page.context["changes"]] == [
            ("same", "Be kind."),
            ("removed", "Be brief."),
            ("added", "Be exact."),
        ]

    def test_pauses_the_project(self, client, odes):
        client.post("/projects/odes/settings/state/", {"state": "paused"})

        assert "The project is paused" in client.get("/projects/odes/").content.decode()


class TestSomebodyWithoutAProject:
    def test_is_told_whom_to_ask(self, client, make_user):
        client.force_login(make_user("zoe"))

        page = client.get("/").content.decode()

        assert "You are in no project yet." in page
        assert "Ask the admin" in page


class TestLists:
    @pytest.mark.parametrize(
        "query",
        ["after=x", "after=-1", "before=99999999999999999999", "state=odd", "id=%00", "after=1e9"],
    )
    def test_refuse_a_broken_address(self, client, odes, query):
        assert client.get(f"/projects/odes/items/?{query}").status_code == 400

    @pytest.mark.parametrize("key", ["0", "01", "1%0a", "%D9%A1", "9" * 30])
    def test_know_one_spelling_of_each_key(self, client, odes, make_item, key):
        assert client.get(f"/projects/odes/items/{key}/").status_code == 404
