import pytest

from annotation.models import ApiToken

PASSWORD = "a long enough passphrase"


@pytest.fixture
def eve(make_user):
    return make_user("eve")


@pytest.fixture
def log_in(client):
    def log_in(password=PASSWORD, **fields):
        return client.post("/login/", {"username": "eve", "password": password} | fields)

    return log_in


class TestLoggingIn:
    def test_leads_home_and_out_again(self, client, eve, log_in):
        assert log_in()["Location"] == "/"
        assert client.get("/account/").status_code == 200

        client.post("/logout/")

        assert client.get("/account/")["Location"].startswith("/login/")

    @pytest.mark.parametrize("away", ["//evil.example", "/\\evil", "javascript:alert(1)"])
    def test_never_leads_elsewhere(self, eve, log_in, away):
        assert log_in(next=away)["Location"] == "/"

    def test_is_locked_after_wrong_passwords_and_says_for_how_long(self, client, eve, log_in):
        answers = [log_in(password="wrong") for _ in range(5)]

        assert [answer.status_code for answer in answers[:4]] == [200] * 4
        assert answers[4].status_code == 429
        assert log_in().status_code == 429
        assert "Login is locked for 15 minutes" in answers[4].content.decode()


class TestAccount:
    @pytest.fixture(autouse=True)
    def entered(self, client, eve):
        client.force_login(eve)

    def test_shows_a_token_once_and_never_again(self, client, eve):
        fields = {"name": "server", "scope": "read", "lifetime": "30"}

        page = client.post("/account/tokens/", fields)
        token = page.context["new_token"]

        assert token in page.content.decode()
        assert token not in client.get("/account/").content.decode()
        assert ApiToken.objects.get().prefix in client.get("/account/").content.decode()

    def test_revokes_own_tokens_only(self, client, make_user, noon):
        others = ApiToken.objects.create(
            user=make_user("ann"),
            name="t",
            prefix="qm_",
            digest=b"1",
            scope="read",
            created_at=noon,
        )

        client.post(f"/account/tokens/{others.id}/revoke/")

        others.refresh_from_db()
        assert others.revoked_at is None

    def test_changes_the_password_and_keeps_this_session(self, client, eve):
        fresh = "another long passphrase"
        fields = {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh}

        client.post("/account/password/", fields)

        eve.refresh_from_db()
        assert eve.check_password(fresh)
        assert client.get("/account/").status_code == 200
