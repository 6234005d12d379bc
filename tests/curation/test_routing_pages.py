import json

import pytest
from django.urls import reverse

from annotation.domain.vocabulary import JudgeState, Role, WorkState
from annotation.models import AuditEvent
from curation.domain.vocabulary import GuardState, PolicyState, SignalFamily
from curation.models import (
    Guard,
    RoutingDecision,
    RoutingFigures,
    RoutingPolicy,
    Signals,
    Simulation,
)
from curation.selectors import guards, routing_figures
from curation.services.routing import figures, simulations

pytestmark = pytest.mark.django_db

TO_PEOPLE = {"default": {"route": "human", "overlap": 2}}


@pytest.fixture
def enter(client, make_user, join, project):
    """Sign in with a role and give a way to ask for pages: enter(Role.ADMIN)("routing")."""

    def enter(role=Role.ADMIN):
        user = make_user(f"user-{role}")
        join(user, project, role)
        client.force_login(user)

        def visit(name, *numbers, method="get", data=None, **headers):
            address = reverse(f"curation:{name}", args=[project.slug, *numbers])
            return getattr(client, method)(address, data or {}, **headers)

        return visit

    return enter


@pytest.fixture
def visit(enter):
    return enter()


@pytest.fixture
def make_policy(project, noon):
    def make(content=None, number=1, **fields):
        content = content or TO_PEOPLE
        return RoutingPolicy.objects.create(
            project=project, number=number, content=content, created_at=noon, **fields
        )

    return make


@pytest.fixture
def decide(project, noon):
    def decide(comparison, policy, **fields):
        return RoutingDecision.objects.create(
            project=project,
            comparison=comparison,
            policy=policy,
            ordinal=1,
            slice="default",
            reason="It is so.",
            decided_at=noon,
            **{"route": "judge", "propensity": 0.05} | fields,
        )

    return decide


def page(response):
    assert response.status_code == 200, response.content.decode()
    return response.content.decode()


