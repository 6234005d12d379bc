"""Every page and every role: who gets what. A page that the table leaves out fails the test."""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from annotation.domain.vocabulary import Role
from annotation.models import ApiToken, Import, JudgeRun, Judgment
from curation.models import Guard, RoutingPolicy, Selection
from curation.services import datasets, versioning

ROLES = ("anonymous", "outsider", "annotator", "reviewer", "researcher", "admin")
NOT_PAGES = ("admin/", "api/")  # they have matrices of their own

# The status for each role, in the order of ROLES. To add a page, add its line.
OPEN = (200,) * 6
OWN = (302, 200, 200, 200, 200, 200)
MEMBERS = (302, 404, 200, 200, 200, 200)
REVIEWERS = (302, 404, 403, 200, 200, 200)
READERS = (302, 404, 403, 403, 200, 200)
ADMINS = (302, 404, 403, 403, 403, 200)
DATASETS = (302, 404, 404, 404, 200, 200)  # who may not read one does not know of it
BROKEN = (302, 400, 400, 400, 400, 400)  # the body is looked at before anything is looked up


def when_allowed(row, status):
    """The same roles, with another answer than 200 for those who may."""
    return tuple(status if one == 200 else one for one in row)


PAGES = {
    ("GET", "health"): OPEN,
    ("GET", "annotation:home"): OWN,
    ("GET", "annotation:login"): (200, 302, 302, 302, 302, 302),
    ("POST", "annotation:logout"): (302,) * 6,
    ("GET", "annotation:account"): OWN,
    ("POST", "annotation:password"): when_allowed(OWN, 422),
    ("POST", "annotation:issue_token"): when_allowed(OWN, 422),
    ("POST", "annotation:revoke_token"): (302,) * 6,
    ("GET", "annotation:profile"): OWN,
    ("POST", "annotation:save_profile"): when_allowed(OWN, 302),
    ("POST", "annotation:give_consent"): when_allowed(OWN, 422),
    ("POST", "annotation:withdraw_consent"): when_allowed(OWN, 302),
    ("GET", "annotation:new_project"): (302, 403, 403, 403, 403, 403),
    ("GET", "annotation:project"): MEMBERS,
    ("GET", "annotation:items"): REVIEWERS,
    ("GET", "annotation:item"): REVIEWERS,
    ("GET", "annotation:comparison"): (302, 404, 404, 200, 200, 200),
    ("GET", "annotation:judgments"): MEMBERS,
    ("GET", "annotation:quality"): REVIEWERS,
    ("GET", "annotation:judges"): REVIEWERS,
    ("GET", "annotation:add_judge"): ADMINS,
    ("GET", "annotation:compare_judges"): READERS,
    ("GET", "annotation:add_endpoint"): ADMINS,
    ("GET", "annotation:endpoint"): ADMINS,
    ("POST", "annotation:look_at_endpoint"): ADMINS,
    ("GET", "annotation:add_template"): ADMINS,
    ("GET", "annotation:prompt_template"): READERS,
    ("GET", "annotation:own_judge"): READERS,
    ("GET", "annotation:change_judge"): ADMINS,
    ("POST", "annotation:judge_state"): when_allowed(ADMINS, 400),
    ("POST", "annotation:judge_budget"): when_allowed(ADMINS, 400),
    ("GET", "annotation:judge_canaries"): READERS,
    ("POST", "annotation:check_judge"): when_allowed(ADMINS, 400),
    ("POST", "annotation:try_judge"): when_allowed(ADMINS, 302),
    ("GET", "annotation:new_run"): ADMINS,
    ("GET", "annotation:judge_run"): READERS,
    ("POST", "annotation:run_state"): when_allowed(ADMINS, 400),
    ("GET", "annotation:leaderboard"): REVIEWERS,
    ("GET", "annotation:feedback"): REVIEWERS,
    ("POST", "annotation:take_feedback"): when_allowed(READERS, 422),
    ("GET", "annotation:annotator"): (302, 404, 404, 404, 200, 200),
    ("GET", "annotation:my_quality"): MEMBERS,
    ("GET", "annotation:guidelines"): MEMBERS,
    ("GET", "annotation:guidelines_edit"): ADMINS,
    ("GET", "annotation:people"): ADMINS,
    ("POST", "annotation:add_member"): when_allowed(ADMINS, 422),
    ("POST", "annotation:invite"): when_allowed(ADMINS, 422),
    ("POST", "annotation:change_role"): when_allowed(ADMINS, 400),
    ("POST", "annotation:set_expertise"): when_allowed(ADMINS, 302),
    ("POST", "annotation:remove_member"): when_allowed(ADMINS, 302),
    ("GET", "annotation:settings"): ADMINS,
    ("POST", "annotation:criteria"): when_allowed(ADMINS, 422),
    ("POST", "annotation:state"): when_allowed(ADMINS, 400),
    ("GET", "annotation:imports"): READERS,
    ("GET", "annotation:new_import"): READERS,
    ("GET", "annotation:import"): READERS,
    ("POST", "annotation:import_preview"): when_allowed(READERS, 302),
    ("POST", "annotation:discard_import"): when_allowed(READERS, 302),
    ("GET", "annotation:refusals_file"): READERS,
    ("GET", "annotation:judge"): MEMBERS,
    ("POST", "annotation:judge-next"): when_allowed(MEMBERS, 400),
    ("GET", "annotation:judge-last"): when_allowed(MEMBERS, 404),
    ("GET", "annotation:reopen"): when_allowed(MEMBERS, 404),
    ("GET", "annotation:said"): when_allowed(MEMBERS, 404),
    ("POST", "annotation:submit"): BROKEN,
    ("POST", "annotation:skip"): when_allowed(MEMBERS, 400),
    ("POST", "annotation:release"): when_allowed(MEMBERS, 400),
    ("POST", "annotation:renew"): when_allowed(MEMBERS, 409),
    ("POST", "annotation:draft"): when_allowed(MEMBERS, 400),
    ("POST", "annotation:correct"): BROKEN,
    ("GET", "curation:curation"): READERS,
    ("GET", "curation:difficulty"): READERS,
    ("POST", "curation:retry"): when_allowed(ADMINS, 302),
    ("GET", "curation:similar"): READERS,
    ("GET", "curation:map"): READERS,
    ("POST", "curation:ask_for_map"): when_allowed(READERS, 302),
    ("GET", "curation:selection"): READERS,
    ("POST", "curation:draft_selection"): when_allowed(READERS, 422),
    ("GET", "curation:drafted"): READERS,
    ("POST", "curation:apply_selection"): when_allowed(ADMINS, 302),
    ("POST", "curation:undo_selection"): when_allowed(ADMINS, 409),
    ("GET", "curation:routing"): READERS,
    ("GET", "curation:routing_evaluation"): READERS,
    ("GET", "curation:routing_notice"): ADMINS,
    ("GET", "curation:new_policy"): ADMINS,
    ("GET", "curation:policy"): READERS,
    ("POST", "curation:simulate_policy"): when_allowed(READERS, 302),
    ("POST", "curation:activate_policy"): when_allowed(ADMINS, 302),
    ("POST", "curation:retire_policy"): when_allowed(ADMINS, 409),
    ("POST", "curation:clear_guard"): when_allowed(ADMINS, 302),
    ("GET", "curation:signals"): READERS,
    ("GET", "curation:comparison_signals"): READERS,
    ("GET", "curation:duplicates"): READERS,
    ("POST", "curation:decide_duplicates"): when_allowed(READERS, 400),
    ("GET", "curation:duplicate_policy"): ADMINS,
    ("GET", "curation:reuse"): READERS,
    ("GET", "curation:datasets"): OWN,
    ("GET", "curation:new_dataset"): OWN,
    ("GET", "curation:dataset"): DATASETS,
    ("POST", "curation:change_dataset"): when_allowed(DATASETS, 422),
    ("POST", "curation:cut"): when_allowed(DATASETS, 302),
    ("GET", "curation:version"): DATASETS,
    ("POST", "curation:export"): when_allowed(DATASETS, 404),
}


