import pytest

from annotation.models import FeedbackEvent
from annotation.services.feedback import trusting

EDIT = {"item": "haiku", "response": "item-1-0", "other_response": "item-1-1", "type": "edit"}


@pytest.fixture
def comparison(make_comparison):
    return make_comparison(external_id="haiku")


class TestFeedback:
    def test_is_taken_all_or_nothing(self, researchers_api, comparison):
        good = {"id": "1", "user": "mia"} | EDIT

        refused = researchers_api.post("projects/haiku/feedback/", {"events": [good, {"id": "2"}]})
        taken = researchers_api.post("projects/haiku/feedback/", {"events": [good]})
        again = researchers_api.post("projects/haiku/feedback/", {"events": [good]})

        assert refused.status_code == 400
        assert refused.json()["line"] == 2
        assert taken.status_code == 201
        assert taken.json() == {"n_written": 1, "n_unchanged": 0, "n_judgments": 1}
        assert again.json() == {"n_written": 0, "n_unchanged": 1, "n_judgments": 0}
        assert FeedbackEvent.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({}, 400, "invalid"),
            ({"events": []}, 400, "invalid"),
            ({"events": [1]}, 400, "invalid"),
            ({"events": [{}] * 1001}, 413, "too_large"),
            ({"event": []}, 400, "unknown_field"),
        ],
    )
    def test_of_another_shape_is_refused(self, researchers_api, project, body, status, code):
        answer = researchers_api.post("projects/haiku/feedback/", body)

        assert (answer.status_code, answer.json()["code"]) == (status, code)

    def test_tells_how_far_it_is_trusted(self, researchers_api, comparison, project, noon):
        event = {"id": "1", "user": "mia"} | EDIT
        researchers_api.post("projects/haiku/feedback/", {"events": [event]})
        trusting.refresh_trust(project=project, now=noon)

        (trust,) = researchers_api.get("projects/haiku/feedback/").json()["results"]

        assert (trust["kind"], trust["weight"], trust["n_anchors"]) == ("edit", 0.5, 0)
        assert (trust["n_weak"], trust["n_events"], trust["n_users"]) == (1, 1, 1)
