import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest
from django.db import connection, transaction

from annotation.domain.vocabulary import AnnotatorKind
from annotation.models import Annotator, Judgment, Slot
from benchmarks import hammer as bench

CLAIMERS = 64
N_SLOTS = 600
N_NAIVE = 40
NAIVE_CLAIMERS = 24
MOST_ROUNDS = 50

# Two claims as textbooks and most tools have them; either hands out more than is wanted.
COUNT_THEN_INSERT = """
    INSERT INTO naive_claim (comparison_id, annotator_id)
    SELECT c.id, %(annotator)s FROM comparison c
    WHERE (SELECT count(*) FROM naive_claim n WHERE n.comparison_id = c.id) < 2
    ORDER BY c.id LIMIT 1
    RETURNING comparison_id
"""
LOCK_THEN_INSERT = """
    WITH free AS MATERIALIZED (
        SELECT c.id FROM comparison c
        WHERE (SELECT count(*) FROM naive_claim n WHERE n.comparison_id = c.id) < 2
        ORDER BY c.id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    INSERT INTO naive_claim (comparison_id, annotator_id) SELECT id, %(annotator)s FROM free
    RETURNING comparison_id
"""


@pytest.fixture
def crowd(db, project, noon):
    def crowd(n):
        return [
            Annotator.objects.create(
                kind=AnnotatorKind.HUMAN, name=f"person {number}", created_at=noon
            ).id
            for number in range(n)
        ]

    return crowd


@pytest.fixture
def scratch_table(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE naive_claim (comparison_id bigint, annotator_id bigint)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE naive_claim")


def in_threads(tasks):
    def closing(task):
        try:
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(closing, tasks))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestTheQueueUnderTheHammer:
    def test_gives_every_comparison_its_overlap_and_never_more(
        self, project, make_comparison, crowd
    ):
        for _ in range(N_SLOTS // 3):
            make_comparison(slots=3)
        two_tabs_each = crowd(CLAIMERS // 2) * 2

        tally = bench.hammer(project_id=project.id, annotator_ids=two_tabs_each, start=time.time())
        bench.count(project.id, tally)

        assert (tally.n_over, tally.n_missing, tally.n_doubled) == (0, 0, 0)
        assert tally.n_claims >= N_SLOTS
        assert Slot.objects.filter(filled_at__isnull=True).count() == 0
        assert Judgment.objects.filter(is_late=False).count() == N_SLOTS


@pytest.mark.slow
class TestANaiveClaim:
    @pytest.mark.parametrize("claim", [COUNT_THEN_INSERT, LOCK_THEN_INSERT])
    def test_hands_out_more_than_is_wanted(self, claim, make_comparison, scratch_table):
        for _ in range(N_NAIVE):
            make_comparison()

        # A race need not be lost the first time; that it is lost at all is what counts.
        assert any(self.claims_beyond(claim) > 0 for _ in range(MOST_ROUNDS))

    def claims_beyond(self, claim):
        """Claim all that is wanted, from many at once; says how many claims are too many."""
        annotators, start = count(1), Barrier(NAIVE_CLAIMERS)

        def claim_all():
            connection.ensure_connection()
            start.wait()
            while self.claimed(claim, next(annotators)):
                pass

        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE naive_claim")
            in_threads([claim_all] * NAIVE_CLAIMERS)
            cursor.execute("SELECT count(*) FROM naive_claim")
            return cursor.fetchone()[0] - N_NAIVE * 2

    def claimed(self, claim, annotator):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(claim, {"annotator": annotator})
            found = cursor.fetchone()
            # What a view does before it commits: reads the texts, renders them.
            time.sleep(random.uniform(0, 0.002))
            return found is not None