def named_pages(resolver=None, namespace="", route=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        path = route + str(pattern.pattern)
        if path.startswith(NOT_PAGES):
            continue
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else namespace
            yield from named_pages(pattern, inner, path)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}", pattern.pattern.converters


@pytest.fixture
def objects(project, make_comparison, make_judge, make_user, ann, noon):
    """One row of everything that an address can name; ann, who owns them, has no role tested."""
    comparison = make_comparison(slots=1)
    source = Import.objects.create(
        project=project, kind="items", file_name="a.jsonl", stored_path="", created_at=noon
    )
    token = ApiToken.objects.create(
        user=ann.user, name="t", prefix="qm_", digest=b"1", scope="read", created_at=noon
    )
    judgment = Judgment.objects.create(
        project=project, comparison=comparison, annotator=ann, outcome="unsure", judged_at=noon
    )
    versioning.request_version(
        dataset=datasets.default_dataset(project=project, now=noon), now=noon
    )
    Selection.objects.create(
        project=project, number=1, method="comparisons", parameters={}, created_at=noon,
        outcome={"on_top_of": 0, "groups": [], "candidates": 1, "total": 1, "lost": 0, "bound": 1},
    )  # fmt: skip
    judge = make_judge()
    JudgeRun.objects.create(project=project, judge=judge, number=1, purpose="run", created_at=noon)
    RoutingPolicy.objects.create(project=project, number=1, content={}, created_at=noon)
    guard = Guard.objects.create(project=project, slice="hard", limit=0.2, updated_at=noon)
    return {
        "slug": project.slug,
        "judge_id": judge.id,
        "endpoint_id": judge.endpoint_id,
        "template_id": judge.template_id,
        "item_id": comparison.item_id,
        "comparison_id": comparison.id,
        "user_id": ann.user_id,
        "token_id": token.id,
        "import_id": source.id,
        "slot_id": comparison.slots.get().id,
        "judgment_id": judgment.id,
        "annotator_id": ann.id,
        "guard_id": guard.id,
        "number": 1,
    }


@pytest.fixture
def visit(make_user, join, project, objects):
    """Answer a page to somebody of a role: visit("GET", "annotation:home", "admin")."""

    def visit(method, name, role):
        client = Client()
        if role != "anonymous":
            user = make_user(role)
            if role != "outsider":
                join(user, project, Role(role))
            client.force_login(user)
        converters = dict(named_pages())[name]
        address = reverse(name, kwargs={key: objects[key] for key in converters})
        with transaction.atomic():
            response = client.generic(method, address)
            transaction.set_rollback(True)  # the next role finds everything as it was
        return response

    return visit


class TestPages:
    def test_are_all_in_the_table(self):
        assert {name for name, _ in named_pages()} == {name for _, name in PAGES}

    @pytest.mark.parametrize(("method", "name"), PAGES, ids=lambda value: value)
    def test_answer_each_role_as_the_table_says(self, visit, method, name):
        responses = [visit(method, name, role) for role in ROLES]

        assert tuple(one.status_code for one in responses) == PAGES[method, name]
        for response in responses:
            assert "default-src 'self'" in response["Content-Security-Policy"]
