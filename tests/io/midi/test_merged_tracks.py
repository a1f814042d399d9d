"""Channel state that stands in another track than the notes it acts on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.io import parse_midi
from symbolic_music.io.midi.published_readers import as_mido_merges, as_pretty_midi_reads, as_symusic_reads
from symbolic_music.io.midi.tolerant_reader import parse_tolerant
from symbolic_music.score import Score
from tests.io.midi.smf import bend, control, meta, off, on, program, smf

pytest.importorskip("mido")
from tests.io.midi.player import play


def note(pitch: int, channel: int = 0, delta: int = 0) -> bytes:
    return on(delta, pitch, channel=channel) + off(480, pitch, channel)


def programs(*tracks: bytes) -> list[int]:
    return parse_midi(smf(*tracks)).notes["program"].tolist()


def controls(score: Score) -> list[tuple[int, ...]]:
    """(time, number, value, track) of each."""
    return [tuple(row) for row in score.controls[["time", "number", "value", "track"]].tolist()]


def test_a_program_in_a_track_of_its_own() -> None:
    score = parse_midi(smf(program(0, 40) + program(0, 42, 1), note(60), note(50, 1)))
    assert [track.program for track in score.tracks] == [40, 42]
    assert [track.channel for track in score.tracks] == [0, 1]


def test_a_program_in_the_first_of_two_tracks() -> None:
    assert programs(program(0, 40) + note(60), note(50)) == [40, 40]


def test_a_program_of_a_later_track_counts_after_its_tick() -> None:
    # At its own tick the first track comes first.
    assert programs(note(60) + note(62, delta=0) + note(64), program(480, 40)) == [0, 0, 40]
    assert programs(program(480, 40), note(60) + note(62)) == [0, 40]


def test_a_program_of_one_track_ends_when_another_changes_it() -> None:
    assert programs(program(0, 40) + note(60) + note(60, delta=960), program(960, 33)) == [40, 33]


def test_ports_keep_channels_apart() -> None:
    score = parse_midi(smf(meta(0, 0x21, b"\0") + program(0, 40), meta(0, 0x21, b"\1") + note(60), note(62)))
    assert score.notes["program"].tolist() == [0, 40]
    assert [track.port for track in score.tracks] == [1, 0]


def test_banks_are_taken_with_the_program() -> None:
    data = smf(control(0, 0, 8) + control(0, 32, 1) + program(0, 24) + control(0, 0, 3), note(60))
    assert parse_midi(data).tracks[0].bank == 8 << 7 | 1
    late = smf(program(0, 24) + control(0, 0, 8) + note(60) + program(0, 24) + note(62))
    assert [track.bank for track in parse_midi(late).tracks] == [0, 8 << 7]


def test_low_bank_before_high_bank() -> None:
    assert parse_midi(smf(control(0, 32, 1) + control(0, 0, 8), program(0, 24), note(60))).tracks[0].bank == 8 << 7 | 1


def test_a_kit_in_a_track_of_its_own() -> None:
    score = parse_midi(smf(program(0, 25, 9), note(38, 9)))
    assert score.notes["program"].tolist() == [25]
    assert score.tracks[0].is_drum


def test_volume_and_pan_of_a_track_without_notes() -> None:
    score = parse_midi(smf(control(0, 7, 30) + control(0, 10, 10), note(60)))
    assert controls(score) == [(0, 7, 30, 0), (0, 10, 10, 0)]


def test_both_hands_have_the_pedal_of_their_channel() -> None:
    score = parse_midi(smf(control(0, 64, 127) + note(72) + control(720, 64, 0), note(48)))
    assert controls(score) == [(0, 64, 127, 0), (0, 64, 127, 1), (1200, 64, 0, 0), (1200, 64, 0, 1)]


def test_two_programs_of_a_channel_have_its_volume() -> None:
    score = parse_midi(smf(control(0, 7, 40) + program(0, 0) + note(60) + program(0, 40) + note(62)))
    assert controls(score) == [(0, 7, 40, 0), (0, 7, 40, 1)]


def test_bends_and_their_range() -> None:
    setup = control(0, 101, 0) + control(0, 100, 0) + control(0, 6, 12) + bend(0, 4096)
    score = parse_midi(smf(setup, note(60)))
    assert score.bends.tolist() == [(0, 4096, 0)]
    assert [row[1:3] for row in controls(score)] == [(101, 0), (100, 0), (6, 12)]


def test_sequences_of_a_type_2_file_do_not_act_on_each_other() -> None:
    score = parse_midi(smf(program(0, 40) + control(0, 7, 1), note(60), kind=2))
    assert score.notes["program"].tolist() == [0]
    assert len(score.controls) == 0


def test_what_is_said_on_another_channel_is_not_heard() -> None:
    assert len(parse_midi(smf(control(0, 7, 1, 1), note(60))).controls) == 0


@pytest.mark.parametrize("played", [0, 7, 127])
@pytest.mark.parametrize("then", [b"", program(0, 0), program(0, 127)], ids=["", "0", "127"])
def test_what_a_channel_says_after_its_last_note_is_kept(played: int, then: bytes) -> None:
    data = smf(program(0, played) + note(60) + program(10, 5) + control(10, 7, 99) + bend(10, 55) + then)
    score = parse_midi(data)
    assert controls(score) == [(500, 7, 99, 0)]
    assert score.bends[["time", "value"]].tolist() == [(510, 55)]


def test_controllers_of_very_many_parts_stay_few() -> None:
    many = b"".join(program(0, p) + note(60) for p in range(128))
    score = parse_midi(smf(control(0, 1, 1) + b"\x00\x01\x01" * 40_000 + many))
    assert len(score.controls) == 40_001
    assert any("first part only" in problem for problem in score.problems)


class TestOriginals:
    """What other readers see in the same file."""

    def test_symusic_keeps_tracks_apart(self) -> None:
        score = parse_midi(smf(program(0, 40), note(60) + control(0, 7, 5), note(62)))
        assert score.notes["program"].tolist() == [40, 40]
        assert as_symusic_reads(score).notes["program"].tolist() == [0, 0]
        assert controls(as_symusic_reads(score)) == [(480, 7, 5, 0)]

    def test_pretty_midi_drops_notes_of_no_length_and_ends_all_open_ones(self) -> None:
        score = parse_midi(smf(on(0, 60) + on(100, 60) + off(50, 60) + off(50, 60) + on(0, 64) + off(0, 64)))
        assert score.notes["duration"].tolist() == [150, 100, 0]
        theirs = as_pretty_midi_reads(score).notes
        assert theirs[["onset", "duration"]].tolist() == [(0, 150), (100, 50)]

    def test_pretty_midi_has_the_part_first_whose_note_ends_first(self) -> None:
        data = smf(on(0, 60, 10) + on(0, 60, 20, 1) + off(5, 60, 1) + off(5, 60), kind=0)
        assert as_pretty_midi_reads(parse_midi(data)).notes["velocity"].tolist() == [20, 10]

    def test_pretty_midi_hears_tempos_of_the_first_track(self) -> None:
        data = smf(meta(0, 0x51, b"\x07\xa1\x20"), meta(0, 0x51, b"\x01\x00\x00") + note(60))
        assert len(parse_midi(data).tempos) == 2
        assert as_pretty_midi_reads(parse_midi(data)).tempos["microseconds"].tolist() == [500_000]

    def test_mido_merges_ports_and_pairs_across_tracks(self) -> None:
        score = parse_midi(
            smf(program(0, 40) + on(0, 60) + off(100, 60), meta(0, 0x21, b"\1") + on(10, 60) + off(10, 60))
        )
        assert score.notes[["program", "duration"]].tolist() == [(40, 100), (0, 10)]
        assert as_mido_merges(score).notes[["program", "duration"]].tolist() == [(40, 20), (40, 90)]

    def test_a_score_that_was_changed_is_read_as_it_is(self) -> None:
        score = parse_midi(smf(program(0, 40), note(60)))
        changed = score.replace(notes=score.notes.copy())
        for read in (as_symusic_reads, as_pretty_midi_reads, as_mido_merges):
            assert read(changed) is changed


deltas = st.sampled_from([0, 0, 1, 10, 200])
channels = st.sampled_from([0, 0, 1, 9])
values = st.sampled_from([0, 1, 64, 127])
events = st.one_of(
    st.builds(lambda d, c, p: on(d, 60 + p, channel=c) + off(7, 60 + p, c), deltas, channels, st.integers(0, 3)),
    st.builds(program, deltas, values, channels),
    st.builds(control, deltas, st.sampled_from([0, 7, 32, 64, 100]), values, channels),
    st.builds(bend, deltas, st.sampled_from([-8192, 0, 8191]), channels),
    st.builds(meta, deltas, st.just(0x21), st.sampled_from([b"\0", b"\0", b"\1"])),
)
files = st.builds(
    lambda tracks, kind: smf(*(b"".join(t) for t in tracks), kind=kind if len(tracks) == 1 else 1),
    st.lists(st.lists(events, max_size=8), min_size=1, max_size=4),
    st.integers(0, 1),
)


@given(files)
def test_both_readers_have_one_meaning_and_it_is_a_players(data: bytes) -> None:
    score, tolerant = parse_midi(data), parse_tolerant(data)
    assert score.replace(keys=np.sort(score.keys)) == tolerant.replace(keys=np.sort(tolerant.keys))
    assert [(t.channel, t.port, t.bank) for t in score.tracks] == [(t.channel, t.port, t.bank) for t in tolerant.tracks]
    banks = [score.tracks[t].bank for t in score.notes["track"].tolist()]
    rows = zip(*(score.notes[c].tolist() for c in ("onset", "pitch", "velocity", "program")), banks, strict=True)
    assert sorted(rows) == [(s.time, s.pitch, s.velocity, s.program, s.bank[0] << 7 | s.bank[1]) for s in play(data)]
