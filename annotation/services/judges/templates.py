"""Prompt templates: what judges are told. A change makes the next number under the same name."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from annotation.domain.errors import InvalidField
from annotation.domain.judges.questions import Template
from annotation.domain.vocabulary import TemplateKind
from annotation.models import Project, PromptTemplate, User
from annotation.services.judges import rows

LONGEST = 20_000  # characters of instructions


@dataclass(frozen=True)
class TemplateDraft:
    """What a judge should be told."""

    name: str
    instructions: str
    kind: TemplateKind = TemplateKind.OVERALL
    asks_why: bool = True
    uses_reference: bool = False


def add_template(
    *, project: Project, user: User | None, draft: TemplateDraft, now: datetime
) -> PromptTemplate:
    """Keep a template under its name: the next number, or the newest one if nothing differs.

    Raises:
        InvalidField: a field breaks a rule.
    """
    shape = Template(
        kind=TemplateKind(draft.kind),
        asks_why=draft.asks_why,
        uses_reference=draft.uses_reference,
        instructions=_instructions(draft.instructions),
    )
    with transaction.atomic():
        rows.lock_project(project=project)
        newest = project.prompt_templates.filter(name=draft.name).order_by("-number").first()
        if newest and bytes(newest.digest) == shape.digest:
            return newest
        template = PromptTemplate(
            project=project,
            name=draft.name,
            number=newest.number + 1 if newest else 1,
            kind=shape.kind,
            asks_why=shape.asks_why,
            uses_reference=shape.uses_reference,
            instructions=shape.instructions,
            digest=shape.digest,
            created_by=user,
            created_at=now,
        )
        rows.check_row(row=template, exclude=("project", "digest", "created_by"))
        template.save()
        detail = {"template": str(template), "kind": template.kind}
        rows.record_change(
            user=user, project=project, action="prompt_template_added", detail=detail, now=now
        )
    return template


def _instructions(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise InvalidField("Say what the judge has to do.", field="instructions")
    if len(text) > LONGEST:
        raise InvalidField(
            f"Instructions have at most {LONGEST:,} characters.", field="instructions"
        )
    return text
