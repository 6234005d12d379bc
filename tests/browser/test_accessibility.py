"""axe-core over every page, at both widths and in both themes. To add a page, add its line."""

from datetime import timedelta

import pytest

from annotation.domain.vocabulary import Role, RunPurpose
from annotation.models import Annotator, Comparison, Import, Judgment, Rationale, Span
from annotation.services import projects
from annotation.services.aggregation import refresh_next_stale
from annotation.services.feedback import trusting
from annotation.services.feedback.taking import take_feedback
from annotation.services.judges.runs import ask_judge
from benchmarks.routing_simulation import simulate
from curation.domain.routing.evaluation import evaluate
from curation.domain.selection.wish import Wish
from curation.domain.vocabulary import GuardState, SignalFamily
from curation.models import Guard, RouterFit, Signals
from curation.services import selection
from curation.services.routing import drain, figures, policies, simulations
from curation.services.signals import refreshing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = {
    "login": "/login/",
    "home": "/",
    "account": "/account/",
    "profile": "/account/profile/",
    "new project": "/new-project/",
    "project": "/projects/haiku/",
    "items": "/projects/haiku/items/",
    "no items found": "/projects/haiku/items/?q=nothing+says+this",
    "item": "/projects/haiku/items/{item}/",
    "comparison": "/projects/haiku/comparisons/{comparison}/",
    "judgments": "/projects/haiku/judgments/",
    "quality": "/projects/haiku/quality/",
    "judges": "/projects/haiku/judges/",
    "add a judge": "/projects/haiku/judges/add/",
    "a judge": "/projects/haiku/judges/{judge}/",
    "canaries of a judge": "/projects/haiku/judges/{judge}/canaries/",
    "run a judge": "/projects/haiku/judges/{judge}/run/?among=all",
    "a run": "/projects/haiku/judges/{judge}/runs/1/",
    "no judges to compare": "/projects/haiku/judges/compare/",
    "endpoint": "/projects/haiku/judges/endpoints/{endpoint}/",
    "template": "/projects/haiku/judges/templates/{template}/",
    "leaderboard": "/projects/haiku/leaderboard/",
    "feedback": "/projects/haiku/feedback/",
    "no feedback": "/projects/ranks/feedback/",
    "my quality": "/projects/haiku/annotators/me/",
    "guidelines": "/projects/haiku/guidelines/?version=2",
    "guidelines editor": "/projects/haiku/guidelines/edit/",
    "people": "/projects/haiku/people/",
    "settings": "/projects/haiku/settings/",
    "imports": "/projects/haiku/imports/",
    "new import": "/projects/haiku/imports/new/",
    "import": "/projects/haiku/imports/{import}/",
    "judging": "/projects/haiku/judge/",
    "judging a ranking": "/projects/ranks/judge/",
    "curation": "/projects/haiku/curation/",
    "difficulty": "/projects/haiku/curation/difficulty/",
    "nothing told of routing": "/projects/haiku/curation/routing/evaluation/",
    "what routing gains": "/projects/ranks/curation/routing/evaluation/?percent=40",
    "similar items": "/projects/haiku/curation/similar/{item}/",
    "empty map": "/projects/haiku/curation/map/",
    "signals": "/projects/haiku/curation/signals/?name=vote_entropy",
    "signals of a comparison": "/projects/haiku/curation/comparisons/{comparison}/",
    "selection": "/projects/haiku/curation/selection/?groups=metadata.topic",
    "drafted selection": "/projects/haiku/curation/selection/1/",
    "routing": "/projects/haiku/curation/routing/",
    "no routing": "/projects/ranks/curation/routing/",
    "routing policy": "/projects/haiku/curation/routing/1/",
    "routing policy without dry run": "/projects/haiku/curation/routing/2/",
    "routing editor": "/projects/haiku/curation/routing/new/?from=1",
    "no duplicates": "/projects/haiku/curation/duplicates/",
    "duplicate policy": "/projects/haiku/curation/duplicates/policy/",
    "datasets": "/datasets/",
    "health": "/health/",
    "not found": "/projects/none/",
}
ANONYMOUS = {"login"}
# What fits depends on the width, what can be read on the theme: two looks show both of each.
LOOKS = [(360, "dark"), (1440, "light")]


