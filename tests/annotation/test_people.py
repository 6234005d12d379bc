import threading

import pytest
from django.db import connection

from annotation.domain.errors import InvalidField, NotFound
from annotation.domain.vocabulary import Role
from annotation.models import Judgment, Membership, Project, User
from annotation.services import people
from annotation.services.people import AlreadyMember, LastAdmin, NameTaken


@pytest.fixture
def boss(make_user, join, project):
    user = make_user("boss")
    join(user, project, Role.ADMIN)
    return user


class TestCreateUser:
    def test_returns_a_password_that_opens_the_login(self, db, noon):
        user, password = people.create_user(actor=None, username="zoë", now=noon)

        assert user.check_password(password)

    @pytest.mark.parametrize("name", ["", "a b", "a\u200bb", "x" * 151])
    def test_refuses_a_name_that_no_login_can_have(self, db, noon, name):
        with pytest.raises(InvalidField):
            people.create_user(actor=None, username=name, now=noon)

    def test_refuses_a_name_that_differs_only_by_case(self, make_user, noon):
        make_user("ann")

        with pytest.raises(NameTaken):
            people.create_user(actor=None, username="Ann", now=noon)


class TestInvitePerson:
    def test_makes_no_login_when_the_name_is_taken(self, boss, project, noon):
        with pytest.raises(NameTaken):
            people.invite_person(
                actor=boss, project=project, username="boss", role=Role.ANNOTATOR, now=noon
            )

        assert User.objects.count() == 1


class TestAddMember:
    def test_refuses_a_name_that_nobody_has(self, boss, project, noon):
        with pytest.raises(NotFound):
            people.add_member(
                actor=boss, project=project, username="nobody", role=Role.ANNOTATOR, now=noon
            )

    def test_refuses_somebody_who_is_in(self, boss, project, noon):
        with pytest.raises(AlreadyMember):
            people.add_member(
                actor=boss, project=project, username="boss", role=Role.ANNOTATOR, now=noon
            )


class TestTheLastAdmin:
    def test_cannot_be_removed(self, boss, project, noon):
        with pytest.raises(LastAdmin):
            people.remove_member(actor=boss, project=project, user_id=boss.id, now=noon)

    def test_cannot_step_down(self, boss, project, noon):
        with pytest.raises(LastAdmin):
            people.change_role(
                actor=boss,
                project=project,
                user_id=boss.id,
                role=Role.REVIEWER,
                is_expert=False,
                now=noon,
            )

    @pytest.mark.django_db(transaction=True)
    def test_remains_when_two_admins_remove_each_other_at_once(
        self, boss, project, make_user, join, noon
    ):
        rival = make_user("rival")
        join(rival, project, Role.ADMIN)
        start = threading.Barrier(2)

        def remove(user_id):
            try:
                start.wait()
                people.remove_member(
                    actor=None, project=Project(pk=project.pk), user_id=user_id, now=noon
                )
            except LastAdmin:
                pass
            finally:
                connection.close()

        threads = [threading.Thread(target=remove, args=[user.id]) for user in (boss, rival)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert Membership.objects.filter(project=project, role=Role.ADMIN).count() == 1


class TestRemoveMember:
    def test_keeps_the_judgments_of_the_person(self, boss, project, ann, make_comparison, noon):
        comparison = make_comparison()
        Judgment.objects.create(
            project=project, comparison=comparison, annotator=ann, outcome="unsure", judged_at=noon
        )

        people.remove_member(actor=boss, project=project, user_id=ann.user_id, now=noon)

        assert Judgment.objects.get().annotator == ann
        assert not Membership.objects.filter(user=ann.user).exists()
