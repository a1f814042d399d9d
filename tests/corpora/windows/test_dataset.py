"""Windows: what they hold, for every tokenizer and preset; that it depends on seed, epoch and number alone."""

from __future__ import annotations

import pickle
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader

from symbolic_music import tokenizers
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.augmentation import NONE, Augmentation, Change
from symbolic_music.corpora.windows.dataset import Windows
from symbolic_music.corpora.windows.packed_chunks import Packed
from symbolic_music.corpora.windows.policies import Bars, Chunks, Crops, Policy
from symbolic_music.errors import CorpusError, EmptyScoreError, OptionError
from symbolic_music.score import TEMPO, Score, Track, note_table
from tests.corpora.example_stores import band, mixed_store, piano, store_of

SHIFTS, STRETCHES = (-2, 1), (0.9, 1.0)
VARIED = Augmentation(SHIFTS, STRETCHES)
METRICAL = [(name, p) for name in ("remi", "compound") for p in ("default", "miditok", "original")]
RELATIVE = [*METRICAL, ("performance", "default"), ("performance", "score2perf"), ("anticipation", "interarrival")]
PACKED = ["default", "expressive", "interarrival"]


def all_policies() -> list[Any]:
    """(name, preset, policy) of every tokenizer with every policy that it can have."""
    cut: list[Policy[Any]] = [Crops(60), Bars(50), Bars(50, bars=2), Chunks(70)]
    out: list[Any] = [(name, p, policy) for (name, p), policy in product(RELATIVE, cut)]
    for p in PACKED:
        out += [("anticipation", p, Packed(1, context=64))]
        out += [("anticipation", p, Packed(10, context=64))] * (p != "interarrival")
    return out


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> NoteStore:
    return mixed_store(tmp_path_factory.mktemp("mixed"))


def windows(store: NoteStore, name: str, preset: str, policy: Policy[Any], **options: Any) -> Windows:
    varied = NONE if isinstance(policy, Chunks) else VARIED
    return Windows(store, tokenizers.get(name, preset=preset), policy, **{"augmentation": varied, **options})


def is_part(part: np.ndarray, whole: np.ndarray) -> bool:
    """Whether rows stand somewhere in others, in their order and without a gap."""
    if not len(whole):
        return False
    places = np.flatnonzero((whole == part[0]).reshape(len(whole), -1).all(axis=1))
    return any(np.array_equal(whole[at : at + len(part)], part) for at in places)


# -- what windows hold ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "preset"), RELATIVE)
def test_a_crop_is_a_part_of_an_encoded_variation(mixed: NoteStore, name: str, preset: str) -> None:
    tokenizer = tokenizers.get(name, preset=preset)
    changes = [Change(*c) for c in product(range(SHIFTS[0], SHIFTS[1] + 1), STRETCHES)]
    wholes = []
    for i in range(len(mixed)):
        for change in changes:
            ids = tokenizer.encode(change.applied(mixed.music(i)))
            wholes += ids if isinstance(ids, list) else [ids]
    crops = windows(mixed, name, preset, Crops(60))
    assert len(crops) >= 6
    for number in range(0, len(crops), 3):
        crop = crops[number].numpy()
        assert len(crop) == 60 or any(len(crop) == len(whole) for whole in wholes)
        assert any(is_part(crop, whole) for whole in wholes)


def test_crops_begin_everywhere(tmp_path: Path) -> None:
    store = store_of(tmp_path, [piano(7, 30)])
    tokenizer = tokenizers.get("performance")
    whole = tokenizer.encode(store.music(0)).tolist()
    crops = Windows(store, tokenizer, Crops(len(whole) - 4, per_piece=200))
    parts = {tuple(crops[i].tolist()) for i in range(200)}
    assert parts == {tuple(whole[at : at + len(whole) - 4]) for at in range(5)}


