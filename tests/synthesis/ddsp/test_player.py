import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.synthesis.ddsp.player import BATCH_FRAMES, FILLED, FILLED_FRAMES, _grouped


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3 * BATCH_FRAMES)), min_size=1, max_size=60))
def test_every_note_is_in_one_batch_of_its_kind_with_little_silence(notes):
    label, hops = (np.array(column) for column in zip(*notes, strict=True))
    batches = list(_grouped(label, hops))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(notes)))
    for some in batches:
        frames = int(hops[some].max()) * len(some)
        assert len(set(label[some].tolist())) == 1
        assert len(some) == 1 or frames <= BATCH_FRAMES
        assert frames - hops[some].sum() <= max(FILLED_FRAMES, FILLED * frames)
