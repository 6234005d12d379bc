from annotation.models.audit import AuditEvent
from annotation.models.consensus import (
    AnnotatorSkill,
    Consensus,
    CriterionConsensus,
    Skills,
    VoteTally,
)
from annotation.models.endpoints import Endpoint
from annotation.models.feedback import FeedbackEvent, FeedbackTrust, Profile, WeakJudgment
from annotation.models.health import Heartbeat
from annotation.models.imports import Import, Refusal
from annotation.models.items import Comparison, Item, Response
from annotation.models.judge_batches import JudgeBatch
from annotation.models.judge_canaries import CanaryCheck, JudgeCanary
from annotation.models.judge_requests import (
    JudgeAnswer,
    JudgeRequest,
    JudgeRun,
    JudgeVerdict,
    UnwrittenRun,
)
from annotation.models.judges import Calibration, Judge, PromptTemplate
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
    "Calibration",
    "CanaryCheck",
    "Comparison",
    "Consensus",
    "Criterion",
    "CriterionConsensus",
    "Draft",
    "Endpoint",
    "Exclusion",
    "FeedbackEvent",
    "FeedbackTrust",
    "GuidelinesVersion",
    "Heartbeat",
    "Import",
    "Item",
    "Judge",
    "JudgeAnswer",
    "JudgeBatch",
    "JudgeCanary",
    "JudgeRequest",
    "JudgeRun",
    "JudgeVerdict",
    "Judgment",
    "Lapse",
    "Membership",
    "Profile",
    "Project",
    "PromptTemplate",
    "QualityReport",
    "Rationale",
    "Refusal",
    "Response",
    "Skills",
    "Slot",
    "Span",
    "UnwrittenRun",
    "User",
    "VoteTally",
    "WeakJudgment",
]
