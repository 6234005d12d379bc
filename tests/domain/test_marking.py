from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.marking import Mark, Segment, segments_of

marks = st.builds(Mark, st.integers(0, 30), st.integers(0, 30), st.sampled_from(["good", "bad"]))


class TestSegmentsOf:
    @given(st.text(max_size=25), st.lists(marks, max_size=5))
    def test_join_to_the_very_text(self, text, marks):
        segments = segments_of(text, marks)

        assert "".join(segment.text for segment in segments) == text
        assert all(segment.text for segment in segments)

    @given(st.text(min_size=1, max_size=25), st.lists(marks, max_size=5))
    def test_label_each_letter_by_every_mark_upon_it(self, text, marks):
        labels = [segment.labels for segment in segments_of(text, marks) for _ in segment.text]

        for place, upon in enumerate(labels):
            assert set(upon) == {m.label for m in marks if m.start <= place < m.end}

    def test_overlap_where_two_marks_do(self):
        marks = [Mark(0, 3, "good"), Mark(2, 5, "bad")]

        assert segments_of("abcdef", marks) == [
            Segment("ab", ("good",)),
            Segment("c", ("good", "bad")),
            Segment("de", ("bad",)),
            Segment("f", ()),
        ]
