from annotation.domain.differences import Line, lines_changed


class TestLinesChanged:
    def test_is_empty_for_the_same_lines(self):
        assert lines_changed("a\nb", "a\nb\n") == []

    def test_shows_what_went_before_what_came(self):
        assert lines_changed("a\nold", "a\nnew") == [
            Line("same", "a"),
            Line("removed", "old"),
            Line("added", "new"),
        ]

    def test_leaves_out_what_lies_far_from_a_change(self):
        before = [str(number) for number in range(30)]
        after = ["first", *before[1:-1], "last"]

        lines = lines_changed("\n".join(before), "\n".join(after))

        assert [line.kind for line in lines].count("gap") == 1
        assert "15" not in [line.text for line in lines]
