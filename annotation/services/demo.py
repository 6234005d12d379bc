"""Seeds the demo: projects of real data with judgments in them, and people to log in as."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection, transaction

from annotation.domain.errors import DomainError
from annotation.domain.vocabulary import CriterionKind, ImportKind, ResponseFormat, Role
from annotation.models import Project, User
from annotation.services import aggregation, people, projects
from annotation.services.importing import running, uploads
from annotation.services.projects import CriterionDraft

SEED_LOCK = 0x5144656D  # "QDem"
PEOPLE = {
    "admin": Role.ADMIN,
    "researcher": Role.RESEARCHER,
    "reviewer": Role.REVIEWER,
    "ann": Role.ANNOTATOR,
    "bob": Role.ANNOTATOR,
}


@dataclass(frozen=True)
class DemoProject:
    """A project, and the set of files in the demo's folder that fills it."""

    slug: str
    name: str
    source: str
    settings: dict[str, Any]
    criteria: list[CriterionDraft] = field(default_factory=list)


PROJECTS = [
    DemoProject(
        slug="convincing-arguments",
        name="Convincing arguments",
        source="ukpconvarg1",
        settings={
            "description": "Which of two arguments for the same side convinces more, and why?",
            "overlap": 5,
            "settle_min_votes": 3,
            "reason_tags": ["more reasons", "better facts", "on topic", "clearer", "fairer tone"],
            "span_labels": ["reason", "off topic", "unclear"],
            "license": "CC-BY-4.0",
            "attribution": "UKPConvArg1: Habernal and Gurevych, ACL 2016, UKP Lab, TU Darmstadt.",
        },
    ),
    DemoProject(
        slug="assistant-answers",
        name="PandaLM answers",
        source="pandalm",
        settings={
            "description": "Which of two answers to an instruction helps more? Judged by three "
            "people and two language models.",
            "overlap": 3,
            "settle_min_votes": 2,
            "license": "Apache-2.0",
            "attribution": "PandaLM: Wang et al., ICLR 2024.",
        },
        criteria=[
            CriterionDraft(
                key="follows-instruction",
                name="Follows the instruction",
                kind=CriterionKind.PREFERENCE,
                description="Which one does more of what was asked, in the form asked for?",
            ),
            CriterionDraft(
                key="language",
                name="Language",
                kind=CriterionKind.PREFERENCE,
                description="Which one is better written?",
            ),
        ],
    ),
    DemoProject(
        slug="story-summaries",
        name="Story summaries",
        source="squality",
        settings={
            "description": "Rank three answers to a question about a short story.",
            "response_format": ResponseFormat.RANKING,
            "strength_levels": 1,
            "overlap": 3,
            "settle_min_votes": 2,
            "span_labels": ["error", "repetition", "good"],
            "license": "CC-BY-4.0",
            "attribution": "SQuALITY: Wang et al., EMNLP 2022. Openings of the stories: "
            "Project Gutenberg.",
        },
        criteria=[
            CriterionDraft(
                key="reliable",
                name="Reliable",
                kind=CriterionKind.RATING,
                description="1: misleading. 5: I would rely on it.",
            )
        ],
    ),
]


class DemoRefused(DomainError):
    """The demo's files do not fit; nothing was seeded."""

    code = "demo_refused"


def is_seeded() -> bool:
    return Project.objects.filter(slug__in=[each.slug for each in PROJECTS]).exists()


def seed_demo(*, folder: Path, now: datetime) -> dict[str, str]:
    """Make the demo's projects and people, all or nothing. Safe to repeat, and to kill midway.

    Args:
        folder: holds the sets and their guidelines.
    Returns:
        The password of each login that was made: only now does anybody see it. Empty where the
        demo is there already.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [SEED_LOCK])
        if is_seeded():
            return {}
        passwords = _make_people(now)
        for each in PROJECTS:
            _make_project(each, folder, now)
        while aggregation.refresh_next_stale(now=now):
            pass
        return passwords


def _make_people(now: datetime) -> dict[str, str]:
    """Make the logins that are not there yet; the admin may look at everything as an operator."""
    passwords = {}
    for username in PEOPLE:
        if User.objects.filter(username=username).exists():
            continue
        is_staff = username == "admin"
        user, password = people.create_user(
            actor=None, username=username, now=now, is_staff=is_staff
        )
        if is_staff:
            user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        passwords[username] = password
    return passwords


def _make_project(each: DemoProject, folder: Path, now: datetime) -> None:
    project = projects.create_project(
        actor=None, slug=each.slug, name=each.name, now=now, **each.settings
    )
    guidelines = (folder / f"{each.slug}.md").read_text(encoding="utf-8")
    projects.publish_guidelines(actor=None, project_id=project.pk, text=guidelines, now=now)
    if each.criteria:
        projects.set_criteria(actor=None, project_id=project.pk, criteria=each.criteria, now=now)
    for username, role in PEOPLE.items():
        people.add_member(actor=None, project=project, username=username, role=role, now=now)
    project.refresh_from_db()
    _read(project, ImportKind.ITEMS, folder / f"{each.source}.items.jsonl.gz", now)
    _read(project, ImportKind.JUDGMENTS, folder / f"{each.source}.votes.jsonl.gz", now)


def _read(project: Project, kind: ImportKind, path: Path, now: datetime) -> None:
    upload = uploads.register_file(project=project, kind=kind, path=path, mapping={}, now=now)
    upload = running.run_import(import_id=upload.pk, now=now)
    if upload.n_refused:
        raise DemoRefused(f"{path.name}: {upload.n_refused} lines were refused.")
