"""The page of duplicates: groups beside each other, decided upon, and the policy behind them."""

import pytest
from django.urls import reverse

from annotation.domain.vocabulary import Role
from curation.models import DuplicateGroup, DuplicatePolicy
from curation.selectors import duplicate_pages
from curation.tasks import find_duplicates

pytestmark = pytest.mark.django_db

RAIN = "Please write a short haiku about the rain that falls in the old town in spring"
SNOW = "Explain how a compiler turns the source of a program into machine code, step by step"
PAGE = reverse("curation:duplicates", args=["haiku"])
DECIDE = reverse("curation:decide_duplicates", args=["haiku"])
POLICY = reverse("curation:duplicate_policy", args=["haiku"])


@pytest.fixture
def ada(make_user, join, project, client):
    user = make_user("ada")
    join(user, project, Role.ADMIN)
    client.force_login(user)
    return user


@pytest.fixture
def found(ada, make_item, read_all):
    make_item(("a", "b"), RAIN, external_id="one")
    make_item(("c", "d"), RAIN + " <!>", external_id="two")
    make_item(("e", "f"), SNOW, external_id="three")
    make_item(("g", "h"), SNOW + "!", external_id="four")
    read_all()
    find_duplicates()
    return {
        group.representative.external_id: group
        for group in DuplicateGroup.objects.select_related("representative")
    }


def shown(client, **query):
    return client.get(PAGE, query).content.decode()


class TestPage:
    def test_says_that_nothing_was_looked_for_yet(self, client, ada):
        assert "Nothing has been looked for yet" in shown(client)

    def test_says_what_still_waits(self, client, ada, make_item, read_all):
        make_item()
        read_all()

        assert "have yet to be looked at" in shown(client)

    def test_marks_what_differs_and_escapes_it(self, client, found):
        page = shown(client)

        assert "stands for the group" in page
        assert "&lt;!&gt;" in page
        assert "<!>" not in page
        assert "<del>" in page
        assert "missing" in page

    def test_keeps_to_a_kind_and_pages(self, client, found, monkeypatch):
        monkeypatch.setattr(duplicate_pages, "GROUPS_SHOWN", 1)

        first = client.get(PAGE, {"kind": "near", "order": "size"})
        after = first.context["page"].after
        second = client.get(PAGE, {"kind": "near", "order": "size", "after": after})

        seen = [answer.context["page"].groups[0].id for answer in (first, second)]
        assert len(set(seen)) == 2
        assert second.context["page"].after == ""
        assert "No duplicates" in shown(client, kind="exact")
        assert client.get(PAGE, {"after": "x"}).status_code == 400

    def test_asks_few_questions(self, client, found, django_assert_max_num_queries):
        with django_assert_max_num_queries(30):
            shown(client)


class TestDecisions:
    def test_split_and_undo(self, client, found):
        group = found["two"]
        (other,) = group.members.exclude(item=group.representative)

        client.post(DECIDE, {"action": "split", "group": group.pk, "items": f"{other.item_id}"})
        assert DuplicateGroup.objects.filter(kind="near").count() == 1
        page = client.get(PAGE)
        decision = page.context["decisions"][0]
        client.post(DECIDE, {"action": "undo", "decision": decision.id})

        assert (decision.verb, decision.who) == ("split", "ada")
        assert DuplicateGroup.objects.filter(kind="near").count() == 2

    def test_accept_what_was_shown(self, client, found):
        view = next(g for g in client.get(PAGE).context["page"].groups if g.kind == "near")

        client.post(DECIDE, {"action": "accept", "group": view.id, "items": view.keys})

        assert DuplicateGroup.objects.filter(is_accepted=True).count() == 1

    def test_merge_the_chosen_groups(self, client, found):
        chosen = [group.pk for group in found.values()]

        answer = client.post(DECIDE, {"action": "merge", "groups": chosen})

        assert answer.status_code == 302
        assert DuplicateGroup.objects.get(kind="near").n_items == 4

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"action": "merge"}, 400),
            ({"action": "split", "group": 10**6}, 404),
            ({"action": "undo"}, 404),
            ({"action": "split", "items": "x"}, 400),
            ({"action": "burn"}, 400),
        ],
    )
    def test_refuse_what_makes_no_sense(self, client, found, body, status):
        assert client.post(DECIDE, body).status_code == status


class TestPolicy:
    def test_shows_what_it_would_give_before_it_is_saved(self, client, found):
        form = client.get(POLICY).context["form"].initial | {"near-threshold": "0.999"}

        preview = client.post(POLICY, form | {"preview": ""})
        assert [(p.n_groups_now, p.n_groups) for p in preview.context["shown"]] == [
            (0, 0), (2, 0), (0, 0),
        ]  # fmt: skip
        assert not DuplicatePolicy.objects.exists()

        assert client.post(POLICY, form | {"save": ""}).status_code == 302
        assert DuplicatePolicy.objects.get().rules["near"]["threshold"] == 0.999
        assert not DuplicateGroup.objects.exists()

    def test_says_which_field_is_wrong(self, client, ada):
        form = client.get(POLICY).context["form"].initial

        answer = client.post(POLICY, form | {"near-floor": "0.9", "near-threshold": "0.5"})

        assert answer.status_code == 422
        assert answer.context["form"].errors["near-floor"]