class TestRouting:
    def test_says_what_to_do_where_there_is_no_policy(self, visit):
        assert "Write a policy" in page(visit("routing"))

    def test_lets_a_researcher_look_only(self, enter, make_policy):
        make_policy()

        text = page(enter(Role.RESEARCHER)("routing"))

        assert "two people judge it" in text
        assert "/routing/new/" not in text

    def test_says_in_words_which_policy_is_active(self, visit, make_policy, noon):
        make_policy(state=PolicyState.ACTIVE, activated_at=noon)

        text = page(visit("routing"))

        assert "is active" in text
        assert "Always, two people judge it." in text

    def test_counts_where_comparisons_stand(
        self, visit, make_policy, make_comparison, decide, project, noon
    ):
        policy = make_policy(state=PolicyState.ACTIVE, activated_at=noon)
        for fields in ({}, {"route": "both", "is_audited": True}, {"route": "human"}):
            decide(make_comparison(), policy, **fields)

        figures.refresh_next(now=noon)
        standing = routing_figures.figures_of(project).standing

        assert {row.route: row.n for row in standing.routes if row.n} == {
            "judge": 1, "both": 1, "human": 1,
        }  # fmt: skip
        assert (standing.n, standing.of, standing.audited, standing.audits_done) == (3, 3, 1, 0)
        text = page(visit("routing"))
        assert "Where the comparisons stand" in text
        assert "2026-03-01 12:00:00 UTC" in text

    def test_says_for_how_many_comparisons_no_label_stands(self, visit, make_policy, noon):
        make_policy(state=PolicyState.ACTIVE, activated_at=noon)
        figures.refresh_next(now=noon)
        row = RoutingFigures.objects.get()
        told = {"value": 0.8, "se": 0.1, "effective_n": 16.0, "n_observed": 20, "n_left_out": 30}
        row.figures["accuracy"] = told
        row.save()

        page = visit("routing").content.decode()

        assert "About 30 comparisons in slices without an answer are left out" in page

    def test_says_that_figures_are_being_counted_until_they_are(self, visit, make_policy, noon):
        make_policy()

        before = page(visit("routing"))
        part = page(visit("routing", data={"part": "age"}, HTTP_HX_REQUEST="true"))
        figures.refresh_next(now=noon)
        after = visit("routing", data={"part": "age"}, HTTP_HX_REQUEST="true")

        assert "is being counted" in before
        assert part.strip().startswith('<div id="figures-age" data-live')
        assert after.headers["HX-Refresh"] == "true"

    def test_works_nothing_out_itself(self, visit, make_policy, monkeypatch, noon):
        make_policy(state=PolicyState.ACTIVE, activated_at=noon)
        figures.refresh_next(now=noon)

        def fail(*_):
            raise AssertionError("a request must not work out figures")

        for name in ("accuracy_of", "agreement_on", "audits_of"):
            monkeypatch.setattr(guards, name, fail)

        assert "Nothing to compare yet" in page(visit("routing"))

    def test_warns_of_judges_that_are_named_but_not_asked(
        self, visit, make_judge, make_policy, noon
    ):
        make_judge(state=JudgeState.SUSPENDED)
        content = {"default": {"route": "judge", "judges": ["strict 1"]}}
        make_policy(content, state=PolicyState.ACTIVE, activated_at=noon)

        for text in (page(visit("routing")), page(visit("policy", 1))):
            assert "<strong>strict 1</strong> is suspended" in text

    def test_lists_a_bounded_number_of_slices(self, visit, make_policy, project, noon):
        make_policy(state=PolicyState.ACTIVE, activated_at=noon)
        Guard.objects.bulk_create(
            Guard(
                project=project, slice=f"slice {n}", limit=0.2, n_audited=n, n_wrong=0, rate=0,
                bound=0.9, updated_at=noon,
            )
            for n in range(60)
        )  # fmt: skip

        text = page(visit("routing"))

        assert "Shown are 50 of 60 slices" in text
        assert "slice 59" in text
        assert "slice 9<" not in text

    def test_shows_the_latest_decision_of_each_comparison(
        self, make_policy, make_comparison, decide, project, noon
    ):
        policy, comparison = make_policy(), make_comparison()
        decide(comparison, policy)
        RoutingDecision.objects.create(
            project=project, comparison=comparison, policy=policy, ordinal=2, route="human",
            slice="default", reason="x", propensity=1, decided_at=policy.created_at,
        )  # fmt: skip

        figures.refresh_next(now=noon)
        rows = routing_figures.figures_of(project).standing.routes
        routes = {row.route: row.n for row in rows}

        assert (routes["judge"], routes["human"]) == (0, 1)

    def test_tells_what_judges_have_cost(self, visit, make_judge, make_policy):
        make_policy()
        make_judge(spent=1_250_000, budget=5_000_000)

        text = page(visit("routing"))

        assert "strict 1" in text
        assert ">1.2500<" in text

    def test_warns_of_slices_turned_to_people(self, visit, make_policy, project, noon):
        make_policy(state=PolicyState.ACTIVE, activated_at=noon)
        Guard.objects.create(
            project=project, slice="hard", state=GuardState.TURNED, limit=0.2, n_audited=20,
            n_wrong=12, rate=0.6, bound=0.78, updated_at=noon,
        )  # fmt: skip

        text = page(visit("routing"))

        assert "err too often" in text
        assert "turned to people" in text
        assert "Clear" in text

    def test_shows_no_plain_mean_of_what_people_saw(
        self, visit, make_policy, make_comparison, decide, noon
    ):
        decide(make_comparison(), make_policy(state=PolicyState.ACTIVE, activated_at=noon))

        assert "Nothing to compare yet" in page(visit("routing"))