@pytest.fixture
def filled(project, make_project, make_user, make_item, make_comparison, make_judge, join, noon):
    """A project with something on each of its pages, and its admin."""
    admin = make_user("ada", is_staff=True)
    join(admin, project, Role.ADMIN)
    ranks = make_project(slug="ranks", name="Ranks", response_format="ranking")
    join(admin, ranks, Role.ADMIN)
    make_comparison(item=make_item(("one", "two", "three", "four"), project=ranks))
    measure_routing_of(ranks, noon)
    me = Annotator.objects.create(user=admin, kind="human", name="ada", created_at=noon)
    graded = make_comparison(slots=2, metadata={"topic": "verse"})
    draft_selection_of(graded, admin, noon)
    route_by_policy(graded, admin, noon)
    judged = make_comparison(slots=1, prompt="# A title\n\nWhy `x`?")
    ids = judged.response_ids
    common = {"project": project, "comparison": judged, "judged_at": noon}
    ranked = {"outcome": "ranked", "ranking": [[ids[0]], [ids[1]]], "strength": 2}
    first = Judgment.objects.create(**common, **ranked, annotator=me)
    Judgment.objects.create(
        **common,
        **ranked | {"strength": 1},
        annotator=me,
        supersedes=first,
        criteria={"tone": {"ratings": {str(ids[0]): 4}}},
    )
    why = Rationale.objects.create(judgment=first, text="It scans.", tags=["clearer"])
    Span.objects.create(rationale=why, response_id=ids[0], start=0, end=5, label="good")
    for text in ("# Be kind\n\nRead twice.", "# Be kind\n\nRead **three** times."):
        projects.publish_guidelines(actor=admin, project_id=project.id, text=text, now=noon)
    source = Import.objects.create(
        project=project, kind="items", file_name="a.jsonl", stored_path="", created_at=noon
    )
    Comparison.objects.filter(pk=judged.pk).update(stale_since=noon)
    refresh_next_stale(now=noon)
    bring_feedback_in(judged, noon)
    while refreshing.refresh_next(now=noon):
        pass
    judge = make_judge()
    ask_judge(
        judge=judge, comparison_ids=[judged.id], purpose=RunPurpose.TRIAL, user=admin, now=noon
    )
    return admin, {
        "item": judged.item_id,
        "comparison": judged.id,
        "import": source.id,
        "judge": judge.id,
        "endpoint": judge.endpoint_id,
        "template": judge.template_id,
    }


def bring_feedback_in(comparison, noon):
    first, second = comparison.item.responses.values_list("external_id", flat=True)
    told = {"item": comparison.item.external_id, "response": second, "other_response": first}
    events = [
        {"id": f"e{n}", "user": f"u{n}", "type": kind} | told
        for n, kind in enumerate(("edit", "regenerate", "copy"))
    ]
    take_feedback(project=comparison.project, records=events, now=noon)
    trusting.refresh_trust(project=comparison.project, now=noon)


def draft_selection_of(comparison, user, noon):
    Signals.objects.create(
        project=comparison.project, comparison=comparison, version=1, computed_at=noon,
        family=SignalFamily.DIFFICULTY, values={"difficulty": 0.5},
    )  # fmt: skip
    wish = Wish(signals=("difficulty",), n=5, groups="metadata.topic", floors="proportional")
    selection.draft_selection(project=comparison.project, user=user, wish=wish, now=noon)


def measure_routing_of(project, noon):
    told = evaluate(simulate(0, 200)) | {"human_labels": 0, "n_undecided": 3}
    RouterFit.objects.create(
        project=project, number=1, version=1, is_fitted=True, n_labelled=200, fitted_at=noon,
        evaluation=told,
    )  # fmt: skip


def route_by_policy(comparison, user, noon):
    """A policy with its dry run, active, with a decision, and a slice turned to people."""
    project = comparison.project
    hard = {"fact": "difficulty", "is": ">=", "value": 0.5}
    rules = [
        {"name": "hard", "when": {"all": [hard]}, "route": {"route": "human", "overlap": 2}},
        {"name": "not hard", "when": {"not": hard}, "route": "skip"},
    ]
    for content in ({"rules": rules, "error_limit": 0.1}, {"default": "human"}):
        drafted = policies.draft_policy(project=project, user=user, content=content, now=noon)
        if drafted.number == 1:
            simulations.ask_for_simulation(policy=drafted, user=user, now=noon)
            simulations.simulate_next(now=noon)
    policies.activate_policy(project=project, user=user, number=1, now=noon)
    drain.route_next(now=noon + timedelta(hours=1), project=project)
    Guard.objects.create(
        project=project, slice="hard", state=GuardState.TURNED, n_audited=20, n_wrong=12, rate=0.6,
        bound=0.78, limit=0.1, updated_at=noon,
    )  # fmt: skip
    figures.refresh_next(now=noon, project=project)


class TestEveryPage:
    @pytest.mark.parametrize(("width", "theme"), LOOKS)
    def test_is_accessible_and_fits(
        self, filled, open_context, wait_until_drawn, violations, width, theme
    ):
        admin, keys = filled
        look = {"width": width, "color_scheme": theme}
        of_admin, of_nobody = open_context(admin, **look), open_context(**look)
        faults = []
        for name, address in PAGES.items():
            page = (of_nobody if name in ANONYMOUS else of_admin).new_page()
            refused = []
            page.on("console", lambda m, to=refused: to.append(m.text))
            page.goto(address.format(**keys))
            wait_until_drawn(page)
            faults += [f"{name}: {fault}" for fault in violations(page)]
            faults += [f"{name}: {text}" for text in refused if "Content Security" in text]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                faults.append(f"{name}: wider than the window")
            page.close()

        assert faults == []
