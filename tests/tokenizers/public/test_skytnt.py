"""The ids of SkyTNT's midi-model: what its authors' tokenizer gives for files written here."""

from __future__ import annotations

from io import BytesIO

import mido
import numpy as np
import pytest
from mido import Message, MetaMessage

from symbolic_music import tokenizers
from symbolic_music.errors import OptionError, TokenError, UnknownNameError
from symbolic_music.io.midi.reader import parse_midi
from symbolic_music.score import Score, Track, note_table
from symbolic_music.tokenizers.public.skytnt_rows import major_key
from symbolic_music.tokenizers.public.skytnt_vocabulary import BOS, EOS, LAYOUTS
from tests.corpora.example_stores import band

QUARTER = 96


def filed(*tracks: list[tuple[int, Message | MetaMessage]]) -> Score:
    """A score read from a file of these messages at their ticks."""
    file = mido.MidiFile(type=1, ticks_per_beat=QUARTER)
    for messages in tracks:
        track, now = mido.MidiTrack(), 0
        for at, message in sorted(messages, key=lambda one: one[0]):
            track.append(message.copy(time=at - now))
            now = at
        file.tracks.append(track)
    out = BytesIO()
    file.save(file=out)
    return parse_midi(out.getvalue())


def piece() -> Score:
    """Meters, tempos that hardly differ, struck twice, a silent channel, drums, a note without an end."""
    return filed(
        [
            (0, MetaMessage("set_tempo", tempo=500_000)),
            (0, MetaMessage("time_signature", numerator=3, denominator=4)),
            (200, MetaMessage("set_tempo", tempo=495_000)),
            (288, MetaMessage("set_tempo", tempo=400_000)),
            (288, MetaMessage("time_signature", numerator=6, denominator=8)),
        ],
        [
            (0, Message("program_change", channel=3, program=33)),
            (0, Message("control_change", channel=3, control=7, value=100)),
            (10, Message("control_change", channel=3, control=7, value=102)),
            (96, Message("note_on", channel=3, note=40, velocity=80)),
            (150, Message("note_on", channel=3, note=40, velocity=81)),
            (160, Message("note_off", channel=3, note=40)),
            (192, Message("note_off", channel=3, note=40)),
            (192, Message("note_on", channel=3, note=47, velocity=70)),
            (300, Message("note_off", channel=3, note=47)),
            (0, MetaMessage("key_signature", key="C")),
        ],
        [
            (0, Message("control_change", channel=5, control=64, value=127)),
            (100, Message("note_on", channel=9, note=36, velocity=90)),
            (101, Message("note_off", channel=9, note=36)),
            (0, MetaMessage("key_signature", key="C")),
            (288, Message("note_on", channel=0, note=64, velocity=60)),
        ],
    )


def scale(*head: MetaMessage) -> Score:
    """A major."""
    notes = [(0, Message("program_change", channel=0, program=5)), *((0, one) for one in head)]
    for place, pitch in enumerate((57, 59, 61, 62, 64, 66, 68)):
        notes.append((96 * place, Message("note_on", channel=0, note=pitch, velocity=64)))
        notes.append((96 * place + 96, Message("note_off", channel=0, note=pitch)))
    return filed([(0, MetaMessage("set_tempo", tempo=600_000))], notes)


