"""The packaged model itself, from text to similar items; one load for the whole session."""

import numpy as np
import pytest

from curation.models import Embedding
from curation.selectors.similar import similar_items
from curation.selectors.vectors import active_generation
from curation.services import embedding, generations, intake

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
HOSTILE = ("", "   ", "\ufeff", "\U0001f600" * 50, "a\x01b", "ا" * 300, "word " * 3_000)


class TestThePackagedModel:
    def test_embeds_ordinary_and_hostile_texts_and_finds_what_says_the_same(self, make_item, noon):
        asked = make_item(prompt="How do I boil an egg?", texts=("Seven minutes.", "Do not."))
        alike = make_item(prompt="What is the way to cook eggs in water?")
        make_item(prompt="Prove that there are infinitely many primes.", texts=HOSTILE[:4])
        make_item(prompt="x", texts=HOSTILE[4:])
        while intake.read_next_items(now=noon):
            pass

        while embedding.embed_next_batch(now=noon):
            pass
        generations.switch_when_complete(now=noon)

        assert (active_generation().name, active_generation().dimensions) == (
            "all-MiniLM-L6-v2",
            384,
        )
        rows = Embedding.objects.all()
        lengths = np.array([np.linalg.norm(row.vector) for row in rows])
        empty = np.array([row.is_empty for row in rows])
        assert np.allclose(lengths[~empty], 1, atol=2e-3) and not lengths[empty].any()
        assert rows.get(text__n_chars=15_000).n_chunks > 10
        assert similar_items(asked)[0].item == alike
