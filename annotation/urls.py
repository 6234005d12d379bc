from django.urls import path, register_converter

from annotation.views import (
    account,
    comparisons,
    feedback,
    guidelines,
    home,
    imports,
    items,
    judge_canaries,
    judge_pages,
    judge_progress,
    judge_runs,
    judges,
    judging,
    people,
    profile,
    projects,
    quality,
)


class Key:
    """A row's number in one spelling: no leading zero, and small enough for the database."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(Key, "key")

app_name = "annotation"
urlpatterns = [
    path("", home.home, name="home"),
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("account/", account.account, name="account"),
    path("account/password/", account.change_password, name="password"),
    path("account/tokens/", account.issue_token, name="issue_token"),
    path("account/tokens/<key:token_id>/revoke/", account.revoke_token, name="revoke_token"),
    path("account/profile/", profile.show, name="profile"),
    path("account/profile/save/", profile.save, name="save_profile"),
    path("account/profile/consent/", profile.consent, name="give_consent"),
    path("account/profile/withdraw/", profile.withdraw, name="withdraw_consent"),
    path("new-project/", home.new_project, name="new_project"),
    path("projects/<slug:slug>/", projects.project, name="project"),
    path("projects/<slug:slug>/items/", items.item_list, name="items"),
    path("projects/<slug:slug>/items/<key:item_id>/", items.item, name="item"),
    path(
        "projects/<slug:slug>/comparisons/<key:comparison_id>/",
        comparisons.comparison,
        name="comparison",
    ),
    path("projects/<slug:slug>/judgments/", comparisons.judgments, name="judgments"),
    path("projects/<slug:slug>/guidelines/", guidelines.show, name="guidelines"),
    path("projects/<slug:slug>/guidelines/edit/", guidelines.edit, name="guidelines_edit"),
    path("projects/<slug:slug>/people/", people.show, name="people"),
    path("projects/<slug:slug>/people/add/", people.add, name="add_member"),
    path("projects/<slug:slug>/people/invite/", people.invite, name="invite"),
    path("projects/<slug:slug>/people/<key:user_id>/", people.change_role, name="change_role"),
    path(
        "projects/<slug:slug>/people/<key:user_id>/expertise/",
        people.set_expertise,
        name="set_expertise",
    ),
    path("projects/<slug:slug>/people/<key:user_id>/remove/", people.remove, name="remove_member"),
    path("projects/<slug:slug>/quality/", quality.quality, name="quality"),
    path("projects/<slug:slug>/judges/", quality.judges, name="judges"),
    path("projects/<slug:slug>/judges/add/", judges.add_judge, name="add_judge"),
    path("projects/<slug:slug>/judges/compare/", judge_pages.compare_judges, name="compare_judges"),
    path("projects/<slug:slug>/judges/endpoints/add/", judges.add_endpoint, name="add_endpoint"),
    path(
        "projects/<slug:slug>/judges/endpoints/<key:endpoint_id>/",
        judges.endpoint,
        name="endpoint",
    ),
    path(
        "projects/<slug:slug>/judges/endpoints/<key:endpoint_id>/look/",
        judges.look_at_endpoint,
        name="look_at_endpoint",
    ),
    path("projects/<slug:slug>/judges/templates/add/", judges.add_template, name="add_template"),
    path(
        "projects/<slug:slug>/judges/templates/<key:template_id>/",
        judges.template,
        name="prompt_template",
    ),
    path("projects/<slug:slug>/judges/<key:judge_id>/", judge_pages.own_judge, name="own_judge"),
    path(
        "projects/<slug:slug>/judges/<key:judge_id>/change/",
        judges.change_judge,
        name="change_judge",
    ),
    path(
        "projects/<slug:slug>/judges/<key:judge_id>/state/", judges.judge_state, name="judge_state"
    ),
    path(
        "projects/<slug:slug>/judges/<key:judge_id>/budget/",
        judges.judge_budget,
        name="judge_budget",
    ),
    path(
        "projects/<slug:slug>/judges/<key:judge_id>/canaries/",
        judge_canaries.judge_canaries_page,
        name="judge_canaries",
    ),
    path(
        "projects/<slug:slug>/judges/<key:judge_id>/canaries/ask/",
        judge_canaries.check_judge,
        name="check_judge",
    ),
    path("projects/<slug:slug>/judges/<key:judge_id>/try/", judge_runs.try_judge, name="try_judge"),
    path("projects/<slug:slug>/judges/<key:judge_id>/run/", judge_runs.new_run, name="new_run"),
    path(
        "projects/<slug:slug>/judges/<key:judge_id>/runs/<key:number>/",
        judge_progress.judge_run,
        name="judge_run",
    ),
    path(
        "projects/<slug:slug>/judges/<key:judge_id>/runs/<key:number>/state/",
        judge_runs.run_state,
        name="run_state",
    ),
    path("projects/<slug:slug>/leaderboard/", quality.leaderboard, name="leaderboard"),
    path("projects/<slug:slug>/feedback/", feedback.show, name="feedback"),
    path("projects/<slug:slug>/feedback/upload/", feedback.upload, name="take_feedback"),
    path("projects/<slug:slug>/annotators/me/", quality.my_quality, name="my_quality"),
    path(
        "projects/<slug:slug>/annotators/<key:annotator_id>/",
        quality.annotator,
        name="annotator",
    ),
    path("projects/<slug:slug>/settings/", projects.settings, name="settings"),
    path("projects/<slug:slug>/settings/criteria/", projects.criteria, name="criteria"),
    path("projects/<slug:slug>/settings/state/", projects.state, name="state"),
    path("projects/<slug:slug>/imports/", imports.import_list, name="imports"),
    path("projects/<slug:slug>/imports/new/", imports.new_import, name="new_import"),
    path("projects/<slug:slug>/imports/<key:import_id>/", imports.show_import, name="import"),
    path(
        "projects/<slug:slug>/imports/<key:import_id>/preview/",
        imports.import_preview,
        name="import_preview",
    ),
    path(
        "projects/<slug:slug>/imports/<key:import_id>/discard/",
        imports.discard_import,
        name="discard_import",
    ),
    path(
        "projects/<slug:slug>/imports/<key:import_id>/refusals.jsonl",
        imports.refusals_file,
        name="refusals_file",
    ),
    path("projects/<slug:slug>/judge/", judging.judge, name="judge"),
    path("projects/<slug:slug>/judge/next/", judging.next_panel, name="judge-next"),
    path("projects/<slug:slug>/judge/last/", judging.last, name="judge-last"),
    path("judge/slots/<key:slot_id>/", judging.reopen, name="reopen"),
    path("judge/slots/<key:slot_id>/judgment/", judging.submit, name="submit"),
    path("judge/slots/<key:slot_id>/skip/", judging.skip, name="skip"),
    path("judge/slots/<key:slot_id>/release/", judging.release, name="release"),
    path("judge/slots/<key:slot_id>/renew/", judging.renew, name="renew"),
    path("judge/slots/<key:slot_id>/draft/", judging.draft, name="draft"),
    path("judge/judgments/<key:judgment_id>/", judging.said, name="said"),
    path("judge/judgments/<key:judgment_id>/correction/", judging.correct, name="correct"),
]