class TestEditor:
    def test_begins_with_a_rule_to_fill_in(self, visit):
        assert 'name="rules.1.name"' in page(visit("new_policy"))

    def test_begins_with_an_earlier_policy(self, visit, make_policy):
        make_policy(number=3)

        text = page(visit("new_policy", data={"from": "3"}))

        assert "A policy after policy 3" in text
        assert 'name="default.overlap" value="2"' in text

    def test_saves_a_draft(self, visit, project):
        fields = {"default.route": "human", "default.overlap": "3", "note": "for the pilot"}

        response = visit("new_policy", method="post", data=fields | {"do": "save"})

        policy = RoutingPolicy.objects.get()
        assert response.url == reverse("curation:policy", args=[project.slug, policy.number])
        assert (policy.content["default"]["overlap"], policy.note) == (3, "for the pilot")
        assert policy.state == PolicyState.DRAFT

    def test_tells_what_is_wrong_beside_the_field(self, visit):
        fields = {
            "rules.1.name": "hard",
            "rules.1.when.join": "all",
            "rules.1.when.all.1.fact": "dificulty",
            "rules.1.when.all.1.is": ">=",
            "rules.1.when.all.1.value": "0.5",
            "rules.1.route.route": "human",
            "default.route": "human",
        }

        response = visit("new_policy", method="post", data=fields | {"do": "save"})

        assert response.status_code == 422
        text = response.content.decode()
        assert 'id="rules.1.when.all.1.fact-error"' in text
        assert "did you mean “difficulty”?" in text
        assert not RoutingPolicy.objects.exists()

    def test_adds_a_rule_without_script(self, visit):
        fields = {"do": "rule", "default.route": "human", "rules.1.name": "kept"}

        text = page(visit("new_policy", method="post", data=fields))

        assert 'value="kept"' in text
        assert 'name="rules.2.name"' in text

    def test_swaps_only_the_editor_for_htmx(self, visit):
        fields = {"do": "rule", "default.route": "human"}

        text = page(visit("new_policy", method="post", data=fields, HTTP_HX_REQUEST="true"))

        assert text.strip().startswith('<form method="post"')

    def test_goes_to_json_and_back(self, visit):
        fields = {"do": "json", "default.route": "human", "default.overlap": "4"}
        text = page(visit("new_policy", method="post", data=fields))
        assert "&quot;overlap&quot;: 4" in text

        typed = json.dumps({"default": {"route": "human", "overlap": 5}})
        back = {"do": "form", "as": "json", "json": typed}
        assert 'name="default.overlap" value="5"' in page(
            visit("new_policy", method="post", data=back)
        )

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ("{", "This is no JSON"),
            ("[" * 100_000, "JSON"),
            ("9" * 5_000, "too many digits"),
            ('{"default": {"route": "nobody"}}', "choose one of"),
            ('{"rules": 3}', "give a list"),
            ("7", "give an object"),
        ],
    )
    @pytest.mark.parametrize("action", ["save", "form"])
    def test_refuses_json_that_is_none_or_no_policy(self, visit, typed, told, action):
        fields = {"do": action, "as": "json", "json": typed}

        response = visit("new_policy", method="post", data=fields)

        assert response.status_code == 422
        assert told in response.content.decode()

    @pytest.mark.parametrize(
        "action", ["", " ", "\t", "dance", "up", "up two", "drop 1", "rule 1", "up " + "9" * 5_000]
    )
    def test_refuses_a_button_that_it_does_not_have(self, visit, action):
        fields = {"do": action, "default.route": "human", "rules.1.name": "kept"}

        response = visit("new_policy", method="post", data=fields)

        assert response.status_code == 422
        text = response.content.decode()
        assert "no such button" in text
        assert 'value="kept"' in text

    @pytest.mark.parametrize("typed", ["[]", "[1]", '{"rules": 5}', '{"rules": [1]}', "{}", "7"])
    @pytest.mark.parametrize("action", ["rule", "test 1", "up 1", "learn", " "])
    def test_refuses_a_button_of_the_form_for_json(self, visit, typed, action):
        fields = {"do": action, "as": "json", "json": typed}

        response = visit("new_policy", method="post", data=fields)

        assert response.status_code == 422
        assert "Edit it in a form" in response.content.decode()

    @pytest.mark.parametrize(
        "fields",
        [
            {"as": "json", "json": "[" * 900 + "]" * 900},
            {"as": "json", "json": '{"\\ud800": 1}'},
            {"as": "json", "json": '{"rules": [{"name": "\\ud800"}]}'},
            {"note": "\x00"},
            {"note": "x" * 301},
            {"rules.1.name": "deep", "rules.1.when": "[" * 900 + "]" * 900},
            {"rules.1.name": "deep", "rules.1.when": "[" * 100_000},
        ],
    )
    @pytest.mark.parametrize("action", ["save", "json"])
    def test_fails_at_nothing_that_is_typed(self, visit, fields, action):
        response = visit("new_policy", method="post", data=fields | {"do": action})

        assert response.status_code == 422 or (action == "json" and response.status_code == 200)
        assert not RoutingPolicy.objects.exists()

    def test_refuses_a_judge_that_there_is_not(self, visit):
        fields = {"do": "save", "default.route": "judge", "default.judges": "nobody 1"}

        response = visit("new_policy", method="post", data=fields)

        assert response.status_code == 422
        assert "There is no judge “nobody 1”" in response.content.decode()

    def test_shows_what_was_typed_as_text(self, visit):
        fields = {"do": "rule", "rules.1.name": '"><script>alert(1)</script>'}

        assert "<script>alert(1)" not in page(visit("new_policy", method="post", data=fields))


