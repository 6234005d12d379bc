from curation.models.datasets import Dataset, Export, Version
from curation.models.duplicates import (
    DuplicateDecision,
    DuplicateGroup,
    DuplicateMember,
    DuplicatePair,
    DuplicatePolicy,
    DuplicateRequest,
    DuplicateState,
    RegroupRequest,
)
from curation.models.embeddings import Embedding, EmbeddingRequest, Generation
from curation.models.maps import PromptMap, PromptPoint, Topic
from curation.models.routing import (
    Guard,
    RouterFit,
    RoutingDecision,
    RoutingFigures,
    RoutingPolicy,
    RoutingRequest,
    Simulation,
)
from curation.models.selection import Pick, Selection
from curation.models.signals import DifficultyFit, ImportedSignal, SignalRequest, Signals
from curation.models.texts import Intake, ItemTexts, ResponseText, Signature, Text

__all__ = [
    "Dataset",
    "DifficultyFit",
    "DuplicateDecision",
    "DuplicateGroup",
    "DuplicateMember",
    "DuplicatePair",
    "DuplicatePolicy",
    "DuplicateRequest",
    "DuplicateState",
    "Embedding",
    "EmbeddingRequest",
    "Export",
    "Generation",
    "Guard",
    "ImportedSignal",
    "Intake",
    "ItemTexts",
    "Pick",
    "PromptMap",
    "PromptPoint",
    "RegroupRequest",
    "ResponseText",
    "RouterFit",
    "RoutingDecision",
    "RoutingFigures",
    "RoutingPolicy",
    "RoutingRequest",
    "Selection",
    "SignalRequest",
    "Signals",
    "Signature",
    "Simulation",
    "Text",
    "Topic",
    "Version",
]
