import uuid

from annotation.models import Project, Slot
from tests.api.conftest import answer_to

WHOLE = {
    "slug": "stories",
    "name": "Stories",
    "overlap": 2,
    "lease_seconds": 600,
    "strength_levels": 2,
    "criteria": [{"key": "plot", "name": "Plot", "kind": "rating", "scale_min": 1, "scale_max": 3}],
    "guidelines": "Prefer the better story.\n",
}
PLAIN = ("slug", "name", "overlap", "lease_seconds", "strength_levels", "guidelines")
ITEM = {
    "id": "s1",
    "prompt": "Tell me a story.",
    "responses": [{"id": "a", "text": "Once."}, {"id": "b", "text": "Twice."}],
}


class TestAProject:
    def test_is_made_read_and_changed(self, admins_api):
        made = admins_api.post("projects/", WHOLE)
        changed = admins_api.send(
            "PATCH", "projects/stories/", {"name": "Tales", "state": "paused", "lease_seconds": 60}
        )
        read = admins_api.get("projects/stories/").json()

        assert (made.status_code, changed.status_code) == (201, 200)
        assert {name: made.json()[name] for name in PLAIN} == {name: WHOLE[name] for name in PLAIN}
        assert made.json()["criteria"][0]["key"] == "plot"
        assert (read["name"], read["state"], read["lease_seconds"]) == ("Tales", "paused", 60)

    def test_is_made_whole_or_not_at_all(self, admins_api):
        twice = WHOLE["criteria"] * 2

        answer = admins_api.post("projects/", WHOLE | {"criteria": twice})

        assert answer.status_code == 400
        assert not Project.objects.filter(slug="stories").exists()

    def test_names_what_is_wrong(self, admins_api, project):
        taken = admins_api.post("projects/", WHOLE | {"slug": "haiku"})
        unknown = admins_api.send("PATCH", "projects/haiku/", {"overlaps": 3})
        wrong = admins_api.send("PATCH", "projects/haiku/", {"overlap": 101})

        assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
        assert (unknown.json()["code"], unknown.json()["field"]) == ("unknown_field", "overlaps")
        assert (wrong.status_code, wrong.json()["field"]) == (400, "overlap")


class TestItems:
    def test_are_created_all_or_none_with_the_place_of_the_bad_one(self, admins_api, project):
        bad = ITEM | {"id": "s2", "responses": []}

        answer = admins_api.post("projects/haiku/items/", {"items": [ITEM, bad]})

        assert (answer.status_code, answer.json()["line"]) == (400, 2)
        assert admins_api.get("projects/haiku/items/").json()["results"] == []

    def test_open_their_slots_and_may_be_sent_again(self, admins_api, project):
        first = admins_api.post("projects/haiku/items/", {"items": [ITEM]})
        again = admins_api.post("projects/haiku/items/", {"items": [ITEM]})

        assert first.json() == {"n_written": 1, "n_unchanged": 0}
        assert again.json() == {"n_written": 0, "n_unchanged": 1}
        assert Slot.objects.count() == project.overlap

    def test_number_at_most_a_thousand(self, admins_api, project):
        answer = admins_api.post("projects/haiku/items/", {"items": [ITEM] * 1001})

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_come_in_pages_that_lead_from_one_to_the_next(self, admins_api, make_item):
        for _ in range(5):
            make_item()

        seen, query = [], {"limit": 2}
        while True:
            page = admins_api.get("projects/haiku/items/", **query).json()
            seen += [item["id"] for item in page["results"]]
            if page["next"] is None:
                break
            query = dict(pair.split("=") for pair in page["next"].partition("?")[2].split("&"))

        assert seen == [f"item-{number}" for number in range(1, 6)]


class TestJudgments:
    def test_are_read_under_the_items_own_ids(self, anns_api, researchers_api, project, admins_api):
        admins_api.post("projects/haiku/items/", {"items": [ITEM]})
        work = anns_api.post("projects/haiku/next/").json()
        shown = work["comparison"]["responses"]
        names = {r["id"]: "a" if "Once" in str(r["content"]) else "b" for r in shown}
        span = {"response": shown[0]["id"], "start": 0, "end": 2, "label": "good"}
        body = answer_to(work["comparison"], rationale={"text": "", "spans": [span]})
        first = anns_api.submit(work["slot"], body).json()
        key = {"Idempotency-Key": str(uuid.uuid4())}
        anns_api.post(f"judgments/{first['id']}/correction/", body | {"strength": 1}, **key)

        every = researchers_api.get("projects/haiku/judgments/").json()["results"]
        in_force = researchers_api.get("projects/haiku/judgments/", in_force="true").json()

        order = [names[r["id"]] for r in shown]
        assert [j["is_in_force"] for j in every] == [False, True]
        assert every[0]["ranking"] == [[order[0]], [order[1]]]
        assert every[0]["shown_order"] == order
        assert every[0]["rationale"]["spans"][0]["response"] == order[0]
        assert (every[0]["item"], every[0]["annotator"]) == ("s1", "ann")
        assert [j["strength"] for j in in_force["results"]] == [1]


class TestAggregationSettings:
    def test_can_be_read_and_changed(self, admins_api):
        wanted = {"consensus_method": "dawid_skene", "max_overlap": 5}

        changed = admins_api.send("PATCH", "projects/haiku/", wanted)

        assert changed.status_code == 200
        assert {name: changed.json()[name] for name in wanted} == wanted

    def test_refuse_a_maximum_below_the_overlap(self, admins_api):
        refused = admins_api.send("PATCH", "projects/haiku/", {"max_overlap": 1})

        assert (refused.status_code, refused.json()["field"]) == (400, "max_overlap")
