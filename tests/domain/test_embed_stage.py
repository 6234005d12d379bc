import pickle

import numpy as np
import pyarrow as pa
import pytest

from curation.domain.embedding.encoder import default_model
from curation.domain.embedding.stages import EmbedStage

TABLE = pa.table({"digest": [b"1", b"2", b"3"], "text": ["one text", "", "another text"]})


@pytest.fixture(scope="module")
def stage():
    return EmbedStage(default_model(), "cpu")


class TestEmbedStage:
    def test_gives_a_vector_a_row_beside_its_digest(self, stage):
        found = stage(TABLE)

        assert found["digest"].to_pylist() == [b"1", b"2", b"3"]
        assert found.schema.field("vector").type == pa.list_(pa.float16(), 384)
        assert found["n_chunks"].to_pylist() == [1, 0, 1]
        lengths = np.linalg.norm(np.stack(found["vector"].to_numpy()).astype(np.float32), axis=1)
        np.testing.assert_allclose(lengths, [1, 0, 1], atol=1e-3)

    def test_gives_the_same_table_again_wherever_it_runs(self, stage):
        travelled = pickle.loads(pickle.dumps(stage))

        assert travelled(TABLE).equals(stage(TABLE))

    def test_joins_the_pieces_of_a_chunked_column(self, stage):
        pieces = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])

        assert stage(pieces).equals(stage(TABLE))

    def test_gives_an_empty_table_for_one(self, stage):
        found = stage(TABLE.slice(0, 0))

        assert found.num_rows == 0
        assert found.schema == stage(TABLE).schema

    def test_gives_single_precision_where_asked(self, stage):
        single = EmbedStage(default_model(), "cpu", half=False)
        single.encoder = stage.encoder

        found = single(TABLE)

        assert found.schema.field("vector").type == pa.list_(pa.float32(), 384)