# By the original, without the rows that begin and end a piece.
EXPECTED = {
    ("v1", True): [
        [6, 7, 135, 2199, 3103, 0, 0, 0], [4, 7, 135, 2200, 2327, 2632, 0, 0], [5, 7, 135, 2200, 2327, 2734, 2955, 0],
        [4, 7, 135, 2201, 2328, 2599, 0, 0], [4, 7, 135, 2202, 2336, 2599, 0, 0],
        [3, 8, 135, 2200, 160, 2327, 2383, 2551], [3, 7, 136, 2202, 152, 2336, 2379, 2561],
        [3, 7, 144, 2200, 158, 2327, 2383, 2552], [3, 8, 135, 2200, 169, 2327, 2390, 2541],
        [6, 8, 135, 2199, 3133, 0, 0, 0], [3, 7, 135, 2201, 152, 2328, 2407, 2531],
    ],
    ("v1", False): [
        [6, 7, 135, 2199, 3103, 0, 0, 0], [4, 7, 135, 2200, 2330, 2632, 0, 0], [5, 7, 135, 2200, 2330, 2734, 2955, 0],
        [5, 7, 135, 2201, 2332, 2791, 2982, 0], [3, 8, 135, 2200, 160, 2330, 2383, 2551],
        [3, 7, 136, 2201, 152, 2336, 2379, 2561], [3, 7, 144, 2200, 158, 2330, 2383, 2552],
        [3, 8, 135, 2200, 169, 2330, 2390, 2541], [6, 8, 135, 2199, 3133, 0, 0, 0],
        [3, 7, 135, 2201, 152, 2327, 2407, 2531],
    ],
    ("v2", True): [
        [7, 9, 137, 2201, 3371, 3386, 0, 0], [6, 9, 137, 2201, 3105, 0, 0, 0], [4, 9, 137, 2202, 2329, 2634, 0, 0],
        [5, 9, 137, 2202, 2329, 2736, 2957, 0], [4, 9, 137, 2203, 2330, 2601, 0, 0],
        [4, 9, 137, 2204, 2338, 2601, 0, 0], [3, 10, 137, 2202, 2329, 2385, 2553, 162],
        [3, 9, 138, 2204, 2338, 2381, 2563, 154], [3, 9, 146, 2202, 2329, 2385, 2554, 160],
        [3, 10, 137, 2202, 2329, 2392, 2543, 171], [7, 10, 137, 2201, 3374, 3387, 0, 0],
        [6, 9, 137, 2201, 3135, 0, 0, 0], [3, 9, 137, 2203, 2330, 2409, 2533, 154],
    ],
    ("v2", False): [
        [7, 9, 137, 2201, 3371, 3386, 0, 0], [6, 9, 137, 2201, 3105, 0, 0, 0], [4, 9, 137, 2202, 2332, 2634, 0, 0],
        [5, 9, 137, 2202, 2332, 2736, 2957, 0], [5, 9, 137, 2203, 2334, 2793, 2984, 0],
        [3, 10, 137, 2202, 2332, 2385, 2553, 162], [3, 9, 138, 2203, 2338, 2381, 2563, 154],
        [3, 9, 146, 2202, 2332, 2385, 2554, 160], [3, 10, 137, 2202, 2332, 2392, 2543, 171],
        [7, 10, 137, 2201, 3374, 3387, 0, 0], [6, 9, 137, 2201, 3135, 0, 0, 0],
        [3, 9, 137, 2203, 2329, 2409, 2533, 154],
    ],
}  # fmt: skip


@pytest.mark.parametrize(("preset", "optimise"), EXPECTED)
def test_ids_are_the_originals(preset: str, optimise: bool) -> None:
    tokenizer = tokenizers.get("skytnt", preset=preset, optimise=optimise)
    ids = tokenizer.encode(piece())
    assert ids[0].tolist() == [BOS, *[0] * 7]
    assert ids[-1].tolist() == [EOS, *[0] * 7]
    assert ids[1:-1].tolist() == EXPECTED[preset, optimise]
    assert tokenizer.grammar.violation(ids) is None
    assert tokenizer.encode(tokenizer.decode(ids)).tolist() == ids.tolist() or not optimise


def test_sizes_are_those_of_the_checkpoints() -> None:
    assert tokenizers.get("skytnt").vocabulary.sizes == (3406,) * 8
    assert tokenizers.get("skytnt", preset="v1").vocabulary.sizes == (3239,) * 8
    with pytest.raises(UnknownNameError):
        tokenizers.get("skytnt", preset="v3")
    with pytest.raises(OptionError):
        tokenizers.get("skytnt", optimise="yes")


