import uuid
from datetime import timedelta

import pytest

from annotation.domain.vocabulary import ProjectState
from annotation.models import Comparison, Exclusion, Judgment, Slot
from tests.api.conftest import answer_to


class TestNext:
    def test_gives_a_slot_with_everything_to_show_and_nothing_that_tells_who_wrote_what(
        self, anns_api, make_comparison, project
    ):
        comparison = make_comparison()

        answer = anns_api.post("projects/haiku/next/")

        work = answer.json()
        assert answer.status_code == 200
        assert work["lease_epoch"] == 1
        assert {r["id"] for r in work["comparison"]["responses"]} == set(comparison.response_ids)
        assert work["comparison"]["messages"] == comparison.item.messages
        assert b"model-" not in answer.content
        assert b"item-" not in answer.content

    def test_gives_another_one_besides_those_on_the_screen(self, anns_api, make_comparison):
        make_comparison(), make_comparison()

        first = anns_api.post("projects/haiku/next/").json()["slot"]
        second = anns_api.post("projects/haiku/next/", {"besides": [first]}).json()["slot"]

        assert first != second

    @pytest.mark.parametrize(
        ("state", "reason"),
        [(ProjectState.PAUSED, "paused"), (ProjectState.ACTIVE, "nothing_imported")],
    )
    def test_says_in_a_header_why_there_is_nothing(self, anns_api, project, state, reason):
        project.state = state
        project.save()

        answer = anns_api.post("projects/haiku/next/")

        assert (answer.status_code, answer["Quorum-Reason"]) == (204, reason)

    def test_says_until_when_everything_is_leased(
        self, anns_api, bob, api_of, make_comparison, project
    ):
        make_comparison()
        ends_at = api_of(bob.user).post("projects/haiku/next/").json()["lease_ends_at"]

        answer = anns_api.post("projects/haiku/next/")

        assert answer["Quorum-Reason"] == "all_leased"
        assert answer["Quorum-Until"][:19] == ends_at[:19]


