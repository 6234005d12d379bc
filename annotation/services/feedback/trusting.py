"""Works out how far feedback of each kind is to be trusted."""

from datetime import datetime

import numpy as np
from django.db import transaction

from annotation.domain.feedback.trust import trust_of
from annotation.domain.vocabulary import FeedbackKind
from annotation.models import FeedbackTrust, Project
from annotation.selectors import feedback
from annotation.selectors.feedback import Anchors

NO_ANCHORS = Anchors(np.empty(0, np.int64), np.empty(0, bool))
FIGURES = [
    field.name
    for field in FeedbackTrust._meta.concrete_fields
    if field.name not in ("id", "project", "kind")
]


def refresh_next(*, now: datetime) -> bool:
    """Work out the trust in feedback of one project that is due; False when none is."""
    due = feedback.projects_due(now)
    project = Project.objects.filter(pk__in=due).order_by("pk").first()
    if project is not None:
        refresh_trust(project=project, now=now)
    return project is not None


def refresh_trust(*, project: Project, now: datetime) -> int:
    """Work out a project's trust in feedback anew. Safe to repeat, late or in parallel.

    Returns:
        How many kinds of feedback there are whose weight has changed or was not known.
    """
    with transaction.atomic():
        before = feedback.weights_of([project.pk])[project.pk]
        anchors = feedback.anchors_of(project)
        rows = []
        for kind, (n_events, n_users, rate) in sorted(feedback.counts_by_kind(project).items()):
            known = anchors.get(FeedbackKind(kind), NO_ANCHORS)
            trust = trust_of(known.user, known.right)
            rows.append(
                FeedbackTrust(
                    project=project,
                    kind=kind,
                    n_anchors=trust.n_anchors,
                    n_right=trust.n_right,
                    weight=trust.weight,
                    low=trust.low,
                    high=trust.high,
                    n_events=n_events,
                    n_users=n_users,
                    response_rate=rate,
                    computed_at=now,
                )
            )
        FeedbackTrust.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["project", "kind"], update_fields=FIGURES
        )
    return sum(before.get(FeedbackKind(row.kind)) != row.weight for row in rows)