def keys(score: Score, optimise: bool) -> list[list[int]]:
    layout = LAYOUTS["v2"]
    rows = tokenizers.get("skytnt", optimise=optimise).encode(score).tolist()
    return [
        list(found[1].values())[2:] for row in rows if (found := layout.values(row)) and found[0] == "key_signature"
    ]


def test_the_key_of_the_notes_is_written_where_none_is() -> None:
    """Track, sharps from seven flats on, minor: as the original has them."""
    assert keys(scale(), True) == [[1, 10, 0]]
    assert keys(scale(), False) == [[0, 10, 0], [1, 10, 0]]
    assert keys(scale(MetaMessage("key_signature", key="C")), True) == [[1, 10, 0]]
    assert keys(scale(MetaMessage("key_signature", key="C")), False) == [[1, 10, 0]]
    assert keys(scale(MetaMessage("key_signature", key="Dm")), True) == [[1, 6, 1]]


def test_a_key_is_told_by_seven_pitch_classes() -> None:
    assert major_key([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1]) == 0
    assert major_key([0, 1, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1]) == 9
    assert major_key([1] * 12) is None
    assert major_key([0] * 12) is None
    assert major_key([2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0]) is None


def test_scores_without_a_file_have_a_track_of_tempos_and_then_theirs() -> None:
    notes = note_table([(0, 480, 60, 64, 24, 0, 0), (480, 240, 36, 90, 0, 9, 1)])
    score = Score(480, notes, tracks=(Track("", 24), Track("", 0, True)))
    tokenizer = tokenizers.get("skytnt")
    again = tokenizer.decode(tokenizer.encode(score))
    assert [(t.program, t.is_drum) for t in again.tracks] == [(24, False), (0, True)]
    columns = ["onset", "duration", "pitch", "velocity", "track"]
    assert again.notes[columns].tolist() == score.notes[columns].tolist()


def test_a_changed_score_is_not_taken_for_its_file() -> None:
    score = piece()
    fewer = score.replace(notes=score.notes[1:])
    tokenizer = tokenizers.get("skytnt")
    assert len(tokenizer.encode(fewer)) < len(tokenizer.encode(score))
    assert len(tokenizer.decode(tokenizer.encode(fewer))) == len(fewer)


def test_rows_that_make_no_event_are_passed_over() -> None:
    tokenizer = tokenizers.get("skytnt")
    ids = tokenizer.encode(band(1, 20))
    odd = ids.copy()
    odd[3] = 3000
    assert len(tokenizer.decode(odd)) <= len(tokenizer.decode(ids))
    assert len(tokenizer.decode(np.zeros((0, 8), int))) == 0
    with pytest.raises(TokenError):
        tokenizer.decode([[3406, 0, 0, 0, 0, 0, 0, 0]])


def test_masks_follow_what_is_drawn() -> None:
    """Within a quarter time does not go back; each kind has its own parameters."""
    tokenizer = tokenizers.get("skytnt")
    grammar, layout = tokenizer.grammar, tokenizer.layout
    state = grammar.advance(grammar.start(), [BOS, *[0] * 7])
    state = grammar.advance(state, layout.row("note", 0, 9, 1, 0, 60, 64, 4))
    first = layout.first["time2"]
    note: list[int | None] = [layout.kinds["note"], layout.first["time1"], *[None] * 6]
    assert np.flatnonzero(grammar.given(state, note)[2]).tolist() == list(range(first + 9, first + 16))
    note[1] = layout.first["time1"] + 1
    assert np.flatnonzero(grammar.given(state, note)[2]).tolist() == list(range(first, first + 16))
    tempo: list[int | None] = [layout.kinds["set_tempo"], *[None] * 7]
    assert np.flatnonzero(grammar.given(state, tempo)[5]).tolist() == [0]
    with pytest.raises(TokenError):
        grammar.advance(state, layout.row("note", 0, 8, 1, 0, 60, 64, 4))
    with pytest.raises(TokenError):
        grammar.advance(state, layout.row("note", 1, 0, 1, 0, 60, 0, 4))