@pytest.mark.parametrize(("name", "preset"), RELATIVE)
def test_chunks_are_the_whole_piece(mixed: NoteStore, name: str, preset: str) -> None:
    tokenizer = tokenizers.get(name, preset=preset)
    chunks = Windows(mixed, tokenizer, Chunks(64))
    wholes: list[np.ndarray] = []
    for i in range(len(mixed)):
        ids = tokenizer.encode(mixed.music(i)) if len(mixed.music(i)) else []
        wholes += ids if isinstance(ids, list) else [ids]
    expected = [whole[at : at + 64].tolist() for whole in wholes for at in range(0, len(whole), 64)]
    found = [chunks[i].tolist() for i in range(len(chunks))]
    assert sorted(found) == sorted(expected)
    if not tokenizer.per_track:
        assert found == expected


@pytest.mark.parametrize(("name", "preset"), METRICAL)
def test_windows_from_a_bar_line_obey_the_grammar(mixed: NoteStore, name: str, preset: str) -> None:
    cut = windows(mixed, name, preset, Bars(40))
    tokenizer = cut.source.tokenizer
    for number in range(0, len(cut), 2):
        ids = cut[number].numpy()
        assert 1 <= len(ids) <= 40
        assert tokenizer.grammar.violation(ids) is None
        first = [tokenizer.vocabulary.name(int(i), field) for field, i in enumerate(np.atleast_1d(ids[0]))]
        assert "Bar_None" in first


@pytest.mark.parametrize(("name", "preset"), METRICAL)
def test_a_window_from_a_bar_line_has_the_notes_of_the_piece(tmp_path: Path, name: str, preset: str) -> None:
    tokenizer = tokenizers.get(name, preset=preset)

    def notes(ids: np.ndarray) -> list[tuple[int, ...]]:
        table = tokenizer.decode([ids] if tokenizer.per_track else ids).notes
        return list(zip(*(table[n].tolist() for n in ("onset", "duration", "pitch", "velocity")), strict=True))

    store = store_of(tmp_path, [piano(11, 200)])
    whole = tokenizer.encode(store.music(0))
    whole_notes = notes(whole[0] if isinstance(whole, list) else whole)
    bar = 4 * tokenizer.decode(whole).ticks_per_quarter
    cut = Windows(store, tokenizer, Bars(80, per_piece=30))
    for number in range(30):
        part = notes(cut[number].numpy())
        part = [note for note in part if note[0] < part[-1][0]]  # the last chord may be cut
        starts = range(0, whole_notes[-1][0] + 1, bar)
        moved = [[(note[0] - at, *note[1:]) for note in whole_notes if note[0] >= at][: len(part)] for at in starts]
        assert part
        assert part in moved


def test_only_the_end_of_a_piece_has_its_end(tmp_path: Path) -> None:
    tokenizer = tokenizers.get("compound", preset="original")
    store = store_of(tmp_path, [piano(11, 200)])
    whole = tokenizer.encode(store.music(0))
    eos = whole[-1].tolist()
    for policy in (Bars(30), Bars(10_000, bars=2), Bars(10_000)):
        cut = Windows(store, tokenizer, policy)
        for epoch in range(20):
            ids = cut[epoch, 0].tolist()
            # At the end of the piece the bars are those of the piece.
            bars = sum(word[2] == 1 and word[3] == 1 for word in ids)
            assert eos not in ids[:-1]
            assert ids[-1] != eos or bars <= 3 or policy.bars is None
    some = Windows(store, tokenizer, Bars(10_000, bars=2))
    ends = [some[epoch, 0].tolist()[-1] == eos for epoch in range(30)]
    assert any(ends)
    assert not all(ends)


def test_so_many_bars(mixed: NoteStore) -> None:
    tokenizer = tokenizers.get("remi")
    bar = tokenizer.vocabulary.id("Bar_None")
    cut = Windows(mixed, tokenizer, Bars(10_000, bars=3, per_piece=20))
    counts = {int((cut[i] == bar).sum()) for i in range(len(cut))}
    assert max(counts) == 3


