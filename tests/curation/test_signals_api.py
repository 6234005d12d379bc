import pytest
from rest_framework.test import APIClient

from annotation.domain.vocabulary import Role, TokenScope
from annotation.services import people
from curation.domain.signals.registry import SIGNALS
from curation.models import ImportedSignal
from curation.services.signals import refreshing

pytestmark = pytest.mark.django_db

SIGNALS_AT = "/api/v1/projects/haiku/signals/"


@pytest.fixture
def api(make_user, join, project, noon):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    token = people.issue_token(user=user, scope=TokenScope.WRITE, name="test", now=noon)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def drain(noon):
    def drain():
        while refreshing.refresh_next(now=noon):
            pass

    return drain


class TestReading:
    def test_gives_each_comparison_with_all_its_signals(self, api, make_comparison, drain):
        comparison = make_comparison()
        drain()

        (row,) = api.get(SIGNALS_AT).json()["results"]

        assert row["comparison"] == comparison.pk
        assert row["item"] == comparison.item.external_id
        names = dict(comparison.item.responses.values_list("pk", "external_id"))
        assert row["responses"] == [names[pk] for pk in comparison.response_ids]
        assert row["signals"]["n_responses"] == {
            "value": 2,
            "family": "text",
            "version": 1,
            "computed_at": "2026-03-01T12:00:00+00:00",
        }
        assert set(row["signals"]) <= set(SIGNALS)

    def test_pages_through_all_comparisons_once(self, api, make_comparison, drain):
        made = [make_comparison().pk for _ in range(5)]
        drain()

        seen, address = [], f"{SIGNALS_AT}?limit=2"
        while address:
            page = api.get(address).json()
            seen += [row["comparison"] for row in page["results"]]
            address = page["next"]

        assert seen == made

    def test_keeps_to_one_comparison_one_item_and_some_names(self, api, make_comparison, drain):
        first, second = make_comparison(), make_comparison()
        drain()

        by_number = api.get(f"{SIGNALS_AT}?comparison={first.pk}&names=rouge_1,n_turns").json()
        by_item = api.get(f"{SIGNALS_AT}?item={second.item.external_id}").json()

        assert [row["comparison"] for row in by_number["results"]] == [first.pk]
        assert set(by_number["results"][0]["signals"]) == {"rouge_1", "n_turns"}
        assert [row["comparison"] for row in by_item["results"]] == [second.pk]

    def test_refuses_a_signal_that_is_not_there(self, api):
        answer = api.get(f"{SIGNALS_AT}?names=beauty")

        assert (answer.status_code, answer.json()["field"]) == (400, "names")

    def test_asks_the_database_as_often_for_many_as_for_few(
        self, api, make_comparison, drain, django_assert_max_num_queries
    ):
        for _ in range(6):
            make_comparison()
        drain()

        with django_assert_max_num_queries(14):
            assert len(api.get(SIGNALS_AT).json()["results"]) == 6


class TestWriting:
    def test_takes_values_worked_out_elsewhere(self, api, make_comparison):
        comparison = make_comparison()
        row = {"item": comparison.item.external_id, "name": "ches", "value": 0.5}

        first = api.post(SIGNALS_AT, {"source": "script", "rows": [row]}, format="json")
        again = api.post(SIGNALS_AT, {"source": "script", "rows": [row]}, format="json")

        assert first.json() == {"written": 1, "unchanged": 0}
        assert again.json() == {"written": 0, "unchanged": 1}
        assert ImportedSignal.objects.get().source == "script"

    def test_names_the_line_the_field_and_the_rule(self, api):
        body = {"source": "script", "rows": [{"item": "moon", "name": "x", "value": 1}]}

        answer = api.post(SIGNALS_AT, body, format="json")

        assert answer.status_code == 400
        refusal = answer.json()
        assert (refusal["code"], refusal["field"], refusal["line"]) == ("unknown_item", "item", 1)

    @pytest.mark.parametrize("body", [{}, {"source": "", "rows": []}, {"source": "x", "row": []}])
    def test_refuses_a_body_of_another_shape(self, api, body):
        assert api.post(SIGNALS_AT, body, format="json").status_code == 400
