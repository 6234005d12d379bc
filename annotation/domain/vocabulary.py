"""Closed sets of words that models, forms, API and files share."""

from enum import StrEnum

MOST_TRIES = 5  # after so many, a row that cannot be worked on is set aside with its error
# Short drains, work of minutes, work that loads models, and work that waits for judges' endpoints.
QUEUES = ("celery", "long", "heavy", "judges")


class Role(StrEnum):
    """What a member may do in a project, from most to least."""

    ADMIN = "admin"
    RESEARCHER = "researcher"
    REVIEWER = "reviewer"
    ANNOTATOR = "annotator"


class ResponseFormat(StrEnum):
    PAIRWISE = "pairwise"
    RANKING = "ranking"


class PairStrategy(StrEnum):
    """Which pairs of an item's responses become comparisons in a pairwise project."""

    ALL_PAIRS = "all_pairs"
    BUDGETED = "budgeted"
    BEST_VERSUS_REST = "best_versus_rest"


class ConsensusMethod(StrEnum):
    """How votes add up. `auto` weighs annotators by their errors once there are votes enough."""

    AUTO = "auto"
    POSTERIOR_MEAN = "posterior_mean"
    DAWID_SKENE = "dawid_skene"


class RationalePolicy(StrEnum):
    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class CriterionKind(StrEnum):
    PREFERENCE = "preference"
    RATING = "rating"


class AnnotatorKind(StrEnum):
    """Who judges: asked people, language models, or users whose reactions were recorded."""

    HUMAN = "human"
    LLM = "llm"
    USER = "user"


# Whose judgments are votes. What users did in a product is a hint with a weight, never a vote.
VOTERS = (AnnotatorKind.HUMAN, AnnotatorKind.LLM)


class Outcome(StrEnum):
    """What a judgment says. Only `ranked` carries a ranking; the others are answers, not gaps."""

    RANKED = "ranked"
    BOTH_BAD = "both_bad"
    CANNOT_JUDGE = "cannot_judge"
    UNSURE = "unsure"
    UNPARSED = "unparsed"  # an imported judge output that its publisher could not read


class CannotJudgeReason(StrEnum):
    LANGUAGE = "language"
    EXPERTISE = "expertise"
    BROKEN = "broken"
    UNSAFE = "unsafe"
    OTHER = "other"


class Audience(StrEnum):
    """Who a slot is for."""

    HUMAN = "human"
    EXPERT = "expert"


class ExclusionReason(StrEnum):
    """Why an annotator is never asked about a comparison."""

    SKIPPED = "skipped"
    AUTHOR = "author"


class ProjectState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class WorkState(StrEnum):
    """The life of a row of background work: queued, running, then done, failed or cancelled."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportKind(StrEnum):
    ITEMS = "items"
    JUDGMENTS = "judgments"


class TokenScope(StrEnum):
    """What a token may do; each scope includes the ones before it."""

    READ = "read"
    ANNOTATE = "annotate"
    WRITE = "write"
    ADMIN = "admin"


class TemplateKind(StrEnum):
    """What a judge is asked: the overall verdict, that and each criterion, or an order of all."""

    OVERALL = "overall"
    CRITERIA = "criteria"
    RANKING = "ranking"


class OrderPolicy(StrEnum):
    """In which orders a judge sees the responses: one and its reverse, or one drawn by chance."""

    BOTH = "both"
    ONE = "one"


class JudgeState(StrEnum):
    """Suspended: a check found that texts give it orders. Retired: a newer version stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class RunPurpose(StrEnum):
    """Why a judge was asked: to try it out, to check it (both give no judgments), by hand, by a
    policy."""

    TRIAL = "trial"
    RUN = "run"
    ROUTING = "routing"
    CANARY = "canary"


class RunState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class RequestState(StrEnum):
    """The life of a request to a judge. Failed: given up after its tries; the answer is no vote."""

    QUEUED = "queued"
    RUNNING = "running"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AnswerStatus(StrEnum):
    """What a judge's answer was worth. Only `usable` ones can become votes."""

    USABLE = "usable"
    MALFORMED = "malformed"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    UNREACHABLE = "unreachable"


class BatchState(StrEnum):
    """The life of a batch at an endpoint.

    Filling: its requests are leased and written to a file; nothing was asked yet. Submitting: it is
    being asked for, and may be there or not. Submitted: the endpoint has it. Lost: nobody knows
    what became of it. The rest is how the endpoint ended it; what it answered is booked.
    """

    FILLING = "filling"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"
    LOST = "lost"


OPEN_BATCHES = (BatchState.FILLING, BatchState.SUBMITTING, BatchState.SUBMITTED)


class CalibrationMethod(StrEnum):
    """How a judge's probabilities are made honest; `none` while there are too few labels."""

    NONE = "none"
    TEMPERATURE = "temperature"
    ISOTONIC = "isotonic"


class FeedbackKind(StrEnum):
    """What a user of a product did with an answer."""

    THUMB = "thumb"
    REACTION = "reaction"
    TEXT = "text"
    REGENERATE = "regenerate"
    COPY = "copy"
    EDIT = "edit"
