from annotation.models.audit import AuditEvent
from annotation.models.consensus import (
    AnnotatorSkill,
    Consensus,
    CriterionConsensus,
    Skills,
    VoteTally,
)
from annotation.models.health import Heartbeat
from annotation.models.imports import Import, Refusal
from annotation.models.items import Comparison, Item, Response
from annotation.models.judgments import Judgment, Rationale, Span
from annotation.models.people import Annotator, ApiToken, User
from annotation.models.projects import Criterion, GuidelinesVersion, Membership, Project
from annotation.models.quality import QualityReport
from annotation.models.queue import Bookmark, Draft, Exclusion, Lapse, Slot

__all__ = [
    "Annotator",
    "AnnotatorSkill",
    "ApiToken",
    "AuditEvent",
    "Bookmark",
    "Comparison",
    "Consensus",
    "Criterion",
    "CriterionConsensus",
    "Draft",
    "Exclusion",
    "GuidelinesVersion",
    "Heartbeat",
    "Import",
    "Item",
    "Judgment",
    "Lapse",
    "Membership",
    "Project",
    "QualityReport",
    "Rationale",
    "Refusal",
    "Response",
    "Skills",
    "Slot",
    "Span",
    "User",
    "VoteTally",
]
