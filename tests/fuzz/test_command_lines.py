"""Command lines with values that no option expects: each is done, or refused in one line with exit code 2."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import typer

from symbolic_music.cli import main
from symbolic_music.cli.app import app
from symbolic_music.codec import (
    Codec,
    CodecConfig,
    Codes,
    Format,
    JukeboxLevel,
    JukeboxPrior,
    JukeboxPriorConfig,
    save_level,
)
from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.models.model import Card
from symbolic_music.transforms import transpose
from tests.fuzz.music import tune, wav

LINES = 40  # of each group of verbs
VALUES = (
    "-1", "0", "1", "0.5", "99", "300", "1e9", "1e308", "9223372036854775808", "9" * 30, "nan", "inf", "-inf", "", " ",
    "٣", "1_000", "0x10", "a" * 5000, "\udcff", "../../etc/passwd", "/dev/null", ".", "nosuch/x", "{}", "[1]",
    "1,2", "1-2", "2-1", "0-0", "1:C", "true", "None", "C major", "%s%n", "$(id)", "\n", "auto", "cpu", "bars:1-2",
    "bars:2-1", "bars:0", "bars:-1--2", "beats:0-1", "0s-1s", "nans-infs", "1e9s-2e9s", "piano,bass", "3/4", "0/4",
    "4/0", "4/3", "-4/4", "9999999/4",
)  # fmt: skip
REGION, EDIT = ("--bars", "1"), ("-m", "multitrack", "-o", "out.mid")
MIDI = ("-o", "out.mid")
GROUPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "of files": (
        ("info", "song.mid"), ("diff", "song.mid", "song.mid"), ("plot", "song.mid", "-o", "out.png"),
        ("tokenize", "song.mid", "-t", "remi", "-o", "out.npy"),
        ("detokenize", "ids.npy", "-t", "remi", *MIDI), ("models",), ("prepare", "folder", "music", "-o", "new"),
        ("compare", "music", "music"), ("originality", "song.mid", "store"),
    ),
    "of scores": (
        ("transpose", "song.mid", "--semitones", "1", *MIDI), ("quantise", "song.mid", "--grid", "0.25", *MIDI),
        ("swing", "song.mid", *MIDI), ("humanise", "song.mid", *MIDI), ("find-beats", "song.mid", *MIDI),
        ("copy-bars", "song.mid", "--at", "bars:1", *MIDI), ("delete-bars", "song.mid", "--at", "bars:1", *MIDI),
    ),
    "of sound": (
        ("render", "song.mid", "-o", "out.wav", "--sample-rate", "8000"), ("detect-mark", "sound.wav"),
        ("transcribe", "sound.wav", "--allow-empty", *MIDI), ("encode", "sound.wav", "-o", "out.safetensors"),
        ("decode", "codes.safetensors", "-o", "out.wav"), ("listening-test", "music", "music", "-o", "out.html"),
        ("generate-sound", "level", "--seconds", "0.2", "-o", "out.wav"),
    ),
    "of models": (
        ("generate", "--seconds", "1", *EDIT), ("infill", "song.mid", *REGION, *EDIT),
        ("accompany", "song.mid", "--keep-tracks", "0", *EDIT), ("revoice", "song.mid", *REGION, *EDIT),
        ("thin-out", "song.mid", *REGION, *EDIT), ("add-track", "song.mid", *EDIT),
        ("vary", "song.mid", *REGION, *EDIT), ("busier", "song.mid", *REGION, *EDIT),
        ("continue", "song.mid", "--bars", "1", *EDIT), ("intro", "song.mid", "--bars", "1", *EDIT),
        ("evaluate", "multitrack", "store", "--split", "train", "--pieces", "1"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an input of each kind."""
    folder = tmp_path_factory.mktemp("lines")
    (folder / "music").mkdir()
    for i in range(3):
        transpose(tune(), i).write(folder / f"music/{i}.mid")
    tune().write(folder / "song.mid")
    (folder / "sound.wav").write_bytes(wav(0.3))
    np.save(folder / "ids.npy", np.arange(20, dtype=np.int32))
    Codes(np.zeros((2, 20), np.int64), Format(8_000, 1, 2, 8, 400), 8_000).save(folder / "codes.safetensors")
    codec = Codec(CodecConfig(8_000, 1, 4, 8, (16, 25), (1,), 8, 1, 8)).eval()
    prior = JukeboxPrior(
        JukeboxPriorConfig(8, codec.format.frame_rate, width=8, layers=1, heads=2, hidden=8, window=16)
    ).eval()
    save_level(JukeboxLevel(codec, prior), Card("level", 1, "CC0-1.0", "none"), folder / "level")
    prepare("folder", folder / "music", folder / "store")
    return folder


def command_line(lines: tuple[tuple[str, ...], ...], rng: random.Random) -> list[str]:
    """A line of a group with one to three options of odd values."""
    line = list(rng.choice(lines))
    command = typer.main.get_command(app).commands[line[0]]  # type: ignore[attr-defined]
    options = [one for one in command.params if one.opts[0].startswith("-") and one.name != "help"]
    for one in rng.sample(options, min(rng.choice((1, 1, 2, 3)), len(options))):
        name = max(one.opts, key=len)
        if getattr(one, "is_flag", False):
            line.append(name)
            continue
        value = rng.choice(VALUES)
        short = next((given for given in one.opts if given in line), None)
        if short is None:
            line += [name, value]
        else:
            line[line.index(short) + 1] = value
    return line


@pytest.mark.parametrize("group", GROUPS)
def test_lines_are_done_or_refused(group: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    given = {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.stem != "out"}
    rng = random.Random(group)
    for number in range(LINES):
        line = command_line(GROUPS[group], rng)
        with pytest.raises(SystemExit) as end:
            main(line)
        said = capsys.readouterr()
        told = f"line {number}: {line}: {end.value.code}: {said.err[-500:]}"
        assert end.value.code in (None, 0, 2), told
        if end.value.code == 2:
            assert said.err.splitlines()[-1].startswith("error: "), told
            assert "Traceback" not in said.err, told
        assert all(path.read_bytes() == data for path, data in given.items()), told
        assert not [path for path in place.rglob(".*") if path.is_file()], told
