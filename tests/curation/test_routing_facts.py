import numpy as np
import pytest

from annotation.domain.vocabulary import AnnotatorKind, Outcome
from annotation.models import Annotator, JudgeVerdict
from curation.domain.vocabulary import DuplicateKind, SignalFamily
from curation.models import DuplicateGroup, DuplicateMember, Signals
from curation.selectors import routing_facts
from curation.selectors.routing_facts import facts_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def signal(noon):
    """Note signals of a comparison: signal(comparison, SignalFamily.TEXT, prompt_words=3)."""

    def note(comparison, family, **values):
        return Signals.objects.create(
            project_id=comparison.project_id,
            comparison=comparison,
            family=family,
            version=1,
            values=values,
            computed_at=noon,
        )

    return note


def column(project, name, ids=None):
    return facts_of(project, [name], ids).columns[name].tolist()


class TestFactsOf:
    def test_reads_signals_of_every_kind(self, project, make_comparison, signal):
        known, unknown, without = (make_comparison() for _ in range(3))
        signal(known, SignalFamily.DIFFICULTY, difficulty=0.7, difficulty_is_fitted=True)
        signal(known, SignalFamily.TEXT, prompt_language="de")
        signal(unknown, SignalFamily.DIFFICULTY, difficulty=None, difficulty_is_fitted=False)

        facts = facts_of(project, ["difficulty", "difficulty_is_fitted", "prompt_language"])

        assert facts.ids.tolist() == [known.pk, unknown.pk, without.pk]
        values = [[facts.value(name, at) for name in sorted(facts.columns)] for at in range(3)]
        assert values == [[0.7, True, "de"], [None, False, None], [None, None, None]]

    def test_reads_imported_signals_by_their_own_names(self, project, make_comparison, signal):
        signal(make_comparison(), SignalFamily.IMPORTED, **{"imported.perplexity": 12})

        assert column(project, "imported.perplexity") == [12.0]

    def test_reads_metadata_as_it_is_and_tags_as_words(self, project, make_comparison):
        for value in ("gold", 3, True, ["a", "b"], {"no": "value"}, None):
            make_comparison(metadata={"tier": value, "tags": value})
        make_comparison()

        told = column(project, "metadata.tier")

        assert told == ["gold", 3, True, ("a", "b"), None, None, None]
        assert column(project, "tags") == [("gold",), None, None, ("a", "b"), None, None, None]

    def test_reads_names_with_quotes_and_percent_signs(self, project, make_comparison):
        make_comparison(metadata={"100% \"'; --": "x"})

        assert column(project, "metadata.100% \"'; --") == ["x"]

    def test_counts_people_and_knows_of_judges(self, project, make_comparison, ann, bob, judge):
        both, machine, none = (make_comparison() for _ in range(3))
        llm = Annotator.objects.create(
            project=project, kind=AnnotatorKind.LLM, name="m", created_at=project.created_at
        )
        first = judge(ann, both, [[0], [1]])
        judge(ann, both, [[1], [0]], supersedes=first)
        judge(bob, both, outcome=Outcome.BOTH_BAD)
        judge(llm, machine, [[0], [1]])

        assert column(project, "n_people") == [2, 0, 0]
        assert column(project, "has_judge_verdict") == [0, 1, 0]
        assert none.pk > machine.pk

    def test_knows_whether_a_judge_changed_with_the_order(
        self, project, make_comparison, make_judge, noon
    ):
        for is_flipped, is_trial in [(True, False), (False, False), (None, False), (True, True)]:
            JudgeVerdict.objects.create(
                project=project,
                judge=make_judge(),
                comparison=make_comparison(),
                is_trial=is_trial,
                outcome=Outcome.UNSURE,
                is_flipped=is_flipped,
                n_answers=2,
                concluded_at=noon,
            )

        facts = facts_of(project, ["judge_flipped", "has_judge_verdict"])

        assert [facts.value("judge_flipped", at) for at in range(4)] == [True, False, None, None]
        assert facts.columns["has_judge_verdict"].tolist() == [1, 1, 1, 0]

    def test_knows_who_stands_for_a_group_of_duplicates(self, project, make_comparison):
        first, second, other = (make_comparison() for _ in range(3))
        group = DuplicateGroup.objects.create(
            project=project,
            kind=DuplicateKind.EXACT,
            key=b"k" * 32,
            representative=first.item,
            n_items=2,
            similarity=1,
            grouped_at=project.created_at,
        )
        for one in (first, second):
            DuplicateMember.objects.create(group=group, item=one.item, kind=DuplicateKind.EXACT)

        assert column(project, "is_duplicate") == [0, 1, 0]
        assert other.pk > second.pk

    def test_names_the_models_of_the_responses(self, project, make_comparison):
        make_comparison()

        assert column(project, "models") == [("model-0", "model-1")]

    def test_reads_some_comparisons_of_the_project_only(
        self, project, make_project, make_comparison, ann, judge
    ):
        some, rest = make_comparison(), make_comparison()
        elsewhere = make_comparison(project=make_project())
        for one in (some, rest, elsewhere):
            judge(ann, one, [[0], [1]])

        names = ["n_people", "has_judge_verdict", "judge_flipped", "is_duplicate", "models"]
        names += ["difficulty", "metadata.x", "tags"]
        facts = facts_of(project, names, [some.pk, elsewhere.pk])

        assert facts.ids.tolist() == [some.pk]
        assert {len(values) for values in facts.columns.values()} == {1}
        assert set(facts.columns) == set(names)
        assert facts.columns["n_people"].tolist() == [1]

    def test_reads_many_comparisons_among_the_whole_project(
        self, project, make_project, make_comparison, ann, judge, signal, monkeypatch
    ):
        some, rest = make_comparison(metadata={"x": "y"}), make_comparison()
        elsewhere = make_comparison(project=make_project())
        for one in (some, rest, elsewhere):
            judge(ann, one, [[0], [1]])
            signal(one, SignalFamily.TEXT, prompt_language="de")
        monkeypatch.setattr(routing_facts, "MANY", 2)

        names = ["n_people", "prompt_language", "metadata.x", "models"]
        facts = facts_of(project, names, [elsewhere.pk, some.pk])

        assert facts.ids.tolist() == [some.pk]
        told = [facts.value(name, 0) for name in names]
        assert told == [1.0, "de", "y", ("model-0", "model-1")]

    def test_gives_empty_columns_where_nothing_is(self, project):
        facts = facts_of(project, ["difficulty", "n_people", "tags", "models", "is_duplicate"])

        assert len(facts) == 0
        assert all(values.dtype in (np.float64, object) for values in facts.columns.values())

    def test_refuses_a_fact_that_nobody_knows(self, project):
        with pytest.raises(KeyError):
            facts_of(project, ["no such fact"])