def test_a_window_from_a_bar_line_by_hand(tmp_path: Path) -> None:
    # The note 2 ticks before the second bar is written on its line; the tempo of the first bar is in force there.
    score = Score(
        ticks_per_quarter=480,
        notes=note_table([(0, 480, 60), (1918, 480, 62), (1920, 240, 64), (3900, 480, 65)]),
        tempos=np.array([(0, 1_000_000), (3840, 500_000)], TEMPO),
        tracks=(Track(),),
    )
    tokenizer = tokenizers.get("remi")
    second_bar = Score(
        ticks_per_quarter=480,
        notes=note_table([(0, 480, 62), (0, 240, 64), (1980, 480, 65)]),
        tempos=np.array([(0, 1_000_000), (1920, 500_000)], TEMPO),
        tracks=(Track(),),
    )
    expected = {tuple(tokenizer.encode(one).tolist()) for one in (score, second_bar)}
    cut = Windows(store_of(tmp_path, [score]), tokenizer, Bars(500, per_piece=40))
    found = {tuple(cut[i].tolist()) for i in range(40)}
    assert expected <= found
    assert len(found) == 3  # the third bar too
    two = Windows(cut.source.store, tokenizer, Bars(500, bars=1, per_piece=40))
    names = {tuple(tokenizer.vocabulary.name(i) for i in two[n].tolist()) for n in range(40)}
    assert ("Bar_None", "TimeSig_4/4", "Position_0", "Tempo_60.00", "Program_0", "Pitch_62", "Velocity_63",
            "Duration_1.0.24", "Pitch_64", "Velocity_63", "Duration_0.12.24") in names  # fmt: skip


def test_a_tempo_at_the_last_note_is_kept_and_one_after_it_is_not(tmp_path: Path) -> None:
    tempos = np.array([(0, 500_000), (480, 600_000), (481, 700_000), (9000, 800_000)], TEMPO)
    score = Score(ticks_per_quarter=480, notes=note_table([(0, 240, 60), (480, 480, 62)]), tempos=tempos)
    tokenizer = tokenizers.get("remi")
    cut = Windows(store_of(tmp_path, [score]), tokenizer, Bars(500))
    names = [tokenizer.vocabulary.name(i) for i in cut[0].tolist()]
    assert [name for name in names if name.startswith(("Bar", "Tempo"))] == ["Bar_None", "Tempo_120.00", "Tempo_100.91"]


def test_the_track_of_a_window_is_drawn(tmp_path: Path) -> None:
    store = store_of(tmp_path, [band(5)])
    tokenizer = tokenizers.get("remi", preset="miditok")
    tracks = [tuple(ids.tolist()) for ids in tokenizer.encode(store.music(0))]
    crops = Windows(store, tokenizer, Crops(100_000, per_piece=60))
    found = [tuple(crops[i].tolist()) for i in range(60)]
    assert set(found) == set(tracks)
    assert len(tracks) == 3


def test_miditoks_own_tokenizers_have_windows(mixed: NoteStore) -> None:
    pytest.importorskip("miditok")
    tokenizer = tokenizers.get("miditok:TSD", use_programs=True)
    for policy in (Crops(40), Bars(40), Chunks(40)):
        cut = Windows(mixed, tokenizer, policy)
        assert cut.collate([cut[0], cut[len(cut) - 1]]).ids.shape[0] == 2


# -- what is refused --------------------------------------------------------------------------------------------


def test_what_does_not_go_together_is_refused(mixed: NoteStore) -> None:
    anticipation, performance = tokenizers.get("anticipation"), tokenizers.get("performance")
    for policy in (Crops(8), Bars(8), Chunks(8)):
        with pytest.raises(OptionError, match="use Packed"):
            Windows(mixed, anticipation, policy)
    with pytest.raises(OptionError, match="use Crops"):
        Windows(mixed, performance, Packed())
    with pytest.raises(OptionError, match="no control_programs"):
        Windows(mixed, tokenizers.get("anticipation", control_programs=[0]), Packed())
    with pytest.raises(OptionError, match="factor=1"):
        Windows(mixed, tokenizers.get("anticipation", preset="interarrival"), Packed())
    with pytest.raises(OptionError, match="Crops or Bars"):
        Windows(mixed, performance, Chunks(), VARIED)
    with pytest.raises(OptionError, match="seed"):
        Windows(mixed, performance, Crops(), seed=-1)
    for wrong in (Crops, Chunks, Bars):
        with pytest.raises(OptionError, match="at least 1"):
            wrong(0)
    with pytest.raises(OptionError, match="multiple of 10"):
        Packed(5)


