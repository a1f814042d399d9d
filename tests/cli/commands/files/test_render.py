from __future__ import annotations

import json

import pytest

import symbolic_music
from symbolic_music import read
from symbolic_music.score import Score, Track


@pytest.fixture
def short(song, tmp_path):
    """Half a second of the quartet: sound takes its time."""
    return read(song).clip(0, 0.5).write(tmp_path / "short.mid")


def test_sound_is_written_with_its_stems(run, short, tmp_path) -> None:
    import soundfile

    options = ("--sample-rate", "16000", "--stems", tmp_path / "stems", "--json")
    outcome = run("render", short, "-o", tmp_path / "a.wav", *options)
    assert outcome.err == ""
    facts = json.loads(outcome.out)
    data, rate = soundfile.read(tmp_path / "a.wav")
    assert rate == facts["sample_rate"] == 16000
    assert len(data) / rate == pytest.approx(facts["seconds"], abs=0.01)
    assert 0.01 < abs(data).max() <= 1
    names = sorted(p.name for p in (tmp_path / "stems").iterdir())
    assert names == ["00-Flute.wav", "01-Oboe.wav", "02-Horn.wav", "03-Bassoon.wav", "04-Drums.wav"]
    assert facts["stems"] == [str(tmp_path / "stems" / name) for name in names]


def test_a_place_some_tracks_and_a_tempo(run, mistake, song, tmp_path) -> None:
    """Bar 2 of the quartet, twice as fast, is as long as half of it; a track that is muted has no stem."""
    score = read(song)
    first, end = score.seconds([1920, 3840]).tolist()
    options = ("--sample-rate", "8000", "--stems", tmp_path / "stems", "--at", "bars:2", "--tempo", "2", "--json")
    outcome = run("render", song, "-o", tmp_path / "a.wav", *options, "--mute", "drums,oboe")
    assert outcome.code == 0
    names = [path.rsplit("-")[-1] for path in json.loads(outcome.out)["stems"]]
    assert "Drums.wav" not in names
    assert "Oboe.wav" not in names
    longest = json.loads(outcome.out)["seconds"]
    alone = run("render", song, "-o", tmp_path / "b.wav", "--solo", "bassoon", "--stems", tmp_path / "one", "--json")
    assert [path.rsplit("-")[-1] for path in json.loads(alone.out)["stems"]] == ["Bassoon.wav"]
    assert 0 < longest - (end - first) / 2 < 2, "with the tail of its last notes"
    assert "one place" in mistake("render", song, "-o", tmp_path / "c.wav", "--at", "bars:1,2")
    assert "0.05 to 20" in mistake("render", song, "-o", tmp_path / "c.wav", "--tempo", "0")


def test_the_seed_repeats(run, short, tmp_path) -> None:
    for name, seed in (("a.wav", 1), ("b.wav", 1), ("c.wav", 2)):
        run("render", short, "-o", tmp_path / name, "--sample-rate", "8000", "--seed", seed)
    first, again, other = ((tmp_path / f"{n}.wav").read_bytes() for n in "abc")
    assert first == again
    assert first != other


def test_mistakes(mistake, song, tmp_path) -> None:
    sound = tmp_path / "a.wav"
    assert "name it .wav" in mistake("render", song, "-o", song)
    assert "name it .wav" in mistake("render", song, "-o", tmp_path / "a.mp3")
    assert "8000 to 192000" in mistake("render", song, "-o", sound, "--sample-rate", "1")
    assert "no synth 'organ'" in mistake("render", song, "-o", sound, "--synth", "organ")
    assert "goes with --synth soundfont" in mistake("render", song, "-o", sound, "--soundfont", "x.sf2")
    for rate in ("-3", "0"):
        assert "8000 to 192000" in mistake("render", song, "-o", sound, "--sample-rate", rate)
    assert "is not a folder" in mistake("render", song, "-o", sound, "--stems", song)
    assert not sound.exists()
    empty = Score(tracks=(Track(),)).write(tmp_path / "empty.mid")
    assert "no notes" in mistake("render", empty, "-o", sound)


