"""The operators' window on the tables. Facts are read here; only logins are made and changed."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from annotation import models
from annotation.selectors.totals import total_of


class EstimatingPaginator(Paginator):
    """Counts exactly while that is quick, and takes the planner's word beyond."""

    @cached_property
    def count(self) -> int:
        if isinstance(self.object_list, QuerySet):
            return total_of(self.object_list).n
        return len(self.object_list)


class ReadOnlyAdmin(admin.ModelAdmin):
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False


@admin.register(models.User)
class QuorumUserAdmin(UserAdmin):
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_display = ("username", "is_active", "is_staff", "is_superuser", "last_login")

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False  # deactivate instead: memberships and tokens would go without a trace


class MembershipInline(ReadOnlyInline):
    model = models.Membership


class CriterionInline(ReadOnlyInline):
    model = models.Criterion


@admin.register(models.Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "state", "response_format", "overlap", "created_at")
    list_filter = ("state", "response_format")
    search_fields = ("slug", "name")
    inlines = (MembershipInline, CriterionInline)


@admin.register(models.Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "project", "role", "is_expert", "created_at")
    list_filter = ("role", "is_expert")
    list_select_related = ("user", "project")
    search_fields = ("user__username__istartswith",)


@admin.register(models.GuidelinesVersion)
class GuidelinesVersionAdmin(ReadOnlyAdmin):
    list_display = ("project", "number", "created_by", "created_at")
    list_select_related = ("project", "created_by")


@admin.register(models.Criterion)
class CriterionAdmin(ReadOnlyAdmin):
    list_display = ("project", "key", "kind", "is_asked")
    list_select_related = ("project",)


@admin.register(models.Annotator)
class AnnotatorAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "model_name", "user", "project", "created_at")
    list_filter = ("kind",)
    list_select_related = ("user", "project")
    search_fields = ("name__startswith",)


@admin.register(models.ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "name", "user", "scope", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("scope",)
    list_select_related = ("user",)
    exclude = ("digest",)


@admin.register(models.Item)
class ItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "external_id", "project", "created_at")
    list_select_related = ("project",)
    exclude = ("content_hash",)
    search_fields = ("=id",)


@admin.register(models.Response)
class ResponseAdmin(ReadOnlyAdmin):
    list_display = ("id", "external_id", "item", "position", "model_name")
    list_select_related = ("item",)
    exclude = ("content_hash",)
    search_fields = ("=id",)


@admin.register(models.Comparison)
class ComparisonAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "item", "stale_since", "stale_tries", "stale_error")
    list_select_related = ("project", "item")
    search_fields = ("=id",)


@admin.register(models.Slot)
class SlotAdmin(ReadOnlyAdmin):
    list_display = ("id", "comparison_id", "ordinal", "holder", "lease_ends_at", "filled_at")
    list_select_related = ("holder",)
    search_fields = ("=id",)


@admin.register(models.Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    list_display = ("annotator", "comparison_id", "reason", "created_at")
    list_select_related = ("annotator",)


@admin.register(models.Draft)
class DraftAdmin(ReadOnlyAdmin):
    list_display = ("slot_id", "annotator", "saved_at")
    list_select_related = ("annotator",)


class RationaleInline(ReadOnlyInline):
    model = models.Rationale


@admin.register(models.Judgment)
class JudgmentAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "project",
        "comparison_id",
        "annotator",
        "outcome",
        "ranking",
        "judged_at",
    )
    list_select_related = ("project", "annotator")
    exclude = ("request_digest",)
    search_fields = ("=id",)
    inlines = (RationaleInline,)


@admin.register(models.Consensus)
class ConsensusAdmin(ReadOnlyAdmin):
    list_display = ("comparison_id", "project", "ranking", "is_settled", "n_votes", "computed_at")
    list_select_related = ("project",)
    search_fields = ("=comparison__id",)


@admin.register(models.Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "project",
        "kind",
        "file_name",
        "state",
        "n_written",
        "n_refused",
        "tries",
    )
    list_filter = ("state", "kind")
    list_select_related = ("project",)
    exclude = ("file_digest", "stored_path")


@admin.register(models.AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "happened_at", "actor_name", "action", "subject")
    exclude = ("digest", "previous_digest", "actor")
    search_fields = ("=subject", "=actor_name")
