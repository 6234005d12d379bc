import json

import pytest

from annotation.services import profiles
from curation.services import storage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd(make_annotator, make_comparison, judge, noon):
    """People who judged and told their region: crowd(10, may_export=True)."""

    def crowd(n, may_export):
        comparison = make_comparison()
        for number in range(n):
            one = make_annotator(f"judge-{number}")
            judge(one, comparison, [[0], [1]])
            profiles.give_consent(
                user=one.user, demographics={"region": "Asia"}, may_export=may_export, now=noon
            )

    return crowd


def everything_in(export):
    folder = storage.export_path(export)
    return "\n".join(path.read_text() for path in folder.rglob("*.*") if path.suffix != ".parquet")


class TestAVersion:
    def test_never_tells_of_people_who_did_not_allow_it(self, crowd, cut, write, project):
        crowd(12, may_export=False)

        version = cut(project)

        assert "Asia" not in json.dumps(version.manifest)
        assert "Asia" not in everything_in(write(version, "raw"))

    def test_tells_in_groups_of_ten_what_people_allowed(self, crowd, cut, write, project):
        crowd(10, may_export=True)

        version = cut(project)

        assert version.manifest["facts"]["people"] == {"Region you live in": {"Asia": 10}}
        assert "| Region you live in | Asia | 10 |" in everything_in(write(version, "raw"))

    def test_is_the_same_whatever_people_tell_about_themselves(self, crowd, cut, project, noon):
        crowd(10, may_export=True)
        before = cut(project)
        for member in project.memberships.select_related("user"):
            profiles.withdraw_consent(user=member.user, now=noon)

        after = cut(project)

        assert after.digest == before.digest
        assert "people" not in after.manifest["facts"]