def test_files_of_one_rendering_do_not_overwrite_each_other(mistake, short, tmp_path) -> None:
    sound, stems = tmp_path / "a.wav", tmp_path / "stems"
    stems.mkdir()
    assert "name another" in mistake("render", short, "-o", stems / "00-Flute.wav", "--stems", stems)
    assert "name another" in mistake("render", short, "-o", sound, "--synth", "midi-ddsp", "--write-controls", sound)
    assert not list(stems.iterdir())
    assert not sound.exists()


def test_stems_that_have_no_place_are_what_is_told(mistake, short, tmp_path) -> None:
    options = ("--sample-rate", "8000", "--stems", short / "stems")
    assert f"cannot make {short / 'stems'}" in mistake("render", short, "-o", tmp_path / "a.wav", *options)
    assert not (tmp_path / "a.wav").exists()


def test_a_render_says_what_made_it(run, song, tmp_path) -> None:
    """A tag with version, synth and seed, unless it is not wanted; a mark where it is."""
    eight = read(song).clip(0, 8).write(tmp_path / "eight.mid")
    options = ("--sample-rate", "16000", "--seed", "3")
    run("render", eight, "-o", tmp_path / "a.flac", *options, "--mark")
    run("render", eight, "-o", tmp_path / "b.wav", *options, "--unsigned")
    found = json.loads(run("detect-mark", tmp_path / "a.flac", "--json").out)
    assert found["marked"]
    assert found["score"] > found["threshold"]
    assert found["comment"] == f"Rendered by symbolic-music {symbolic_music.__version__}: synth ddsp, seed 3"
    outcome = run("detect-mark", tmp_path / "b.wav")
    assert outcome.out.startswith("no mark (score ")
    assert "tag" not in outcome.out


def test_a_flow_decoder_writes_the_sound(run, mistake, tmp_path) -> None:
    import soundfile

    pytest.importorskip("librosa")
    from symbolic_music.codec.flow.checkpoint import save_flow
    from tests.codec.flow.test_streaming import decoder
    from tests.codec.language_models.test_registry import CARD, score

    save_flow(decoder(), CARD, tmp_path / "flow")
    score().write(tmp_path / "a.mid")
    to, model = tmp_path / "a.wav", ("--synth", "flow", "--model", tmp_path / "flow")
    found = json.loads(run("render", tmp_path / "a.mid", "-o", to, *model, "--steps", "4", "--json").out)
    assert (found["seconds"], found["sample_rate"], found["synth"]) == (3.0, 8_000, "flow")
    assert soundfile.info(to).frames == 24_000
    assert "less than or equal to 64" in mistake("render", tmp_path / "a.mid", "-o", to, *model, "--steps", "65")
    assert "go with --synth flow" in mistake("render", tmp_path / "a.mid", "-o", to, "--steps", "4")
    assert "--stems" in mistake("render", tmp_path / "a.mid", "-o", to, *model, "--stems", tmp_path / "stems")
    assert "no flow decoder" in mistake("render", tmp_path / "a.mid", "-o", to, "--synth", "flow", "--model", "none")


def test_several_files_are_rendered_into_a_folder_as_each_alone(run, mistake, short, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("a", "b"):
        (tmp_path / "in" / f"{name}.mid").write_bytes(short.read_bytes())
    (tmp_path / "in" / "broken.mid").write_bytes(b"nothing")
    files = [tmp_path / "in" / f"{name}.mid" for name in ("a", "broken", "b")]
    outcome = run("render", *files, "-o", tmp_path / "out", "--sample-rate", "8000", "--seed", "3", "--json")
    assert outcome.code == 2
    assert "1 of 3 files could not be rendered" in outcome.err
    assert [row["error"] is None for row in json.loads(outcome.out)] == [True, False, True]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.flac", "b.flac"]
    alone = tmp_path / "a.flac"
    run("render", files[0], "-o", alone, "--sample-rate", "8000", "--seed", "3")
    assert (tmp_path / "out" / "a.flac").read_bytes() == (tmp_path / "out" / "b.flac").read_bytes()
    assert (tmp_path / "out" / "a.flac").read_bytes() == alone.read_bytes()
    assert "--tempo takes one file" in mistake("render", *files, "-o", tmp_path / "out", "--tempo", "2")
    assert "no such folder" in mistake("render", *files, "-o", tmp_path / "nowhere")
    assert "go with --synth flow" in mistake("render", *files, "-o", tmp_path / "out", "--steps", "2")
