from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from annotation.models import AuditEvent, Consensus, Judgment
from annotation.services import audit
from annotation.services.aggregation import refresh_next_stale
from curation.domain.formats import Format
from curation.services import storage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sound(judge, make_comparison, ann, noon):
    """One judged comparison with its consensus and an audit chain of three links."""
    comparison = make_comparison()
    judge(ann, comparison, [[0], [1]], slot=comparison.slots.get())
    comparison.slots.update(holder=ann, filled_at=noon)
    refresh_next_stale(now=noon)
    for n in range(3):
        audit.record_event(actor=None, action="test", subject=str(n), detail={}, now=noon)
    return comparison


def tamper(statement, *values):
    """Change a row behind the triggers, as somebody with the database in their hands could."""
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("set session_replication_role = default")


def verify():
    call_command("verify", stdout=StringIO())


class TestVerify:
    def test_is_content_where_nothing_is_wrong(self, sound, cut, write, project):
        write(cut(project), Format.TRL_PREFERENCE)

        verify()

    def test_names_a_judgment_that_ranks_other_responses(self, sound):
        judgment = Judgment.objects.get()
        tamper("update judgment set ranking = '[[1, 2, 3]]'")

        with pytest.raises(CommandError, match=f"judgment {judgment.pk} ranks other responses"):
            verify()

    def test_names_a_comparison_with_more_judgments_than_slots(self, sound, judge, bob, noon):
        tamper("drop index if exists judgment_one_in_time_per_slot")
        judge(bob, sound, [[0], [1]], slot=sound.slots.get(), is_late=True)
        tamper("update judgment set is_late = false where is_late")
        try:
            with pytest.raises(CommandError, match=f"comparison {sound.pk} has 2 judgments"):
                verify()
        finally:
            tamper("update judgment set is_late = true where annotator_id = %s", bob.pk)
            tamper(
                "create unique index judgment_one_in_time_per_slot on judgment (slot_id)"
                " where slot_id is not null and supersedes_id is null and not is_late"
            )

    def test_names_a_link_of_the_audit_chain_that_was_changed(self, sound):
        event = AuditEvent.objects.order_by("id")[1]
        tamper("update audit_event set subject = 'somebody else' where id = %s", event.pk)

        with pytest.raises(CommandError, match=f"audit event {event.pk}"):
            verify()

    def test_names_a_consensus_that_does_not_follow_from_the_judgments(self, sound):
        Consensus.objects.update(n_votes=7)

        with pytest.raises(CommandError, match=f"comparison {sound.pk}"):
            verify()

    def test_names_a_version_whose_shard_was_changed(self, sound, cut, project):
        version = cut(project)
        path = storage.shard_path(version.manifest["shards"][0]["sha256"])
        path.write_bytes(path.read_bytes()[:-1] + b"x")

        with pytest.raises(CommandError, match="haiku v1: shard .* was changed"):
            verify()

    def test_names_a_file_of_an_export_that_is_gone(self, sound, cut, write, project):
        export = write(cut(project), Format.TRL_PREFERENCE)
        (storage.export_path(export) / "README.md").unlink()

        with pytest.raises(CommandError, match="README.md of haiku v1"):
            verify()