class TestPolicy:
    @pytest.fixture
    def looked_at(self, make_policy, make_judge, make_comparison, project, noon):
        """A policy of two rules with its dry run."""
        make_judge(budget=10)
        content = {
            "rules": [
                {
                    "name": "hard",
                    "when": {"fact": "difficulty", "is": ">=", "value": 0.5},
                    "route": {"route": "human", "overlap": 3},
                }
            ],
            "default": {"route": "judge", "judges": ["strict 1"]},
        }
        policy = make_policy(content)
        for difficulty in (0.2, 0.8):
            Signals.objects.create(
                project=project, comparison=make_comparison(), family=SignalFamily.DIFFICULTY,
                version=1, values={"difficulty": difficulty}, computed_at=noon,
            )  # fmt: skip
        simulations.ask_for_simulation(policy=policy, user=None, now=noon)
        simulations.simulate_next(now=noon)
        return policy

    def test_asks_for_a_dry_run_first(self, visit, make_policy):
        make_policy()

        text = page(visit("policy", 1))

        assert "Look at its dry run before you activate it" in text
        assert "None yet" in text

    def test_asks_for_one_and_shows_how_far_it_is(self, visit, make_policy):
        make_policy()

        visit("simulate_policy", 1, method="post")
        waiting = page(visit("policy", 1))
        Simulation.objects.update(state=WorkState.RUNNING, progress=0.6)
        running = page(visit("policy", 1, data={"part": "simulation"}, HTTP_HX_REQUEST="true"))

        assert "Waiting for a worker" in waiting
        assert 'value="0.60"' in running
        assert "<h2" not in running

    def test_shows_the_whole_page_once_it_is_done(self, visit, looked_at):
        response = visit("policy", 1, data={"part": "simulation"}, HTTP_HX_REQUEST="true")

        assert response["HX-Refresh"] == "true"

    def test_shows_what_a_dry_run_found(self, visit, looked_at):
        text = page(visit("policy", 1))

        assert "1. hard" in text
        assert "difficulty 0.8 is at least 0.5" in text
        assert "too little" in text  # of the judge's budget
        assert "nobody knows yet how often one label is right" in text
        assert "Look at its dry run" not in text

    def test_says_that_it_compares_with_another_policy_than_is_active_now(
        self, visit, looked_at, make_policy
    ):
        make_policy(number=2, state=PolicyState.ACTIVE)

        assert "dry-run it again" in page(visit("policy", 1))

    def test_keeps_the_last_result_while_the_next_is_worked_out(self, visit, looked_at):
        visit("simulate_policy", 1, method="post")

        text = page(visit("policy", 1))

        assert "Waiting for a worker" in text
        assert "1. hard" in text

    def test_shows_why_a_dry_run_failed(self, visit, make_policy, project, noon):
        Simulation.objects.create(
            project=project, policy=make_policy(), state=WorkState.FAILED, error="No.",
            created_at=noon,
        )  # fmt: skip

        assert "The dry run failed: No." in page(visit("policy", 1))

    def test_activates_retires_and_switches_back(self, visit, make_policy, project):
        for number in (1, 2):
            make_policy(number=number)

        visit("activate_policy", 1, method="post")
        visit("activate_policy", 2, method="post")
        assert "Former policy 1" in page(visit("policy", 2))
        assert "Switch back to it" in page(visit("policy", 1))
        visit("activate_policy", 1, method="post")
        visit("retire_policy", method="post")

        states = dict(RoutingPolicy.objects.values_list("number", "state"))
        assert states == {1: PolicyState.RETIRED, 2: PolicyState.RETIRED}

    def test_warns_of_a_paused_judge_and_refuses_one_out_of_use(
        self, visit, make_judge, make_policy
    ):
        make_judge(state=JudgeState.PAUSED)
        make_judge(state=JudgeState.SUSPENDED)
        for number in (1, 2):
            content = {"default": {"route": "judge", "judges": [f"strict {number}"]}}
            make_policy(content, number=number)

        visit("activate_policy", 1, method="post", data={})
        text = page(visit("routing"))
        refused = visit("activate_policy", 2, method="post", data={})

        assert "Paused, and asked only when let go on: strict 1." in text
        assert refused.status_code == 400
        assert RoutingPolicy.objects.get(state=PolicyState.ACTIVE).number == 1

    def test_offers_a_researcher_no_button_to_activate(self, enter, make_policy):
        make_policy()

        text = page(enter(Role.RESEARCHER)("policy", 1))

        assert "An admin of the project can activate it." in text
        assert "/activate/" not in text