def test_pieces_that_are_not_there_are_refused(mixed: NoteStore) -> None:
    performance = tokenizers.get("performance")
    with pytest.raises(CorpusError, match="no split 'valid'; it has train"):
        Windows(mixed, performance, Crops(), split="valid")
    with pytest.raises(CorpusError, match="pieces 0 to 6"):
        Windows(mixed, performance, Crops(), pieces=[7])
    few = Windows(mixed, performance, Crops(100), pieces=[0, 1])
    assert set(few.source.pieces) == {0, 1}
    with pytest.raises(IndexError, match=f"has {len(few)}"):
        few[len(few)]
    assert len(Windows(mixed, performance, Crops(), pieces=[1])) == 0  # it has no notes


def test_a_piece_that_gives_nothing_is_passed_over(tmp_path: Path) -> None:
    high = Score(notes=note_table([(0, 10, 120), (10, 10, 121)]), tracks=(Track(),))
    score2perf = tokenizers.get("performance", preset="score2perf")
    store = store_of(tmp_path, [high, piano(3, 40)])
    crops = Windows(store, score2perf, Crops(2048, per_piece=1))
    assert crops[0].tolist() == score2perf.encode(store.music(1)).tolist()
    alone = Windows(store, score2perf, Crops(2048), pieces=[0])
    with pytest.raises(EmptyScoreError, match="no piece"):
        alone[0]


def test_a_piece_that_a_tokenizer_refuses_is_passed_over(tmp_path: Path) -> None:
    endless = Score(ticks_per_quarter=1, notes=note_table([(0, 1, 60), (2**31 - 2, 1, 60)]), tracks=(Track(),))
    store = store_of(tmp_path, [endless, piano(3, 40)])
    for name, policy in (("performance", Crops(50)), ("remi", Bars(50)), ("remi", Chunks(50))):
        cut = Windows(store, tokenizers.get(name), policy)
        assert all(1 <= len(cut[i]) <= 50 for i in range(len(cut)))
    packed = Windows(store, tokenizers.get("anticipation"), Packed(1, context=32))
    assert len(packed) > 0


# -- what a window depends on -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "preset", "policy"), all_policies())
def test_a_window_depends_on_seed_epoch_and_number_alone(
    mixed: NoteStore, name: str, preset: str, policy: Policy[Any]
) -> None:
    one = windows(mixed, name, preset, policy, seed=3)
    order = np.random.default_rng(0).permutation(len(one))[:25].tolist()
    first = {i: one[2, i].tolist() for i in order}
    tight = windows(mixed, name, preset, policy, seed=3, cache=0)
    tight.set_epoch(2)
    again = pickle.loads(pickle.dumps(one))  # our own object, as a loader's worker gets it
    assert {i: tight[i].tolist() for i in reversed(order)} == first
    assert {i: again[2, i].tolist() for i in sorted(order)} == first
    if not isinstance(policy, Chunks):
        assert {i: one[1, i].tolist() for i in order} != first
        other = windows(mixed, name, preset, policy, seed=4)
        assert {i: other[2, i].tolist() for i in order} != first


def test_what_is_held_stays_within_its_bytes(mixed: NoteStore) -> None:
    cut = Windows(mixed, tokenizers.get("performance"), Crops(100), cache=40_000)
    for i in range(len(cut)):
        cut[i]
        held = cut._cache._held.values()
        assert sum(one.nbytes for one in held) == cut._cache._used
        assert cut._cache._used <= 40_000
    assert len(cut._cache._held) > 1


def test_a_plain_loader_reads_it(mixed: NoteStore) -> None:
    cut = Windows(mixed, tokenizers.get("compound"), Bars(50))
    batches = list(DataLoader(cut, batch_size=4, collate_fn=cut.collate))
    assert sum(len(batch.ids) for batch in batches) == len(cut)
    assert batches[0].ids.shape[2] == 9
