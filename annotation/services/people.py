import secrets
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.domain.errors import DomainError, InvalidField, NotFound
from annotation.domain.naming import visible_name
from annotation.domain.tokens import new_token, token_digest
from annotation.domain.vocabulary import AnnotatorKind, Role, TokenScope
from annotation.models import Annotator, ApiToken, Membership, Project, User
from annotation.services import audit


class AlreadyMember(DomainError):
    """This person has a role in the project."""

    code, status = "already_member", 409


class LastAdmin(DomainError):
    """The project would have nobody left who may administer it."""

    code, status = "last_admin", 409


class NameTaken(DomainError):
    """Another person logs in under this name."""

    code, status = "name_taken", 409


def annotator_of(*, user: User, now: datetime) -> Annotator:
    """Find the annotator that a login judges as, making it at the first time. Safe to repeat."""
    annotator, _ = Annotator.objects.get_or_create(
        user=user,
        defaults={"kind": AnnotatorKind.HUMAN, "name": user.username, "created_at": now},
    )
    return annotator


def issue_token(
    *,
    user: User,
    scope: TokenScope,
    name: str,
    now: datetime,
    actor: User | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a token and return it: this is the only time that anybody sees it."""
    token = new_token()
    with transaction.atomic():
        ApiToken.objects.create(
            user=user,
            name=name,
            prefix=token[:8],
            digest=token_digest(token),
            scope=scope,
            created_at=now,
            expires_at=expires_at,
        )
        audit.record_event(
            actor=actor,
            action="token_issued",
            subject=f"user:{user.username}",
            detail={"name": name, "scope": scope, "prefix": token[:8]},
            now=now,
        )
    return token


def change_password(*, user: User, password: str, now: datetime) -> User:
    """Give a person a new password, which the caller has checked; their sessions end."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record_event(
            actor=user,
            action="password_changed",
            subject=f"user:{user.username}",
            detail={},
            now=now,
        )
    return user


def revoke_token(*, token_id: int, user: User, now: datetime) -> None:
    """Switch a person's own token off. Safe to repeat."""
    with transaction.atomic():
        found = ApiToken.objects.filter(id=token_id, user=user, revoked_at__isnull=True)
        if found.update(revoked_at=now):
            audit.record_event(
                actor=user,
                action="token_revoked",
                subject=f"user:{user.username}",
                detail={"token": token_id},
                now=now,
            )


def create_user(
    *, actor: User | None, username: str, now: datetime, **fields: Any
) -> tuple[User, str]:
    """Make a login and return it with its one-time password: only now does anybody see it.

    Raises:
        InvalidField: the name is empty or holds characters that a login cannot have.
        NameTaken: somebody else logs in under it.
    """
    visible_name(username, field="username", longest=150)
    if User.objects.filter(username__iexact=username).exists():
        raise NameTaken(f"“{username}” is taken; choose another name.", field="username")
    password = secrets.token_urlsafe(12)
    user = User(username=username, **fields)
    user.set_password(password)
    try:
        user.full_clean(validate_unique=False)
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        raise InvalidField(sentences[0], field=field) from error
    with transaction.atomic():
        user.save()
        subject = f"user:{username}"
        audit.record_event(actor=actor, action="user_created", subject=subject, detail={}, now=now)
    return user, password


def add_member(
    *,
    actor: User | None,
    project: Project,
    username: str,
    role: Role,
    now: datetime,
    is_expert: bool = False,
) -> Membership:
    """Give a person a role in a project.

    Raises:
        NotFound: nobody active logs in under this name.
        AlreadyMember: they have a role here.
    """
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NotFound(f"Nobody logs in as “{username}”.", field="username")
    with transaction.atomic():
        membership, is_new = Membership.objects.get_or_create(
            project=project,
            user=user,
            defaults={"role": role, "is_expert": is_expert, "created_at": now},
        )
        if not is_new:
            raise AlreadyMember(
                f"{username} is {membership.role} here already; change the role instead.",
                field="username",
            )
        _record(actor, membership, "member_added", {"role": role, "is_expert": is_expert}, now)
    return membership


def invite_person(
    *,
    actor: User | None,
    project: Project,
    username: str,
    role: Role,
    now: datetime,
    is_expert: bool = False,
) -> str:
    """Make a login that is a member from the start; returns its one-time password.

    Refuses as `create_user` does.
    """
    with transaction.atomic():
        _, password = create_user(actor=actor, username=username, now=now)
        add_member(
            actor=actor,
            project=project,
            username=username,
            role=role,
            now=now,
            is_expert=is_expert,
        )
    return password


def change_role(
    *,
    actor: User | None,
    project: Project,
    user_id: int,
    role: Role,
    is_expert: bool,
    now: datetime,
) -> Membership:
    """Change what a member may do; it counts from their next request on. Safe to repeat.

    Raises:
        NotFound: they are no member.
        LastAdmin: nobody else administers the project.
    """
    with transaction.atomic():
        membership = _membership(project, user_id)
        before = {"role": membership.role, "is_expert": membership.is_expert}
        after = {"role": role.value, "is_expert": is_expert}
        if before == after:
            return membership
        if role != Role.ADMIN:
            _keep_an_admin(membership)
        membership.role, membership.is_expert = role, is_expert
        membership.save(update_fields=["role", "is_expert"])
        _record(actor, membership, "member_changed", {"from": before, "to": after}, now)
    return membership


def remove_member(*, actor: User | None, project: Project, user_id: int, now: datetime) -> None:
    """Take a person out of a project. Their judgments stay; what they hold runs out by itself.

    Raises:
        NotFound: they are no member.
        LastAdmin: nobody else administers the project.
    """
    with transaction.atomic():
        membership = _membership(project, user_id)
        _keep_an_admin(membership)
        _record(actor, membership, "member_removed", {"role": membership.role}, now)
        membership.delete()


def _membership(project: Project, user_id: int) -> Membership:
    # The project's row is the lock: two admins cannot remove each other at the same moment.
    Project.objects.select_for_update().only("id").get(pk=project.pk)
    found = Membership.objects.filter(project=project, user_id=user_id).select_related("user")
    membership = found.first()
    if membership is None:
        raise NotFound("This person is not a member of the project.")
    return membership


def _keep_an_admin(membership: Membership) -> None:
    admins = Membership.objects.filter(project_id=membership.project_id, role=Role.ADMIN)
    if membership.role == Role.ADMIN and not admins.exclude(pk=membership.pk).exists():
        raise LastAdmin(
            f"{membership.user.username} is the last admin here; make somebody else admin first."
        )


def _record(
    actor: User | None, membership: Membership, action: str, detail: dict[str, Any], now: datetime
) -> None:
    audit.record_event(
        actor=actor,
        action=action,
        subject=f"project:{membership.project.slug}",
        detail={"user": membership.user.username, **detail},
        now=now,
    )
