import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from annotation.domain.vocabulary import Role, TokenScope
from annotation.services import people
from curation.selectors import similar
from curation.selectors.similar import NoVectorYet, similar_items

pytestmark = pytest.mark.django_db
PROMPTS = ("red fox", "red fox runs", "blue whale", "the red fox runs home", "sums of odd numbers")


@pytest.fixture
def items(make_item, embed_all):
    items = [make_item(prompt=prompt, external_id=f"i{n}") for n, prompt in enumerate(PROMPTS)]
    embed_all()
    return items


@pytest.fixture
def by_index(monkeypatch):
    """Have even the smallest project searched through the index."""
    monkeypatch.setattr(similar, "EXACT_UP_TO", -1)


def names(found):
    return [one.item.external_id for one in found]


class TestSimilarItems:
    def test_come_by_falling_cosine_without_the_item_itself(self, items):
        found = similar_items(items[0])

        assert names(found)[:2] == ["i1", "i3"]
        assert len(found) == 4
        cosines = [one.cosine for one in found]
        assert cosines == sorted(cosines, reverse=True)
        assert all(-1 <= cosine <= 1 for cosine in cosines)

    def test_are_the_same_through_the_index(self, items, by_index):
        through_index = {one.item.pk: one.cosine for one in similar_items(items[0], limit=2)}

        similar.EXACT_UP_TO = 100
        one_by_one = {one.item.pk: one.cosine for one in similar_items(items[0], limit=2)}

        assert through_index == pytest.approx(one_by_one)

    def test_are_looked_up_in_the_index_of_the_generation_in_force(self, items, by_index):
        with CaptureQueriesContext(connection) as asked:
            similar_items(items[0], limit=2)
        statement = next(q["sql"] for q in asked if "halfvec" in q["sql"])

        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert f"embedding_hnsw_{similar.active_generation().pk}" in plan

    @pytest.mark.parametrize("way", ["exact", "index"])
    def test_stay_within_the_project(self, items, make_item, make_project, embed_all, way, request):
        if way == "index":
            request.getfixturevalue("by_index")
        make_item(prompt="red fox", project=make_project())
        embed_all()

        assert set(names(similar_items(items[0]))) == {"i1", "i2", "i3", "i4"}

    def test_list_every_item_with_the_same_prompt(self, items, make_item, embed_all):
        make_item(prompt="red fox", external_id="again")
        embed_all()

        found = similar_items(items[0], limit=1)

        assert names(found) == ["again"]
        assert found[0].cosine == pytest.approx(1, abs=1e-3)

    def test_keep_to_the_limit_and_the_least_cosine(self, items):
        assert len(similar_items(items[0], limit=2)) == 2
        assert names(similar_items(items[0], least=0.7)) == ["i1", "i3"]

    def test_say_what_is_missing_before_there_are_vectors(self, make_item, read_all):
        item = make_item()
        with pytest.raises(NoVectorYet, match="has not been embedded yet"):
            similar_items(item)

        read_all()
        with pytest.raises(NoVectorYet, match="has not been embedded yet"):
            similar_items(item)

    @pytest.mark.parametrize("way", ["exact", "index"])
    def test_know_none_like_a_prompt_without_words(self, items, make_item, embed_all, way, request):
        if way == "index":
            request.getfixturevalue("by_index")
        wordless = make_item(prompt="   ", external_id="wordless")
        embed_all()

        with pytest.raises(NoVectorYet, match="holds no words"):
            similar_items(wordless)
        assert "wordless" not in names(similar_items(items[0]))


@pytest.fixture
def client_of(noon):
    def client_of(user):
        token = people.issue_token(user=user, scope=TokenScope.READ, name="test", now=noon)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return client_of


@pytest.fixture
def rita(make_user, join, project):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    return user


class TestTheApi:
    HERE = "/api/v1/projects/haiku/items/i0/similar/"

    def test_names_items_as_they_are_called_outside(self, items, client_of, rita):
        answer = client_of(rita).get(self.HERE, {"limit": 1, "least": "0.1"})

        assert answer.status_code == 200
        (one,) = answer.json()["results"]
        assert (answer.json()["item"], one["id"]) == ("i0", "i1")
        assert one["cosine"] == round(similar_items(items[0])[0].cosine, 4)

    def test_finds_an_item_whose_id_has_a_slash(self, make_item, embed_all, client_of, rita):
        make_item(external_id="set/7/similar")
        embed_all()

        answer = client_of(rita).get("/api/v1/projects/haiku/items/set/7/similar/similar/")

        assert answer.json() == {"item": "set/7/similar", "results": []}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"limit": "0"}, "limit"),
            ({"limit": "101"}, "limit"),
            ({"least": "nan"}, "least"),
            ({"least": "2"}, "least"),
            ({"least": "much"}, "least"),
            ({"most": "1"}, "most"),
        ],
    )
    def test_refuses_a_bad_query(self, items, client_of, rita, query, field):
        answer = client_of(rita).get(self.HERE, query)

        assert (answer.status_code, answer.json()["field"]) == (400, field)

    def test_says_that_there_is_no_vector_yet(self, make_item, client_of, rita):
        make_item(external_id="i0")

        answer = client_of(rita).get(self.HERE)

        assert (answer.status_code, answer.json()["code"]) == (409, "no_vector_yet")

    def test_knows_only_items_of_the_project(self, items, client_of, rita):
        assert client_of(rita).get(self.HERE.replace("i0", "i9")).status_code == 404

    @pytest.mark.parametrize(
        ("role", "status"),
        [
            (Role.ADMIN, 200),
            (Role.RESEARCHER, 200),
            (Role.REVIEWER, 403),
            (Role.ANNOTATOR, 403),
            (None, 404),
        ],
    )
    def test_opens_to_those_who_read(
        self, items, make_user, join, project, client_of, role, status
    ):
        user = make_user("mia")
        if role:
            join(user, project, role)

        assert client_of(user).get(self.HERE).status_code == status
        assert APIClient().get(self.HERE).status_code == 401


class TestThePage:
    def test_shows_the_likeliest_first(self, items, client, rita):
        client.force_login(rita)

        page = client.get(reverse("curation:similar", args=["haiku", items[0].pk])).content.decode()

        assert page.index(">i1<") < page.index(">i3<")

    def test_says_what_to_wait_for(self, make_item, client, rita):
        item = make_item()
        client.force_login(rita)

        page = client.get(reverse("curation:similar", args=["haiku", item.pk])).content.decode()

        assert "Nothing to compare with yet" in page

    def test_is_linked_from_the_item(self, items, client, rita):
        client.force_login(rita)

        page = client.get(reverse("annotation:item", args=["haiku", items[0].pk])).content.decode()

        assert reverse("curation:similar", args=["haiku", items[0].pk]) in page
