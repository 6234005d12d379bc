from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from curation.domain.anchors import anchors_of

DAY = datetime(2026, 3, 1, tzinfo=UTC)
PROMPTS = st.builds(
    lambda number: (DAY + timedelta(days=number // 3), f"prompt-{number}"), st.integers(0, 12)
)
GROUPS = st.lists(st.lists(PROMPTS, min_size=1, max_size=4), max_size=8)


class TestAnchorsOf:
    def test_takes_the_earliest_then_the_least(self):
        later = (DAY + timedelta(days=1), "a")

        assert anchors_of([[later, (DAY, "c"), (DAY, "b")]]) == {"a": "b", "b": "b", "c": "b"}

    def test_joins_groups_that_share_a_prompt(self):
        shared = (DAY + timedelta(days=2), "shared")

        anchors = anchors_of([[(DAY, "a"), shared], [shared, (DAY + timedelta(days=1), "b")]])

        assert set(anchors.values()) == {"a"}

    @given(GROUPS)
    def test_gives_all_prompts_of_a_group_one_anchor_among_them_or_before(self, groups):
        anchors = anchors_of(groups)

        for group in groups:
            assert len({anchors[digest] for _, digest in group}) == 1
        assert all(anchors[anchor] == anchor for anchor in anchors.values())

    @given(GROUPS, st.randoms(use_true_random=False))
    def test_does_not_depend_on_any_order(self, groups, chance):
        shuffled = [chance.sample(group, len(group)) for group in groups]
        chance.shuffle(shuffled)

        assert anchors_of(shuffled) == anchors_of(groups)

    @given(GROUPS, st.lists(PROMPTS, min_size=1, max_size=4))
    def test_never_moves_a_group_for_what_comes_later(self, groups, more):
        later = [(at + timedelta(days=100), f"new-{digest}") for at, digest in more]
        known = groups[0][:1] if groups else []

        before, after = anchors_of(groups), anchors_of([*groups, [*known, *later]])

        assert {digest: after[digest] for digest in before} == before
