from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import symbolic_music
from symbolic_music.cli import entry


def process(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "symbolic_music", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_help_names_the_verbs(run) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        outcome = run(*arguments)
        assert outcome.code == 0
        assert outcome.err == ""
        for verb in (
            "info",
            "tokenize",
            "detokenize",
            "plot",
            "render",
            "generate",
            "infill",
            "accompany",
            "demo",
            "train",
        ):
            assert f"\n  {verb} " in outcome.out


def test_every_verb_has_help(run) -> None:
    from symbolic_music.cli.app import app

    for command in app.registered_commands:
        outcome = run(command.name or command.callback.__name__.replace("_", "-"), "--help")
        assert outcome.code == 0
        assert "Usage: symbolic-music" in outcome.out


def test_the_model_that_was_chosen_is_said_once(run, song: Path, tmp_path: Path) -> None:
    outcome = run("infill", song, "--at", "bars:2", "--tracks", "bassoon", "-o", tmp_path / "out.mid")
    assert outcome.code == 0
    assert outcome.err.count("using model") == 1


def test_version(run) -> None:
    assert run("--version").out == f"symbolic-music {symbolic_music.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("whistle",), "no such command 'whistle'; see symbolic-music --help"),
        (("--loud",), "no such option: --loud; see symbolic-music --help"),
        (("info",), "missing argument 'file'; see symbolic-music info --help"),
        (("info", "a.mid", "b.mid"), "got unexpected extra argument(s) (b.mid); see symbolic-music info --help"),
        (("plot", "a.mid"), "missing option '--output' / '-o'; see symbolic-music plot --help"),
        (("render", "a.mid", "-o"), "option '-o' requires an argument; see symbolic-music --help"),
    ],
)
def test_mistakes_of_usage_are_one_line(mistake, arguments, message) -> None:
    assert mistake(*arguments).lower() == message


def test_a_value_of_the_wrong_kind_is_one_line(mistake) -> None:
    text = mistake("render", "a.mid", "-o", "a.wav", "--sample-rate", "fast")
    assert "--sample-rate" in text
    assert "valid integer" in text


def test_a_message_of_many_lines_becomes_one(monkeypatch, mistake) -> None:
    def fail(arguments) -> int:
        raise symbolic_music.errors.OptionError("first\nsecond\n   third")

    monkeypatch.setattr(entry, "_run", fail)
    assert mistake("info") == "first second third"


def test_an_unforeseen_error_stays_a_traceback(monkeypatch) -> None:
    def fail(arguments) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(entry, "_run", fail)
    with pytest.raises(ZeroDivisionError):
        entry.main([])


def test_an_error_of_the_system_that_names_a_file_is_a_mistake(monkeypatch, mistake) -> None:
    def fail(arguments) -> int:
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr(entry, "_run", fail)
    assert mistake("info") == "/some/file: Permission denied"


def test_an_interrupt_is_one_line_and_130(monkeypatch, run, song) -> None:
    import symbolic_music.io

    def interrupt(path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(symbolic_music.io, "read", interrupt)
    outcome = run("info", song)
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "error: interrupted\n")


def test_a_reader_that_goes_away_is_no_error(song: Path) -> None:
    command = f"{sys.executable} -m symbolic_music tokenize {song} -t anticipation --json | head -c 1"
    shell = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert shell.stdout == "{"
    assert shell.stderr == ""


def test_as_a_module(tmp_path) -> None:
    outcome = process("info", str(tmp_path / "missing.mid"))
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert outcome.stderr == f"error: no such file: {tmp_path / 'missing.mid'}\n"


def test_names_that_the_terminal_cannot_show_do_no_harm(tmp_path, quartet) -> None:
    path = quartet.write(tmp_path / "naïve ♫.mid")
    outcome = process("info", str(path), env={"PYTHONIOENCODING": "ascii", "PATH": ""})
    assert outcome.returncode == 0
    assert outcome.stderr == ""
    assert "Bassoon" in outcome.stdout


def test_names_cannot_command_the_terminal(run, mistake, song, tmp_path) -> None:
    """Escape sequences and marks of direction in names of files are shown as question marks."""
    name = "\x1b[31mred\x07\u202e.mid"
    (tmp_path / name).write_bytes(song.read_bytes())
    assert "?[31mred??.mid" in run("info", tmp_path / name).out
    assert mistake("info", tmp_path / f"no{name}").endswith("no?[31mred??.mid")
    assert mistake("info", tmp_path / "\udcff.mid").endswith("?.mid")
    outcome = run("transpose", song, "--semitones", "1", "-o", tmp_path / name)
    assert outcome.out.startswith(f"{tmp_path}/?[31mred??.mid: ")
