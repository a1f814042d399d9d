from symbolic_music.general_midi import PROGRAMS, drum_name, instrument_name
from symbolic_music.score import Score, Track, track_title


def test_programs_stand_where_general_midi_puts_them() -> None:
    assert len(PROGRAMS) == 128
    assert len(set(PROGRAMS)) == 128
    assert [PROGRAMS[i] for i in (0, 24, 40, 73, 127)] == [
        "Acoustic Grand Piano", "Acoustic Guitar (nylon)", "Violin", "Flute", "Gunshot",
    ]  # fmt: skip
    assert instrument_name(128) == "Drums"


def test_drum_keys() -> None:
    assert [drum_name(p) for p in (35, 36, 38, 42, 49, 81)] == [
        "Acoustic Bass Drum", "Bass Drum", "Snare", "Closed Hi-Hat", "Crash 1", "Open Triangle",
    ]  # fmt: skip
    assert drum_name(22) == "Key 22"


def test_a_track_is_called_by_its_name_then_by_its_instrument() -> None:
    score = Score(tracks=(Track(" Lead\x1b[31m\nvoice ", 40), Track("", 40), Track("", 40, True), Track("\x00", 0)))
    titles = [track_title(score, i) for i in range(4)]
    assert titles == ["Lead [31m voice", "Violin", "Drums", "Acoustic Grand Piano"]
