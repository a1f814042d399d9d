"""A minute of fuzzing with fixed seeds: `python -m tests.fuzz.campaign --hours 3` goes on with others."""

from __future__ import annotations

import sys

import pytest

from tests.fuzz.campaign import run
from tests.fuzz.target import Target, mutant
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import tried

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
# SoundFonts go to C, in a process that may die; the others are tried here.
IN_C = [target for target in TARGETS if target.name.startswith("SoundFont")]
# Of those that take long to read, or whose sound files take long to make.
MUTANTS = {
    "notation": 8,
    "SoundFont": 60,
    "published": 4,
    "EnCodec": 8,
    "model": 12,
    "models": 12,
    "note": 12,
    "ids": 10,
}


@pytest.mark.parametrize("target", [t for t in TARGETS if t not in IN_C], ids=lambda target: target.name)
def test_mutants_are_read_or_refused(target: Target) -> None:
    seeds = target.seeds()
    for number in range(MUTANTS.get(target.name.split()[0], 25)):
        found = tried(target, mutant(target, seeds, 0, number))
        assert found["how"] in ("read", "refused"), f"mutant {number}: {found['what']}"
        assert float(str(found["megabytes"])) < target.megabytes, f"mutant {number}: {found['megabytes']} MB"


@pytest.mark.parametrize("target", IN_C, ids=lambda target: target.name)
def test_mutants_of_fonts_kill_nothing(target: Target) -> None:
    pytest.importorskip("tinysoundfont")
    tally = run(target, MUTANTS["SoundFont"], 0)
    assert tally.tried == MUTANTS["SoundFont"]
    assert not tally.faults, str(tally)


def test_a_number_names_a_mutant() -> None:
    target = TARGETS[0]
    seeds = target.seeds()
    assert mutant(target, seeds, 3, 7) == mutant(target, seeds, 3, 7)
    assert mutant(target, seeds, 3, 7) != mutant(target, seeds, 3, 8)


def test_what_a_library_prints_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("miditok")  # its training prints an empty line
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    target = next(target for target in TARGETS if target.name == "published MidiTok")
    assert run(target, 1, 0).tried == 1


def test_what_crashes_or_dies_is_told() -> None:
    def fails(folder) -> None:
        raise ZeroDivisionError

    found = tried(Target("none", list, fails), {"a.mid": b"x"})
    assert found["how"] == "crashed"
    assert "ZeroDivisionError" in str(found["what"])
