import pytest
from django.urls import reverse

from annotation.domain.vocabulary import Role
from curation.domain.formats import Format
from curation.models import Dataset, Version
from curation.tasks import build_versions

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita(make_user, join, project, client):
    user = make_user("rita")
    join(user, project, Role.RESEARCHER)
    client.force_login(user)
    return user


@pytest.fixture
def recipe():
    return {
        "name": "Haiku, people only",
        "description": "",
        "projects": ["haiku"],
        "kinds": ["human"],
        "min_agreement": "0.5",
        "pairs": "all_pairs",
        "validation": "0",
        "test": "10",
        "seed": "spring",
    }


class TestDatasetPages:
    def test_show_a_researcher_the_dataset_of_each_project(self, client, rita):
        page = client.get(reverse("curation:datasets"))

        assert "no version yet" in page.content.decode()
        assert reverse("curation:dataset", args=["haiku"]) in page.content.decode()

    def test_are_empty_for_somebody_without_projects(self, client, make_user):
        client.force_login(make_user("eve"))

        assert "No datasets yet" in client.get(reverse("curation:datasets")).content.decode()

    def test_do_not_exist_for_an_annotator(self, client, make_user, join, project):
        user = make_user("al")
        join(user, project, Role.ANNOTATOR)
        client.force_login(user)

        assert client.get(reverse("curation:dataset", args=["haiku"])).status_code == 404

    def test_save_a_recipe(self, client, rita, recipe):
        client.post(reverse("curation:change_dataset", args=["haiku"]), recipe)

        dataset = Dataset.objects.get()
        assert dataset.name == "Haiku, people only"
        assert dataset.recipe["kinds"] == ["human"]
        assert dataset.recipe["split"] == {"seed": "spring", "validation": 0, "test": 10}

    def test_say_what_is_wrong_with_a_recipe(self, client, rita, recipe):
        url = reverse("curation:change_dataset", args=["haiku"])

        answer = client.post(url, recipe | {"test": "95"})

        assert answer.status_code == 422
        assert "90" in answer.content.decode()

    def test_make_another_dataset(self, client, rita, recipe):
        answer = client.post(reverse("curation:new_dataset"), recipe | {"slug": "people"})

        assert answer.url == reverse("curation:dataset", args=["people"])

    def test_never_cut_on_a_mere_look(self, client, rita):
        assert client.get(reverse("curation:cut", args=["haiku"])).status_code == 405


@pytest.mark.django_db(transaction=True)
class TestVersionPage:
    def test_goes_from_the_button_to_the_download(self, client, rita, judge, make_comparison, ann):
        judge(ann, make_comparison(texts=("<b>good</b>", "bad")), [[0], [1]])
        judge(ann, make_comparison(), [[0, 1]])

        asked = client.post(reverse("curation:cut", args=["haiku"]), follow=True)
        assert "Waiting for a worker" in asked.content.decode()
        build_versions()
        url = reverse("curation:version", args=["haiku", 1])
        page = client.get(url).content.decode()
        assert "the annotators found the responses equal" in page
        assert "&lt;b&gt;good&lt;/b&gt;" in page
        export = reverse("curation:export", args=["haiku", 1])
        client.post(export, {"format": Format.TRL_PREFERENCE})
        assert "Being written" in client.get(url).content.decode()
        build_versions()

        names = ["haiku", 1, Format.TRL_PREFERENCE.value, "data/train-00000-of-00001.parquet"]
        link = reverse("api-export-file", args=names)
        assert link in client.get(url).content.decode()
        assert client.get(link).status_code == 200

    def test_asks_the_browser_to_reload_once_the_version_is_done(
        self, client, rita, make_comparison
    ):
        make_comparison()
        client.post(reverse("curation:cut", args=["haiku"]))
        url = reverse("curation:version", args=["haiku", 1]) + "?part=state"
        waiting = client.get(url, headers={"HX-Request": "true"})
        build_versions()

        done = client.get(url, headers={"HX-Request": "true"})

        assert "every 2s" in waiting.content.decode()
        assert done["HX-Refresh"] == "true"

    def test_says_why_a_version_failed(self, client, rita, make_comparison):
        make_comparison()
        client.post(reverse("curation:cut", args=["haiku"]))
        Version.objects.update(state="failed", error="The disk is full.")

        page = client.get(reverse("curation:version", args=["haiku", 1])).content.decode()

        assert "The disk is full." in page

    def test_knows_no_other_format(self, client, rita, make_comparison):
        make_comparison()
        client.post(reverse("curation:cut", args=["haiku"]))
        build_versions()

        url = reverse("curation:export", args=["haiku", 1])
        assert client.post(url, {"format": "exe"}).status_code == 404
