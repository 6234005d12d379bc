import pytest

from annotation.models import Comparison, Item, Judgment
from annotation.selectors import items, paging
from annotation.selectors.paging import Cursor, page_of
from annotation.services.aggregation import refresh_next_stale


@pytest.fixture
def judge(noon):
    """Record a judgment: judge(comparison, annotator, [[best], [worst]])."""

    def judge(comparison, annotator, ranking):
        Judgment.objects.create(
            project=comparison.project,
            comparison=comparison,
            annotator=annotator,
            outcome="ranked",
            ranking=ranking,
            judged_at=noon,
        )
        Comparison.objects.filter(pk=comparison.pk).update(stale_since=noon)
        refresh_next_stale(now=noon)

    return judge


@pytest.fixture
def in_each_state(make_comparison, project, ann, bob, judge):
    """One item in each state, by the name of the state."""
    project.settle_min_votes = 2
    project.save()
    made = {name: make_comparison(slots=1) for name in ("open", "judged", "settled", "disputed")}
    made["unjudged"] = make_comparison(slots=0)
    for name in ("judged", "settled", "disputed"):
        first, second = made[name].response_ids
        judge(made[name], ann, [[first], [second]])
        if name != "judged":
            judge(
                made[name], bob, [[first], [second]] if name == "settled" else [[second], [first]]
            )
    return {name: comparison.item_id for name, comparison in made.items()}


def ids(page):
    return [row.id for row in page.rows]


class TestItemsPage:
    @pytest.mark.parametrize(
        ("state", "found"),
        [
            ("open", {"open", "judged", "settled", "disputed"}),
            ("judged", {"judged", "settled", "disputed"}),
            ("unjudged", {"open", "unjudged"}),
            ("settled", {"settled"}),
            ("disputed", {"disputed"}),
        ],
    )
    def test_finds_items_by_their_state(self, project, in_each_state, state, found):
        page = items.items_page(project, Cursor(), state=state)

        assert ids(page) == sorted(in_each_state[name] for name in found)

    def test_badges_each_item_with_its_state(self, project, in_each_state):
        page = items.items_page(project, Cursor())

        assert {row.id: row.state for row in page.rows} == {
            item: name for name, item in in_each_state.items()
        }

    def test_finds_what_a_prompt_says_and_not_its_keys(self, project, make_item):
        quoted = make_item(prompt='Say "user\\role" twice.\nThen stop.')
        make_item(prompt="Write.")

        assert ids(items.items_page(project, Cursor(), text='"USER\\role" twice.\nThen')) == [
            quoted.id
        ]
        assert ids(items.items_page(project, Cursor(), text="content")) == []

    def test_takes_signs_of_patterns_by_their_letter(self, project, make_item):
        make_item(external_id="abc")
        percent = make_item(external_id="a%c")

        assert ids(items.items_page(project, Cursor(), id_prefix="a%")) == [percent.id]

    def test_shows_no_item_of_another_project(self, project, make_project, make_item):
        make_item(project=make_project())

        assert ids(items.items_page(project, Cursor())) == []

    def test_asks_as_many_queries_for_many_items_as_for_one(
        self, project, make_comparison, django_assert_num_queries
    ):
        for _ in range(8):
            make_comparison(slots=2)

        with django_assert_num_queries(6):
            items.items_page(project, Cursor())


class TestPageOf:
    @pytest.fixture
    def numbered(self, make_item, project):
        made = [make_item().id for _ in range(10)]
        return Item.objects.filter(project=project), made

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_walks_forth_and_back_over_every_row_once(self, numbered, newest_first):
        rows, made = numbered
        order = made[::-1] if newest_first else made

        pages, cursor = [], Cursor()
        while True:
            page = page_of(rows, cursor, size=3, newest_first=newest_first)
            pages.append(page)
            if page.after is None:
                break
            cursor = Cursor(after=page.after)
        back = []
        while page.before is not None:
            page = page_of(rows, Cursor(before=page.before), size=3, newest_first=newest_first)
            back.append(page)

        assert [ids(page) for page in pages] == [order[0:3], order[3:6], order[6:9], order[9:]]
        assert [ids(page) for page in back] == [order[6:9], order[3:6], order[0:3]]

    def test_stops_looking_after_a_stretch_and_goes_on_behind_it(self, numbered, monkeypatch):
        rows, made = numbered
        monkeypatch.setattr(paging, "MOST_SCANNED", 5)

        def last(found):
            return found.filter(pk=made[-1])

        first = page_of(rows, Cursor(), matching=last)
        second = page_of(rows, Cursor(after=first.after), matching=last)

        assert (ids(first), first.is_partial) == ([], True)
        assert (ids(second), second.is_partial, second.after) == ([made[-1]], False, None)
