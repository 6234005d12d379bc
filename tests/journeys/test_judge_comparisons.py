import html
import json
import re
import uuid

import pytest

from annotation.models import Draft, Exclusion, Judgment, Slot

NEXT = "/projects/haiku/judge/next/"
HOSTILE = {
    "deep": b'{"a":' + b"[" * 470 + b"]" * 470 + b"}",
    "very deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "beyond a double": b'{"active_seconds":1e999}',
    "beyond 64 bits": b'{"active_seconds":' + b"9" * 400 + b"}",
    "half a surrogate pair as key": b'{"\\ud800":1}',
    "NUL": b'{"a":"\\u0000"}',
    "a key twice": b'{"reason":"","reason":"x"}',
    "not UTF-8": b'{"reason":"\xff"}',
}


@pytest.fixture
def desk(client, ann):
    client.force_login(ann.user)
    return client


def post(client, address, body=None):
    return client.post(address, json.dumps(body or {}), content_type="application/json")


def shown(response):
    """The slot and the responses of a panel, in the order shown."""
    page = response.content.decode()
    slot = re.search(r'data-slot="(\d+)"', page)
    return slot and int(slot[1]), [int(one) for one in re.findall(r'data-card="(\d+)"', page)]


def answer(order, **changes):
    best, worst = order
    said = {"outcome": "ranked", "ranking": [[best], [worst]], "strength": 1}
    return said | {"shown_order": order, "client_key": str(uuid.uuid4())} | changes


class TestJudgeComparisons:
    def test_opens_without_claiming_anything(self, desk, make_comparison):
        make_comparison()

        response = desk.get("/projects/haiku/judge/")

        assert response.status_code == 200
        assert not Slot.objects.exclude(lease_ends_at=None).exists()

    def test_claims_submits_and_says_when_all_is_done(self, desk, make_comparison):
        make_comparison()

        slot, order = shown(post(desk, NEXT))
        taken = post(desk, f"/judge/slots/{slot}/judgment/", answer(order))
        after = post(desk, NEXT)

        assert taken.status_code == 201
        assert Judgment.objects.get().ranking == [[order[0]], [order[1]]]
        assert 'data-nothing="all_done"' in after.content.decode()

    def test_claims_another_one_ahead(self, desk, make_comparison):
        make_comparison()
        make_comparison()

        first, _ = shown(post(desk, NEXT))
        ahead, _ = shown(post(desk, NEXT, {"besides": [first]}))

        assert ahead not in (None, first)

    def test_takes_a_repeated_answer_once(self, desk, make_comparison):
        make_comparison()
        slot, order = shown(post(desk, NEXT))
        said = answer(order)

        first, second = (post(desk, f"/judge/slots/{slot}/judgment/", said) for _ in range(2))

        assert first.json() == second.json()
        assert Judgment.objects.count() == 1

    def test_corrects_the_last_answer_in_the_order_in_which_it_was_shown(
        self, desk, make_comparison
    ):
        make_comparison()
        slot, order = shown(post(desk, NEXT))
        first = post(desk, f"/judge/slots/{slot}/judgment/", answer(order)).json()["id"]

        again = desk.get("/projects/haiku/judge/last/")
        body = answer(order, ranking=[[order[1]], [order[0]]])
        post(desk, f"/judge/judgments/{first}/correction/", body)

        assert shown(again) == (slot, order)
        assert Judgment.objects.in_force().get().supersedes_id == first

    def test_corrects_any_own_answer_but_none_that_is_superseded(self, desk, make_comparison):
        make_comparison(), make_comparison()
        slot, order = shown(post(desk, NEXT))
        first = post(desk, f"/judge/slots/{slot}/judgment/", answer(order)).json()["id"]
        other, others_order = shown(post(desk, NEXT))
        post(desk, f"/judge/slots/{other}/judgment/", answer(others_order))

        again = desk.get(f"/judge/judgments/{first}/")
        post(desk, f"/judge/judgments/{first}/correction/", answer(order))

        assert shown(again) == (slot, order)
        assert desk.get(f"/judge/judgments/{first}/").status_code == 409

    def test_keeps_a_draft_and_shows_its_order_again(self, desk, make_comparison):
        make_comparison(texts=("one", "two", "three"))
        slot, order = shown(post(desk, NEXT))
        order.reverse()

        post(desk, f"/judge/slots/{slot}/draft/", {"shown_order": order, "outcome": None})

        assert shown(post(desk, NEXT)) == (slot, order)
        assert Draft.objects.count() == 1

    def test_skips_and_is_never_asked_again(self, desk, make_comparison):
        make_comparison()
        slot, _ = shown(post(desk, NEXT))

        response = post(desk, f"/judge/slots/{slot}/skip/", {"reason": "unreadable"})

        assert response.status_code == 204
        assert Exclusion.objects.get().note == "unreadable"
        assert shown(post(desk, NEXT))[0] is None

    def test_renews_and_hands_back_a_lease(self, desk, make_comparison):
        make_comparison()
        slot, _ = shown(post(desk, NEXT))

        assert post(desk, f"/judge/slots/{slot}/renew/").json() == {"lease_seconds": 1200.0}
        assert post(desk, f"/judge/slots/{slot}/release/").status_code == 204

    def test_refuses_in_json_what_its_scripts_send_wrongly(self, desk, make_comparison):
        make_comparison()
        slot, order = shown(post(desk, NEXT))
        address = f"/judge/slots/{slot}/judgment/"

        refusals = [
            post(desk, address, answer(order, ranking=[[order[0]]])),
            post(desk, address, answer(order, client_key="x")),
            post(desk, NEXT, {"besides": ["1"]}),
            desk.post(address, b"{", content_type="application/json"),
            desk.post(address, b"[NaN]", content_type="application/json"),
        ]

        assert [one.status_code for one in refusals] == [400] * 5
        assert refusals[0].json()["field"] == "ranking"

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
    @pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
    @pytest.mark.parametrize("what", ["judgment", "draft", "skip", "release"])
    def test_refuses_what_is_no_storable_json(
        self, desk, make_comparison, what, body, content_type
    ):
        make_comparison()
        slot, _ = shown(post(desk, NEXT))

        refused = desk.post(f"/judge/slots/{slot}/{what}/", body, content_type=content_type)

        assert refused.status_code == 400
        assert not Draft.objects.exists()

    def test_hides_projects_and_slots_of_others(self, client, make_user, make_comparison):
        make_comparison()
        client.force_login(make_user("eve"))
        slot = Slot.objects.get().id

        assert client.get("/projects/haiku/judge/").status_code == 404
        assert post(client, NEXT).status_code == 404
        assert post(client, f"/judge/slots/{slot}/judgment/", answer([1, 2])).status_code == 404
        assert client.get(f"/judge/slots/{slot}/").status_code == 404

    def test_gives_every_character_of_a_text_to_the_page(self, desk, make_comparison):
        text = "\n\r\n first\r\rsecond\u2028 </pre><b>&amp;\u202e\ufeff\t "
        make_comparison(texts=(text, "other"))

        page = post(desk, NEXT).content.decode()

        found = [html.unescape(one) for one in re.findall(r"<pre>\n(.*?)</pre>", page, re.S)]
        assert text in found

    def test_tells_nothing_of_who_wrote_what(self, desk, make_comparison):
        make_comparison(metadata={"source": "secret-source"})

        page = post(desk, NEXT).content.decode()

        assert not re.search(r"model-\d|item-\d|secret-source", page)

    def test_costs_few_queries(self, desk, make_comparison, django_assert_max_num_queries):
        make_comparison()

        with django_assert_max_num_queries(20):
            post(desk, NEXT)
