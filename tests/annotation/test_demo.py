from collections import Counter
from pathlib import Path

import pytest
from django.contrib.auth import authenticate

from annotation.domain.vocabulary import Role
from annotation.models import (
    Comparison,
    Consensus,
    Import,
    Item,
    Judgment,
    Membership,
    Project,
    Slot,
    User,
)
from annotation.services import demo
from config import demo as whole
from curation.models import Version

pytestmark = pytest.mark.django_db
FOLDER = Path(demo.__file__).resolve().parents[2] / "demo"


@pytest.fixture
def passwords(noon):
    return whole.seed(noon)


class TestSeedDemo:
    def test_reads_every_line_of_its_files(self, passwords):
        assert Counter(Item.objects.values_list("project__slug", flat=True)) == {
            "convincing-arguments": 150,
            "assistant-answers": 120,
            "story-summaries": 50,
        }
        assert Judgment.objects.count() == 571 + 501 + 94
        assert sum(Import.objects.values_list("n_refused", flat=True)) == 0

    def test_makes_people_who_can_log_in(self, passwords, rf):
        assert set(passwords) == {"admin", "researcher", "reviewer", "ann", "bob"}
        for username, password in passwords.items():
            assert authenticate(rf.post("/login/"), username=username, password=password)
        assert not User.objects.filter(is_superuser=True).exists()
        assert Membership.objects.filter(role=Role.ADMIN, user__username="admin").count() == 3

    def test_leaves_work_in_every_project(self, passwords):
        for project in Project.objects.all():
            assert Slot.objects.filter(project=project).open().count() > 30

    def test_has_a_consensus_where_there_are_judgments(self, passwords):
        judged = Comparison.objects.filter(judgments__isnull=False).distinct()

        assert Consensus.objects.count() == judged.count()
        assert not Comparison.objects.filter(stale_since__isnull=False).exists()

    def test_gives_every_project_guidelines_a_licence_and_a_first_version(self, passwords):
        for project in Project.objects.select_related("guidelines"):
            assert project.guidelines.text.startswith("# ")
            assert project.license
            assert project.attribution
        assert Version.objects.count() == 3

    def test_changes_nothing_the_second_time(self, passwords, noon):
        assert whole.seed(noon) == {}
        assert User.objects.count() == 5
        assert Judgment.objects.count() == 571 + 501 + 94

    def test_leaves_nothing_behind_when_it_cannot_finish(self, noon, tmp_path):
        for file in FOLDER.glob("*.*"):
            if not file.name.startswith("squality.votes"):
                (tmp_path / file.name).write_bytes(file.read_bytes())

        with pytest.raises(FileNotFoundError):
            demo.seed_demo(folder=tmp_path, now=noon)

        assert not Project.objects.exists()
        assert not User.objects.exists()


class TestDemoFiles:
    def test_are_small(self):
        assert sum(file.stat().st_size for file in FOLDER.rglob("*")) < 1_500_000

    def test_come_with_their_licences(self):
        said = (FOLDER / "README.md").read_text(encoding="utf-8")

        for each in demo.PROJECTS:
            assert f"`{each.source}.*`" in said
            assert f"- **{each.source}**:" in said
        assert {file.name for file in (FOLDER / "licenses").iterdir()} == {
            "Apache-2.0.txt",
            "CC-BY-4.0.txt",
            "Project-Gutenberg.txt",
        }
