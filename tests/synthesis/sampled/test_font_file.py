import struct
from pathlib import Path

import numpy as np
import pytest

from symbolic_music.errors import AudioError, FileError
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import render
from symbolic_music.synthesis.sampled import font_file
from symbolic_music.synthesis.sampled.font_file import font_bytes, rebuilt
from symbolic_music.synthesis.sampled.soundfont import default_soundfont
from tests.fuzz.music import font

pytest.importorskip("tinysoundfont")


def played(data, bank, program):
    """Notes of a preset, by the player itself."""
    import tinysoundfont

    synth = tinysoundfont.Synth(samplerate=22_050)
    number = synth.sfload(data, gain=-12.0, max_voices=64)
    channel = 9 if bank else 0
    synth.program_select(channel, number, bank, program, bool(bank))
    for key, velocity in ((36, 100), (60, 30), (84, 127)):
        synth.noteon(channel, key, velocity)
    sound = [np.frombuffer(synth.generate_simple(6_000), np.float32).copy()]
    for key in (36, 60, 84):
        synth.noteoff(channel, key)
    return np.concatenate([*sound, np.frombuffer(synth.generate_simple(3_000), np.float32)])


def changed(data, table, record, field, value, layout="<H"):
    """A font with one number of a table changed."""
    at = data.index(table) + 8 + record + field
    return data[:at] + struct.pack(layout, value) + data[at + struct.calcsize(layout) :]


def test_a_font_of_sixteen_megabytes_sounds_the_same_rebuilt():
    path = default_soundfont()
    data = font_bytes(path)
    for bank, program in ((0, 0), (0, 24), (0, 48), (0, 61), (0, 117), (128, 0)):
        before = played(path.read_bytes(), bank, program)
        assert np.abs(before).max() > 0
        assert np.array_equal(before, played(data, bank, program))


def test_ranges_that_a_global_zone_says_are_kept():
    before, after = played(font(), 0, 0), played(rebuilt(font()), 0, 0)
    assert np.abs(before).max() > 0
    assert np.array_equal(before, after)


def test_rebuilding_twice_changes_nothing_more():
    once = rebuilt(font())
    again = rebuilt(once)
    assert np.array_equal(played(once, 0, 0), played(again, 0, 0))


def test_packed_samples_sound_as_the_player_unpacks_them():
    before, after = played(font(packed=True), 0, 0), played(rebuilt(font(packed=True)), 0, 0)
    assert np.abs(before).max() > 0.01
    # But for the frame at the end of a sample, after which ours has silence.
    assert (np.abs(before - after) > 1e-3).sum() <= 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no font", "does not begin as one"),
        (font()[:300], "longer than the file"),
        (font().replace(b"pbag", b"pbog"), "no table pbag"),
        (font().replace(b"pmod", b"phdr"), "two chunks phdr"),
        (changed(font(), b"phdr", 38, 24, 9), "out of order"),
        (changed(font(), b"phdr", 76, 24, 9), "out of order"),
        (changed(font(), b"ibag", 12, 0, 60_000), "out of order"),
        (changed(font(), b"pgen", 4, 2, 2), "leads to instrument 2 of 2"),
        (changed(font(), b"igen", 12, 2, 9_999), "leads to sample 9999 of 2"),
        (changed(font(), b"shdr", 0, 24, 1 << 31, "<I"), "outside its samples"),
        (font(packed=True).replace(b"OggS", b"OgGS"), "not Ogg Vorbis"),
    ],
)
def test_a_damaged_font_is_refused_with_the_reason(data, message, tmp_path):
    with pytest.raises(AudioError, match=message):
        rebuilt(data)
    path = tmp_path / "font.sf2"
    path.write_bytes(data)
    with pytest.raises(AudioError, match=f"no SoundFont that can be used: .*{message}"):
        render(Score(480, note_table([(0, 480, 60, 90, 0, 0, 0)])), "soundfont", soundfont=path)


def test_names_in_other_encodings_do_no_harm(tmp_path):
    path = tmp_path / "font.sf2"
    path.write_bytes(font().replace(b"Piano", b"Fl\xfcge"))
    assert render(Score(480, note_table([(0, 480, 60, 90, 0, 0, 0)])), "soundfont", soundfont=path).peak > 0


def test_a_sample_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(font_file, "MAX_UNPACKED", 0.1)
    with pytest.raises(AudioError, match="unpacks to more than"):
        rebuilt(font(packed=True))


def test_more_regions_than_the_bound_are_refused(monkeypatch):
    monkeypatch.setattr(font_file, "MAX_REGIONS", 3)
    with pytest.raises(AudioError, match="4 regions; at most 3"):
        rebuilt(font())


def test_a_file_over_the_bound_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(font_file, "MAX_FONT_BYTES", 1 << 20)
    path = tmp_path / "font.sf2"
    path.write_bytes(bytes(3 << 20))
    with pytest.raises(FileError, match="3 MiB; fonts of at most 1 MiB"):
        font_bytes(path)


def test_a_font_that_changes_is_read_again(tmp_path):
    path = tmp_path / "font.sf2"
    path.write_bytes(font())
    assert font_bytes(path) == rebuilt(font())
    path.write_bytes(b"damaged now")
    with pytest.raises(AudioError):
        font_bytes(path)
    with pytest.raises(FileError, match="no such SoundFont"):
        font_bytes(Path(tmp_path, "none.sf2"))
