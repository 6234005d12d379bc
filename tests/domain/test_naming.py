import pytest

from annotation.domain.errors import InvalidField
from annotation.domain.naming import visible_name


class TestVisibleName:
    @pytest.mark.parametrize("name", ["Haiku", "俳句", "Zoë’s set (2)", "क्ष"])
    def test_keeps_a_name_as_it_is(self, name):
        assert visible_name(name, field="name", longest=50) == name

    @pytest.mark.parametrize("name", ["", " ", "a\x00b", "a\u202eb", "a\u200bb", "a\nb", "a" * 51])
    def test_refuses_blank_long_or_hidden(self, name):
        with pytest.raises(InvalidField) as refusal:
            visible_name(name, field="name", longest=50)

        assert refusal.value.field == "name"