class TestNotice:
    def test_tells_admins_on_every_page_of_slices_turned_to_people(
        self, visit, client, project, noon
    ):
        Guard.objects.create(
            project=project, slice="hard", state=GuardState.TURNED, limit=0.2, updated_at=noon
        )

        overview = client.get(reverse("annotation:project", args=[project.slug]))

        assert reverse("curation:routing_notice", args=[project.slug]) in page(overview)
        assert "People judge “hard” now" in page(visit("routing_notice"))

    def test_is_nothing_where_none_is_turned(self, visit):
        assert page(visit("routing_notice")).strip() == ""

    def test_is_not_asked_for_by_others(self, enter, client, project):
        enter(Role.RESEARCHER)

        overview = client.get(reverse("annotation:project", args=[project.slug]))

        assert "routing/notice" not in page(overview)


class TestClearGuard:
    def test_clears_a_slice(self, visit, project, noon):
        guard = Guard.objects.create(
            project=project, slice="hard", state=GuardState.TURNED, limit=0.2, updated_at=noon
        )

        visit("clear_guard", guard.pk, method="post")

        guard.refresh_from_db()
        assert guard.state == GuardState.CLEARED
        assert AuditEvent.objects.get(action="routing.slice_cleared").actor.username == "user-admin"

    def test_knows_nothing_of_other_projects(self, visit, make_project, noon):
        guard = Guard.objects.create(
            project=make_project(), slice="hard", limit=0.2, updated_at=noon
        )

        assert visit("clear_guard", guard.pk, method="post").status_code == 404
