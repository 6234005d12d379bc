"""The names of users, as far as they are kept: keyed hashes, and annotators named after these."""

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime

from django.conf import settings

from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Annotator, Project
from annotation.services.importing import annotators

PURPOSE = b"quorum: users of feedback, version 1"
SHOWN = 24  # hexadecimal digits: 96 bits, so that no two users ever share a name


def user_hash(project: Project, user: str) -> str:
    """Hash a user's name so that nobody without the server's SECRET_KEY can test a guess.

    The same user has another hash in another project: the two cannot be told to be one.
    """
    key = hmac.digest(settings.SECRET_KEY.encode(), PURPOSE, hashlib.sha256)
    return hmac.new(key, f"{project.pk}\n{user}".encode(), hashlib.sha256).hexdigest()


def annotators_of(
    *, project: Project, hashes: Collection[str], now: datetime
) -> dict[str, Annotator]:
    """The pseudonyms that users of these hashes judge as, made where they are new."""
    names = {hashed: (AnnotatorKind.USER, f"user {hashed[:SHOWN]}") for hashed in hashes}
    models = dict.fromkeys(names.values(), "")
    found = annotators.pseudonyms(project=project, models=models, now=now)
    return {hashed: found[name] for hashed, name in names.items()}
