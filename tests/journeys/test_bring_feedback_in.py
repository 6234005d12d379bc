import json
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from annotation import tasks
from annotation.domain.vocabulary import Outcome, Role
from annotation.models import Comparison, FeedbackEvent, FeedbackTrust, Judgment
from annotation.services import aggregation
from annotation.services.feedback import trusting
from annotation.services.feedback.taking import take_feedback

EDIT = {"item": "haiku", "response": "item-1-0", "other_response": "item-1-1", "type": "edit"}


@pytest.fixture
def comparison(make_comparison):
    return make_comparison(external_id="haiku")


@pytest.fixture
def login(make_user, join, project):
    def login(role):
        user = make_user(f"rosa the {role.value}")
        join(user, project, role)
        client = Client()
        client.force_login(user)
        return client

    return login


@pytest.fixture
def agree(noon):
    """Have people judge for the second response of a comparison."""

    def agree(comparison, *annotators, place=1):
        first = comparison.response_ids[place]
        for annotator in annotators:
            Judgment.objects.create(
                project_id=comparison.project_id, comparison=comparison, annotator=annotator,
                outcome=Outcome.RANKED, judged_at=noon,
                ranking=[[first], [r for r in comparison.response_ids if r != first]],
            )  # fmt: skip

    return agree


def file_of(*records):
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in records)
    return SimpleUploadedFile("feedback.jsonl", text.encode())


@pytest.mark.django_db
class TestThePageOfFeedback:
    def test_says_what_to_bring_while_there_is_none(self, login, comparison):
        page = login(Role.REVIEWER).get("/projects/haiku/feedback/").content.decode()

        assert "No feedback yet" in page
        assert "thumb, reaction, text, regenerate, copy, edit" in page
        assert "Bring feedback in" not in page  # reviewers read only

    def test_takes_a_file_and_tells_what_it_is_worth(self, login, comparison, agree, ann, bob):
        rosa = login(Role.RESEARCHER)
        agree(comparison, ann, bob)

        answer = rosa.post(
            "/projects/haiku/feedback/upload/",
            {"file": file_of({"id": "1", "user": "mia"} | EDIT)},
            follow=True,
        )
        assert "1 events taken" in answer.content.decode()
        tasks.refresh_trust()

        page = rosa.get("/projects/haiku/feedback/").content.decode()
        assert "75%" in page  # one pair, right: (1 + 1/2) / 2
        assert "vega" in page

    def test_names_refused_lines_and_writes_nothing(self, login, comparison):
        bad = {"id": "2", "user": "mia"} | EDIT | {"response": "<b>none</b>"}

        answer = login(Role.RESEARCHER).post(
            "/projects/haiku/feedback/upload/",
            {"file": file_of({"id": "1", "user": "mia"} | EDIT, bad)},
        )

        page = answer.content.decode()
        assert answer.status_code == 422
        assert "unknown_response" in page and "Nothing was written" in page
        assert "<b>none" not in page
        assert not FeedbackEvent.objects.exists()

    def test_shows_weak_judgments_on_their_comparison_as_what_they_are(
        self, login, comparison, agree, ann, project, noon
    ):
        agree(comparison, ann)
        take_feedback(project=project, records=[{"id": "1", "user": "mia"} | EDIT], now=noon)
        trusting.refresh_trust(project=project, now=noon)

        page = login(Role.REVIEWER).get(f"/projects/haiku/comparisons/{comparison.id}/")

        assert "feedback: edit" in page.content.decode()
        assert "weight 0.75" in page.content.decode()


@pytest.mark.django_db
class TestTheCommand:
    @pytest.fixture
    def write(self, tmp_path):
        def write(*records):
            path = tmp_path / "events.jsonl"
            path.write_bytes(file_of(*records).read())
            return str(path)

        return write

    def test_reports_what_it_took_for_machines(self, write, comparison):
        printed = StringIO()

        call_command(
            "import_feedback", "haiku", write({"id": "1", "user": "mia"} | EDIT), "--json",
            stdout=printed,
        )  # fmt: skip

        (report,) = json.loads(printed.getvalue())["files"]
        assert (report["written"], report["weak_judgments"], report["refused"]) == (1, 1, 0)

    def test_names_refused_lines_and_fails(self, write, comparison, capsys):
        with pytest.raises(SystemExit) as ended:
            call_command("import_feedback", "haiku", write({"id": "1"} | EDIT, "{"))

        assert ended.value.code == 1
        errors = capsys.readouterr().err
        assert "events.jsonl:1: user: missing_field: " in errors
        assert "events.jsonl:2: (line): not_json: " in errors


@pytest.mark.django_db
class TestTrust:
    def test_leaves_pairs_out_on_which_people_are_evenly_split(
        self, comparison, agree, ann, bob, project, noon
    ):
        agree(comparison, ann)
        agree(comparison, bob, place=0)
        take_feedback(project=project, records=[{"id": "1", "user": "mia"} | EDIT], now=noon)

        trusting.refresh_trust(project=project, now=noon)

        trust = FeedbackTrust.objects.get()
        assert (trust.n_anchors, trust.weight, trust.response_rate) == (0, 0.5, 1.0)

    def test_is_worked_out_where_there_is_news_and_only_there(
        self, comparison, agree, ann, project
    ):
        now = tasks.database_now()
        assert tasks.refresh_trust() == 0
        take_feedback(project=project, records=[{"id": "1", "user": "mia"} | EDIT], now=now)

        assert tasks.refresh_trust() == 1
        assert tasks.refresh_trust() == 0

    def test_is_worked_out_by_curate_too(self, comparison, agree, ann, project, noon, models):
        agree(comparison, ann, place=0)
        Comparison.objects.update(stale_since=noon)
        take_feedback(project=project, records=[{"id": "1", "user": "mia"} | EDIT], now=noon)

        call_command("curate", "haiku", stdout=StringIO())

        assert FeedbackTrust.objects.get().weight == 0.25
        assert aggregation.refresh_next_stale(now=noon) == 0