class TestSubmit:
    def test_keeps_the_answer_and_fills_the_slot(self, anns_api, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()
        body = answer_to(work["comparison"], rationale={"text": "  plainer\n", "tags": ["clearer"]})

        answer = anns_api.submit(work["slot"], body)

        judgment = Judgment.objects.get()
        assert answer.status_code == 201
        assert answer.json()["id"] == judgment.id
        assert judgment.shown_order == body["shown_order"]
        assert judgment.rationale.text == "  plainer\n"
        assert Slot.objects.get().filled_at == judgment.judged_at
        assert Comparison.objects.get().stale_since == judgment.judged_at

    def test_answers_a_repeat_with_the_same_judgment(self, anns_api, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()
        key, body = str(uuid.uuid4()), answer_to(work["comparison"])

        first = anns_api.submit(work["slot"], body, key)
        again = anns_api.submit(work["slot"], body, key)

        assert (again.status_code, again.json()) == (201, first.json())
        assert Judgment.objects.count() == 1

    def test_refuses_a_key_that_came_with_another_answer(self, anns_api, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()
        key, body = str(uuid.uuid4()), answer_to(work["comparison"])
        anns_api.submit(work["slot"], body, key)

        answer = anns_api.submit(work["slot"], body | {"strength": 1}, key)

        assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")

    def test_refuses_a_second_judgment_of_one_comparison(self, anns_api, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()
        anns_api.submit(work["slot"], answer_to(work["comparison"]))

        answer = anns_api.submit(work["slot"], answer_to(work["comparison"]))

        assert (answer.status_code, answer.json()["code"]) == (409, "already_judged")

    def test_keeps_and_flags_what_comes_after_the_slot_was_given_away(
        self, anns_api, bob, api_of, make_comparison
    ):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()
        Slot.objects.update(lease_ends_at=Slot.objects.get().lease_ends_at - timedelta(days=1))
        bobs_api = api_of(bob.user)
        bobs_work = bobs_api.post("projects/haiku/next/").json()

        late = anns_api.submit(work["slot"], answer_to(work["comparison"]))
        in_time = bobs_api.submit(bobs_work["slot"], answer_to(bobs_work["comparison"]))

        assert (late.status_code, late.json()["is_late"]) == (201, True)
        assert (in_time.status_code, in_time.json()["is_late"]) == (201, False)

    def test_refuses_a_slot_that_was_never_theirs(self, anns_api, bob, api_of, make_comparison):
        make_comparison()
        work = api_of(bob.user).post("projects/haiku/next/").json()

        answer = anns_api.submit(work["slot"], answer_to(work["comparison"]))

        assert (answer.status_code, answer.json()["code"]) == (409, "slot_lost")
        assert not Judgment.objects.exists()

    def test_needs_a_key(self, anns_api, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()

        answer = anns_api.post(f"slots/{work['slot']}/judgment/", answer_to(work["comparison"]))

        assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


class TestRelease:
    def test_hands_the_slot_to_whoever_comes(self, anns_api, bob, api_of, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()

        answer = anns_api.post(f"slots/{work['slot']}/release/")

        assert answer.status_code == 204
        assert api_of(bob.user).post("projects/haiku/next/").json()["slot"] == work["slot"]

    def test_of_an_old_lease_does_not_end_a_newer_one(self, anns_api, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()
        anns_api.post(f"slots/{work['slot']}/release/")
        anns_api.post("projects/haiku/next/")

        anns_api.post(f"slots/{work['slot']}/release/", {"lease_epoch": work["lease_epoch"]})

        assert anns_api.post("projects/haiku/next/").json()["lease_epoch"] == 2


class TestSkip:
    def test_never_shows_the_comparison_again(self, anns_api, make_comparison, ann):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()

        answer = anns_api.post(f"slots/{work['slot']}/skip/", {"reason": "too long"})

        assert answer.status_code == 204
        assert Exclusion.objects.get().note == "too long"
        assert anns_api.post("projects/haiku/next/").status_code == 204

    def test_is_refused_where_the_project_does_not_offer_it(
        self, anns_api, make_comparison, project
    ):
        project.allows_skip = False
        project.save()
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()

        assert anns_api.post(f"slots/{work['slot']}/skip/").status_code == 403


class TestCorrection:
    def test_supersedes_the_judgment_and_keeps_the_old_one(self, anns_api, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()
        first = anns_api.submit(work["slot"], answer_to(work["comparison"])).json()
        other = answer_to(work["comparison"], strength=3)
        key = {"Idempotency-Key": str(uuid.uuid4())}

        answer = anns_api.post(f"judgments/{first['id']}/correction/", other, **key)
        again = anns_api.post(f"judgments/{first['id']}/correction/", other, **key)

        assert (answer.status_code, answer.json()["supersedes"]) == (201, first["id"])
        assert again.json() == answer.json()
        assert Judgment.objects.count() == 2
        assert Judgment.objects.in_force().get().strength == 3

    def test_is_refused_for_what_was_superseded(self, anns_api, make_comparison):
        make_comparison()
        work = anns_api.post("projects/haiku/next/").json()
        body = answer_to(work["comparison"])
        first = anns_api.submit(work["slot"], body).json()["id"]
        path = f"judgments/{first}/correction/"
        anns_api.post(path, body, **{"Idempotency-Key": str(uuid.uuid4())})

        answer = anns_api.post(path, body, **{"Idempotency-Key": str(uuid.uuid4())})

        assert (answer.status_code, answer.json()["code"]) == (409, "not_in_force")

    def test_of_somebody_elses_judgment_finds_nothing(self, anns_api, bob, api_of, make_comparison):
        make_comparison(slots=2)
        work = anns_api.post("projects/haiku/next/").json()
        first = anns_api.submit(work["slot"], answer_to(work["comparison"])).json()["id"]

        answer = api_of(bob.user).post(
            f"judgments/{first}/correction/",
            answer_to(work["comparison"]),
            **{"Idempotency-Key": str(uuid.uuid4())},
        )

        assert answer.status_code == 404
