"""The verbs that write notes, with a tiny model whose weights are random."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import symbolic_music
from symbolic_music import generation
from symbolic_music.generation import Editing, Sampling, WrittenNote, bars, generate, with_weights
from symbolic_music.io import read
from symbolic_music.models import save_model
from symbolic_music.score import Score
from symbolic_music.tokenizers.region.rows import GAP_END
from tests.generation.decoding.test_compound_sampler import model as words
from tests.generation.left_to_right.test_bar_infill import model as of_bars
from tests.generation.untouched import asked, ours, published, regional


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_model(ours(), tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def write(run, model: Path, song: Path, tmp_path: Path) -> Callable[..., dict]:
    """Run a verb on the song with the model; what it says as JSON."""

    def call(verb: str, *arguments: str) -> dict:
        given = [] if verb == "generate" else [song]
        outcome = run(verb, *given, *arguments, "-m", model, "-o", tmp_path / "new.mid", "--json")
        assert (outcome.code, outcome.err) == (0, "")
        return json.loads(outcome.out)

    return call


def given_of(score: Score, span: tuple[int, int], tracks: list[int]) -> np.ndarray:
    return score.notes[~asked(score, [span], tracks)]


@pytest.mark.parametrize(
    "where", [("--from", "2", "--to", "4"), ("--bars", "2"), ("--beats", "4-8"), ("--beats", "4-6,6-8")]
)
def test_a_region_in_seconds_bars_or_beats(write, song: Path, where: tuple[str, ...]) -> None:
    told = write("infill", *where, "--programs", "68,70", "--seed", "3")
    before, after = read(song), read(told["out"])
    assert np.array_equal(given_of(before, (1920, 3840), [1, 3]), given_of(after, (1920, 3840), [1, 3]))
    assert told["notes_written"] == int(asked(after, [(1920, 3840)], [1, 3]).sum()) > 0
    assert (told["seed"], told["seconds"], told["complete"]) == (3, round(after.duration, 3), True)


def test_regions_may_be_named_together(write, song: Path) -> None:
    told = write("infill", "--from", "0", "--to", "1", "--from", "3", "--to", "4", "--tracks", "0,4")
    before, after = read(song), read(told["out"])
    middle = (before.notes["onset"] >= 960) & (before.notes["onset"] < 2880)
    kept = (after.notes["onset"] >= 960) & (after.notes["onset"] < 2880)
    assert np.array_equal(before.notes[middle], after.notes[kept])


def test_alternatives_are_numbered_and_ranked(write, tmp_path: Path) -> None:
    told = write("infill", "--bars", "2", "--tracks", "0", "--count", "3", "--rank")
    assert told["out"] == [str(tmp_path / f"new-{i}.mid") for i in (1, 2, 3)]
    fits = [one["fit"] for one in told["alternatives"]]
    assert all(0 <= fit <= 1 for fit in fits)
    assert fits == sorted(fits, reverse=True)
    assert told["notes_written"] == sum(one["notes_written"] for one in told["alternatives"])
    assert len({read(name).notes.tobytes() for name in told["out"]}) == 3


def test_near_copies_are_flagged(run, model: Path, song: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.mid"
    text = run("infill", song, "--bars", "2", "--temperature", "0", "--count", "2", "-m", model, "-o", out).out
    assert "nearly" not in text.splitlines()[0]
    assert f"nearly {tmp_path / 'new-1.mid'}" in text.splitlines()[1]


def test_other_verbs_write_other_things(write, song: Path) -> None:
    before = read(song)
    revoiced = read(write("revoice", "--bars", "1-2", "--tracks", "1")["out"])
    for name in ("onset", "duration", "velocity", "track"):
        assert np.array_equal(revoiced.notes[name], before.notes[name])
    assert not np.array_equal(revoiced.notes["pitch"], before.notes["pitch"])
    thin = read(write("thin-out", "--bars", "1-2", "--tracks", "1", "--keep", "0.5")["out"])
    kept, had = (set(score.notes[score.notes["track"] == 1].tolist()) for score in (thin, before))
    assert kept < had
    assert 2 <= len(kept) <= 4
    added = read(write("add-track", "--program", "40")["out"])
    assert added.tracks[:5] == before.tracks
    assert added.tracks[5].program == 40
    accompanied = read(write("accompany", "--keep-tracks", "0,4")["out"])
    for track in (0, 4):
        own = [score.notes[score.notes["track"] == track] for score in (before, accompanied)]
        assert np.array_equal(*own)
    longer = write("generate", "--prompt", str(song), "--seconds", "2")
    assert longer["notes_written"] == len(read(longer["out"])) - len(before)


def test_tracks_go_by_their_names(run, model: Path, song: Path, tmp_path: Path) -> None:
    score = read(song)
    names = ("Flute", "Strings", "Strings", "Cello", "Bass")
    named = score.replace(
        tracks=tuple(replace(track, name=name) for track, name in zip(score.tracks, names, strict=True))
    )
    path, new = named.write(tmp_path / "named.mid"), tmp_path / "new.mid"
    outcome = run("accompany", path, "--keep-tracks", "bass,0", "-m", model, "-o", new, "--seed", "1")
    assert outcome.code == 0, outcome.err
    assert "to accompany tracks bass, 0," in outcome.out
    for track in (0, 4):
        assert np.array_equal(*(one.notes[one.notes["track"] == track] for one in (read(path), read(new))))
    verb = ("infill", path, "--at", "bars:1-2", "-m", model, "-o", new, "--seed", "1", "--tracks")
    assert run(*verb, "strings").err.splitlines() == ["tracks: 1 Strings, 2 Strings"]
    assert "tracks:" not in run(*verb, "cello,0").err


def test_limits_of_pitch_are_kept(write) -> None:
    limits = ("--lowest", "C4", "--highest", "76", "--scale", "D minor", "--no-repeats")
    after = read(write("infill", "--bars", "1-2", "--tracks", "0", *limits)["out"])
    pitches = after.notes["pitch"][after.notes["track"] == 0].astype(int)
    assert set((pitches % 12).tolist()) <= {2, 4, 5, 7, 9, 10, 0}
    assert pitches.min() >= 60
    assert pitches.max() <= 76
    assert (np.diff(pitches) != 0).all()
    chords = read(write("infill", "--bars", "1-2", "--tracks", "0", "--chords", "1:C,2:Bm7b5,2.5:-")["out"]).notes
    chords = chords[chords["track"] == 0]
    for first, last, classes in ((0, 1920, {0, 4, 7}), (1920, 2880, {11, 2, 5, 9})):
        own = chords["pitch"][(chords["onset"] >= first) & (chords["onset"] < last)]
        assert len(own)
        assert set((own % 12).tolist()) <= classes


def test_pitches_may_be_given(write, mistake, song: Path, tmp_path: Path) -> None:
    after = read(write("infill", "--bars", "1-2", "--tracks", "0", "--given-pitches", "C5, E5,79")["out"])
    assert after.notes["pitch"][after.notes["track"] == 0].tolist() == [72, 76, 79]
    said = mistake("infill", song, "--bars", "1", "--given-pitches", "C5,H", "-o", tmp_path / "other.mid")
    assert said.startswith("no pitch 'H'")


def test_limits_of_rhythm_are_kept(write) -> None:
    limits = ("--notes-per-bar", "3-6", "--notes-at-once", "1", "--end-on", "3")
    after = read(write("infill", "--bars", "1-2", "--tracks", "0,1", *limits)["out"])
    notes = after.notes[np.isin(after.notes["track"], [0, 1])]
    for bar in (0, 1):
        assert 3 <= ((notes["onset"] >= 1920 * bar) & (notes["onset"] < 1920 * (bar + 1))).sum() <= 6
    assert len(np.unique(notes["onset"])) == len(notes)
    assert (notes["onset"].astype(int) + notes["duration"]).max() == 3840
    after = read(write("infill", "--bars", "1-2", "--tracks", "0,1", "--polyphony", "2")["out"])
    notes = after.notes[np.isin(after.notes["track"], [0, 1])]
    for tick in notes["onset"].tolist():
        assert ((notes["onset"] <= tick) & (notes["onset"].astype(int) + notes["duration"] > tick)).sum() <= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a region"),
        (("--from", "1"), "--from and --to come in pairs"),
        (("--bars", "two"), "--bars takes bars such as 8-12"),
        (("--beats", "4"), "--beats takes quarter notes"),
        (("--bars", "0"), "there is no bar 0"),
        (("--bars", "7"), "outside the piece, which has 2 bars"),
        (("--bars", "1", "--tracks", "0", "--programs", "73"), "exclude each other"),
        (("--bars", "1", "--programs", "1"), "no track plays program 1"),
        (("--bars", "1", "--tracks", "5"), "no track 5"),
        (("--bars", "1", "--lowest", "H4"), "no pitch 'H4'"),
        (("--bars", "1", "--lowest", "80", "--highest", "70"), "lowest first"),
        (("--bars", "1", "--scale", "C nothing"), "no scale 'nothing'"),
        (("--bars", "1", "--scale", "C major", "--pitch-classes", "1,3"), "no pitch is left"),
        (("--bars", "1", "--chords", "1:F#", "--scale", "C major", "--lowest", "60", "--highest", "64"), "chord F#"),
        (("--bars", "1", "--chords", "first:F#"), "--chords takes a chart"),
        (("--bars", "1", "--chords", "1:Cwhat"), "no chord 'Cwhat'"),
        (("--bars", "1", "--notes-per-bar", "5-2"), "least <= most"),
        (("--bars", "1", "--notes-at-once", "3", "--polyphony", "2"), "cannot be 2 at once"),
        (("--bars", "1", "--end-on", "3"), "in no region that is written"),
        (("--bars", "1", "--count", "2000"), "less than or equal to 1000"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(mistake, model, song, tmp_path, arguments, message: str) -> None:
    assert message in mistake("infill", song, *arguments, "-m", model, "-o", tmp_path / "new.mid")


def test_the_input_is_never_written(mistake, model: Path, song: Path) -> None:
    assert "is the input" in mistake("infill", song, "--bars", "1", "-m", model, "-o", song)


def test_an_interrupt_keeps_what_has_been_drawn(monkeypatch, run, model: Path, song: Path, tmp_path: Path) -> None:
    whole = Editing.stream

    def interrupted(self: Editing) -> Iterator[WrittenNote]:
        for number, note in enumerate(whole(self)):
            if number == 3:
                raise KeyboardInterrupt
            yield note

    monkeypatch.setattr(Editing, "stream", interrupted)
    out = tmp_path / "new.mid"
    outcome = run("infill", song, "--bars", "1-2", "--tracks", "0", "-m", model, "-o", out)
    assert outcome.code == 130
    assert outcome.err == "error: interrupted\n"
    assert "unfinished" in outcome.out
    before, after = read(song), read(out)
    assert np.array_equal(given_of(before, (0, 3840), [0]), given_of(after, (0, 3840), [0]))
    assert 1 <= asked(after, [(0, 3840)], [0]).sum() <= 4


def test_compound_words_are_drawn_as_published_unless_told(run, song: Path, tmp_path: Path) -> None:
    one = words("original")
    folder, out = save_model(one, tmp_path / "words", torch.float32), tmp_path / "new.mid"
    written = []
    for said in ([], ["--temperature", "1"], ["--top-k", "1"]):
        assert run("generate", "--prompt", song, "--seconds", "4", *said, "-m", folder, "-o", out).code == 0
        written.append(read(out))
    for sampling, score in zip((None, Sampling(), Sampling(top_k=1)), written, strict=True):
        expected = generate(read(song), 4.0, one, sampling)
        assert np.array_equal(np.sort(score.notes["onset"]), np.sort(expected.notes["onset"]))
    assert len({score.notes.tobytes() for score in written}) == 3


def test_whole_bars_by_a_model_that_only_continues(run, mistake, song: Path, tmp_path: Path) -> None:
    one, out = of_bars("compound"), tmp_path / "new.mid"
    asked_for = ["-m", save_model(one, tmp_path / "words", torch.float32), "-o", out]
    outcome = run("infill", song, "--bars", "2", "--count", "2", *asked_for, "--json")
    told = json.loads(outcome.out)
    # Sampling as published: nothing was said of it.
    expected = generation.edit(read(song), [bars(2)], None, one, count=2).finish()
    for alternative, written in zip(told["alternatives"], expected, strict=True):
        assert alternative["notes_written"] == len(written.notes) > 0
        assert alternative["log_likelihood"] == round(written.log_likelihood, 4)
        before, after = read(song), read(alternative["out"])
        everywhere = range(len(before.tracks))
        assert np.array_equal(given_of(before, (1920, 3840), everywhere), given_of(after, (1920, 3840), everywhere))
    for where in (["--bars", "2", "--tracks", "0"], ["--from", "1", "--to", "2"]):
        assert "whole bars, in all tracks: use --at bars:" in mistake("infill", song, *where, *asked_for)


def test_weights_in_other_formats(
    run, mistake, model: Path, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where what is measured is kept
    gpt2, out = save_model(published(), tmp_path / "gpt2", torch.float32), tmp_path / "new.mid"
    outcome = run("infill", song, "--bars", "2", "--tracks", "1", "--int8", "-m", gpt2, "-o", out)
    assert outcome.code == 0
    region = [bars(2)]
    near = generation.edit(read(song), region, [1], with_weights(published(), "int8")).finish()[0]
    assert np.array_equal(np.sort(read(out).notes["onset"]), np.sort(near.score.notes["onset"]))
    assert near.log_likelihood != generation.edit(read(song), region, [1], published()).finish()[0].log_likelihood
    said = run("infill", song, "--bars", "2", "--tracks", "1", "--precision", "auto", "-m", gpt2, "-o", out).err
    assert "weights in " in said
    assert "(measured)" in said
    assert "one format" in mistake("infill", song, "--bars", "2", "--int8", "--precision", "int8", "-o", out)
    for folder in (model, save_model(words("original"), tmp_path / "words")):
        said = mistake("generate", "--int8", "-m", folder, "-o", tmp_path / "other.mid")
        assert "no int8 weights: they are for models of the public families" in said


def test_an_edit_of_notation_leaves_other_measures_as_they_were(
    run, model: Path, quartet: Score, tmp_path: Path
) -> None:
    page, out = Path(quartet.write(tmp_path / "song.musicxml")), tmp_path / "new.musicxml"
    outcome = run("infill", page, "--bars", "2", "--tracks", "0", "-m", model, "-o", out)
    assert (outcome.code, outcome.err) == (0, "")
    before, after = page.read_text().split("<measure "), out.read_text().split("<measure ")
    assert [i for i, old in enumerate(before) if after[i] != old] == [2]
    assert np.array_equal(given_of(read(page), (40_320, 80_640), [0]), given_of(read(out), (40_320, 80_640), [0]))


@pytest.fixture(scope="module")
def silent(tmp_path_factory) -> Path:
    """A model that ends every region before its first note."""
    one = copy.deepcopy(regional())
    with torch.no_grad():
        one.network.copies[0].gate.bias[:] = -1e4
        one.network.gap_head.bias[:] = -1e4
        one.network.gap_head.bias[GAP_END] = 1e4
    return save_model(one, tmp_path_factory.mktemp("models") / "silent")


def test_an_infill_that_writes_nothing_ends_with_2_and_leaves_no_file(
    run, silent: Path, song: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.mid"
    verb = ("infill", song, "--bars", "2", "--tracks", "0", "--free", "-m", silent, "-o", new)
    outcome = run(*verb)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--allow-empty" in outcome.err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.mid"]
    new.write_bytes(b"of before")
    assert run(*verb).code == 2
    assert new.read_bytes() == b"of before"
    facts = json.loads(run(*verb, "--allow-empty", "--json").out)
    before, after = read(song), read(new)
    assert (facts["notes_written"], len(before) - len(after)) == (0, 4)


@pytest.mark.parametrize(
    "verb",
    [("accompany", "--keep-tracks", "0"), ("add-track", "--program", "40"), ("vary", "--bars", "1-2")],
    ids=" ".join,
)
def test_no_verb_writes_a_file_without_new_notes(run, silent: Path, song: Path, tmp_path: Path, verb) -> None:
    # Habits would not let a part rest for that long.
    common = (verb[0], song, *verb[1:], "-m", silent, "-o", tmp_path / "new.mid", "--free")
    outcome = run(*common)
    assert (outcome.code, outcome.out) == (2, ""), outcome.err
    assert "nothing was written in 4 attempts" in outcome.err.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.mid"]
    allowed = run(*common, "--allow-empty", "--json")
    assert (allowed.code, json.loads(allowed.out)["notes_written"]) == (0, 0)


def test_tracks_that_lose_their_notes_in_the_region_are_named(run, silent: Path, song: Path, tmp_path: Path) -> None:
    verb = ("accompany", song, "--keep-tracks", "0,3,4", "-m", silent, "-o", tmp_path / "new.mid", "--allow-empty")
    names = [f"{i} ({read(song).tracks[i].name})" if read(song).tracks[i].name else f"{i}" for i in (1, 2)]
    assert f"none in tracks {names[0]}, {names[1]}, which had some" in run(*verb).out
    assert json.loads(run(*verb, "--json").out)["emptied_tracks"] == [1, 2]


def test_the_file_says_what_wrote_it(run, model: Path, song: Path, tmp_path: Path) -> None:
    """A text event names version, model and seed; tracks that nothing was written to keep their bytes."""
    outcome = run("infill", song, "--bars", "2", "--tracks", "1", "--seed", "5", "-m", model, "-o", tmp_path / "a.mid")
    assert outcome.code == 0
    (said,) = json.loads(run("info", tmp_path / "a.mid", "--json").out)["origin"]
    assert said.startswith(f"Written by symbolic-music {symbolic_music.__version__}: model ")
    assert said.endswith(", seed 5")
    assert said in " ".join(run("info", tmp_path / "a.mid").out.split())
    before, after = (path.read_bytes().split(b"MTrk") for path in (song, tmp_path / "a.mid"))
    assert [a == b for a, b in zip(before, after, strict=True)].count(False) == 1
    run("infill", song, "--bars", "2", "--tracks", "1", "-m", model, "-o", tmp_path / "b.mid", "--unsigned")
    assert json.loads(run("info", tmp_path / "b.mid", "--json").out)["origin"] == []
