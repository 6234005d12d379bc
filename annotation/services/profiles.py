"""What people tell about themselves. Only they see their demographics, and can take them back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.profiles import demographics_of, languages_of, tags_of
from annotation.models import Annotator, Bookmark, Membership, Profile, Project, User
from annotation.services import audit, people


def save_profile(
    *, user: User, expertise: Sequence[str], languages: Sequence[str], now: datetime
) -> Profile:
    """Set what routing may know of a person. Safe to repeat.

    Raises:
        InvalidField: a tag or a language breaks a rule.
    """
    tags, spoken = tags_of(expertise), languages_of(languages)
    with transaction.atomic():
        profile = _own(people.annotator_of(user=user, now=now), now)
        profile.expertise, profile.languages, profile.updated_at = tags, spoken, now
        profile.save(update_fields=["expertise", "languages", "updated_at"])
        _search_anew(profile)
    return profile


def set_expertise(
    *, actor: User, project: Project, user_id: int, expertise: Sequence[str], now: datetime
) -> Profile:
    """Let an admin say what a member of their project is expert in. Safe to repeat.

    Raises:
        NotFound: they are no member.
        InvalidField: a tag breaks a rule.
    """
    tags = tags_of(expertise)
    with transaction.atomic():
        member = Membership.objects.filter(project=project, user_id=user_id).first()
        if member is None:
            raise NotFound("This person is not a member of the project.")
        profile = _own(people.annotator_of(user=member.user, now=now), now)
        if profile.expertise == tags:
            return profile
        profile.expertise, profile.updated_at = tags, now
        profile.save(update_fields=["expertise", "updated_at"])
        _search_anew(profile)
        audit.record_event(
            actor=actor,
            action="expertise_changed",
            subject=f"project:{project.slug}",
            detail={"user": member.user.username, "to": tags},
            now=now,
        )
    return profile


def give_consent(
    *, user: User, demographics: Mapping[str, Any], may_export: bool, now: datetime
) -> Profile:
    """Keep a person's answers, in the place of earlier ones, after they agreed to it.

    Args:
        may_export: whether their answers may be published, in groups of ten or more.

    Raises:
        InvalidField: nothing is answered, or an answer is not one of those offered.
    """
    answers = demographics_of(demographics)
    if not answers:
        raise InvalidField("Answer a question, or leave all of this.", field="demographics")
    with transaction.atomic():
        profile = _own(people.annotator_of(user=user, now=now), now)
        profile.demographics, profile.may_export = answers, may_export
        profile.consented_at = profile.updated_at = now
        profile.save()
        _record(user, "profile_consent_given", {"may_export": may_export}, now)
    return profile


def withdraw_consent(*, user: User, now: datetime) -> None:
    """Delete a person's answers at once. Safe to repeat; expertise and languages stay.

    Versions that were cut before keep the counts of groups that they had.
    """
    with transaction.atomic():
        given = Profile.objects.filter(annotator__user=user, consented_at__isnull=False)
        deleted = given.update(demographics={}, consented_at=None, may_export=False, updated_at=now)
        if deleted:
            _record(user, "profile_consent_withdrawn", {}, now)


def _own(annotator: Annotator, now: datetime) -> Profile:
    Profile.objects.get_or_create(annotator=annotator, defaults={"updated_at": now})
    return Profile.objects.select_for_update().get(annotator=annotator)


def _search_anew(profile: Profile) -> None:
    """Slots that were closed to them may be theirs now, so their place in the queue is no more."""
    Bookmark.objects.filter(annotator=profile.annotator_id).delete()


def _record(user: User, action: str, detail: dict[str, Any], now: datetime) -> None:
    audit.record_event(
        actor=user, action=action, subject=f"user:{user.username}", detail=detail, now=now
    )
