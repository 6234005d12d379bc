import pytest

from annotation.domain.families import model_family


class TestModelFamily:
    @pytest.mark.parametrize(
        ("name", "family"),
        [
            ("gpt-4-0613", "gpt"),
            ("openai/gpt-3.5-turbo", "gpt"),
            ("text-davinci-003", "gpt"),
            ("o1-mini-2024-09-12", "gpt"),
            ("Claude-2", "claude"),
            ("llama-2-70b-chat", "llama"),
            ("meta-llama/Llama-3-8b", "llama"),
            ("palm-2", "gemini"),
            ("olmo-7b", "olmo"),
            ("", ""),
            ("7", ""),
        ],
    )
    def test_is_the_word_that_models_of_one_maker_share(self, name, family):
        assert model_family(name) == family
