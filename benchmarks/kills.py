"""What `robustness.py kills` does: verbs that write a file, runs that are resumed, a studio that is opened again.

A verb runs over an older output: lost is one that is neither the old nor a new one that its reader takes. A run is
killed after it has begun to write, then run again with `--resume`: lost is one that does not end with the files of a
run that was left alone, byte by byte. A studio is killed while changes by hand are asked for: lost is a change that it
had acknowledged, or a session that does not open.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLI = [sys.executable, "-m", "symbolic_music"]
# As the verb does, with so few pieces a segment that there are many to kill between.
PREPARE = """
import sys
from symbolic_music.corpora.preparation.pipeline import prepare
prepare("folder", sys.argv[1], sys.argv[2], pieces=2)
"""


@dataclass
class Killed:
    """What came of the kills of one verb."""

    kills: int = 0
    after_the_end: int = 0
    lost: int = 0
    hidden: int = 0


@dataclass(frozen=True)
class Run:
    """A command line by its folder, what resumes it, files that show that it writes, and those that must come out."""

    arguments: Callable[[Path], list[str]]
    resumed: list[str]
    written: str
    compared: tuple[str, ...]


def killed_runs(run: Run, folder: Path, count: int, rng: random.Random) -> Killed:
    """Kill a run at random moments after it began to write, and resume it."""
    whole = folder / "whole"
    started = _began(run, whole)
    assert started is not None
    process, begun = started
    assert process.wait() == 0
    took, wanted, found = time.monotonic() - begun, _digests(run, whole), Killed()
    assert wanted
    while found.kills < count:
        own = folder / f"run{found.kills + found.after_the_end}"
        begin = _began(run, own)
        if begin is not None:
            process, _ = begin
            time.sleep(took * rng.random())
            process.send_signal(signal.SIGKILL)
            ended = process.wait() == 0
        else:
            ended = True
        found.after_the_end += ended
        found.kills += not ended
        if not ended:
            again = subprocess.run([*run.arguments(own), *run.resumed], capture_output=True, text=True)
            if again.returncode == 2 and "nothing to resume" in again.stderr:  # before its first checkpoint
                again = subprocess.run(run.arguments(own), capture_output=True, text=True)
            same = again.returncode == 0 and _digests(run, own) == wanted
            if not same:
                print(again.stderr[-500:], _digests(run, own), wanted, flush=True)
            found.lost += not same
            found.hidden += sum(path.name.startswith(".") for path in own.rglob("*"))
        shutil.rmtree(own)
    return found


def _began(run: Run, own: Path) -> tuple[subprocess.Popen[bytes], float] | None:
    """The process of a run that has written something, and since when; None when it has ended before that was seen."""
    own.mkdir()
    process = subprocess.Popen(run.arguments(own), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None:
        if any(own.glob(run.written)):
            return process, time.monotonic()
        time.sleep(0.002)
    assert process.returncode == 0, process.stderr and process.stderr.read().decode()
    return None


def _digests(run: Run, own: Path) -> dict[str, str]:
    paths = [path for pattern in run.compared for path in own.glob(pattern) if path.is_file()]
    return {str(path.relative_to(own)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def runs(folder: Path) -> dict[str, Run]:
    """Runs, small, with a checkpoint at each step."""
    import numpy as np

    from symbolic_music.synthesis.audio import Audio, read_audio
    from symbolic_music.transforms import transpose
    from tests.fuzz.music import tune
    from tests.training.tiny_runs import grid

    often = {"checkpoint_every": 1, "evaluate_every": 8}
    steps = {"steps": 16, "batch": 2, "warmup": 1}
    tree = {**grid(folder), **often, "optim": steps}
    (folder / "sounds").mkdir()
    (folder / "music").mkdir()
    at = np.arange(16_000) / 16_000
    for i in range(8):
        tone = sum(0.3 / n * np.sin(2 * np.pi * 261.63 * 2 ** (i / 12) * n * at) for n in (1, 2, 3))
        Audio((tone * np.minimum(1, 20 * (1 - at)))[None].astype(np.float32), 16_000).write(folder / f"sounds/{i}.wav")
    for i in range(24):
        transpose(tune(), i - 12).write(folder / f"music/{i}.mid")
    codec = {
        "name": "tiny", "sounds": {str(folder / "sounds"): 1.0}, "data": "tones", "held_out": 3, **often,
        "codec": {"sample_rate": 8_000, "width": 4, "widest": 8, "ratios": [4, 5], "dilations": [1], "dim": 8,
                  "codebooks": 2, "size": 16},
        "optim": {**steps, "seconds": 0.3, "quantise_from": 1, "critic_from": 3, "critic_width": 2},
    }  # fmt: skip
    voices = {
        "name": "tiny", "path": str(folder), "voices": [{"name": "one", "folder": "sounds", "programs": [40]}],
        "held_out": 4, **often, "optim": {**steps, "spectral_steps": 1, "frames": 12},
    }  # fmt: skip
    transcriber = {
        "name": "tiny", "license": "CC0-1.0", "model": {"width": 8, "dilations": [1, 2]}, **often,
        "data": {"stores": {str(folder / "store-of-music"): 1.0}, "clips": 3, "held_out": 1, "seconds": 2,
                 "synths": {"ddsp": 1.0}},
        "optim": {**steps, "seconds": 1.0},
    }  # fmt: skip
    flow = {
        "name": "tiny", "pairs": {str(folder / "pairs"): 1.0}, "held_out": 4, "data": "tones", **often, "threads": 1,
        "model": {"sample_rate": 8_000, "size": 128, "hop": 32, "bands": 16, "width": 16, "hidden": 32,
                  "condition_blocks": 1, "blocks": 2, "head_width": 16, "head_hidden": 32, "head_blocks": 2},
        "optim": {**steps, "frames": 80, "head_batch": 2, "head_frames": 70, "shortcut_from": 8, "critic_from": 4,
                  "critic_width": 2},
        "engine": {"precision": "32-true"},
    }  # fmt: skip
    (folder / "pairs").mkdir()
    for i in range(8):
        transpose(tune(), i).write(folder / f"pairs/{i}.mid")
        read_audio(folder / f"sounds/{i}.wav").write(folder / f"pairs/{i}.flac")
    prepared = [*CLI, "prepare", "folder", str(folder / "music"), "-o", str(folder / "store-of-music")]
    subprocess.run(prepared, check=True, stdout=subprocess.DEVNULL)
    out: dict[str, Run] = {}
    for verb, content in (
        ("train", tree), ("train-codec", codec), ("train-voice", voices), ("train-transcriber", transcriber),
        ("train-flow", flow),
    ):  # fmt: skip
        config = folder / f"{verb}.yaml"
        config.write_text(json.dumps(content))

        def arguments(own: Path, verb: str = verb, config: Path = config) -> list[str]:
            return [*CLI, verb, str(config), f"out={own}"]

        compared = ("tiny/best/*.safetensors", "tiny/codec/*.safetensors", "tiny/voices/*.safetensors",
                    "tiny/transcriber/*.safetensors", "tiny/flow/*.safetensors")  # fmt: skip
        out[verb] = Run(arguments, ["--resume"], "tiny/checkpoint*", compared)

    def prepare(own: Path) -> list[str]:
        return [sys.executable, "-c", PREPARE, str(folder / "music"), str(own / "s")]

    out["prepare"] = Run(prepare, [], "s/segments/*", ("s/**/*",))
    return out


def killed_studios(folder: Path, count: int, rng: random.Random) -> Killed:
    """Kill a studio while changes are asked for, again and again on the same sessions."""
    from tests.fuzz.music import tune
    from tests.studio.conftest import Client

    song = tune().write(folder / "studio.mid")
    sessions, found, state, name = folder / "sessions", Killed(), 1, ""
    while found.kills < count:
        command = [*CLI, "studio", "--no-browser", "--sessions", str(sessions)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            address = process.stdout.readline().split(" at ")[1].strip()
            client = Client(int(address.split(":")[2].split("/")[0]), address.split("token=")[1].split("&")[0])
            if not name:
                name = client.post("/sessions", song.read_bytes(), name="a.mid")["id"]
            known = _opened(client, name)
            found.lost += known < state
            state, last = max(1, known), time.monotonic() + 0.5 * rng.random()
            fork = os.fork()
            if not fork:
                time.sleep(max(0.0, last - time.monotonic()))
                os.kill(process.pid, signal.SIGKILL)
                os._exit(0)
            try:
                while True:
                    state = _changed(client, name, state, rng)
            except (OSError, AssertionError, ValueError):
                pass
            os.waitpid(fork, 0)
            found.kills += 1
        found.hidden += sum(path.name.startswith(".") for path in sessions.rglob("*"))
    return found


def _opened(client: Any, name: str) -> int:
    """The newest state of a session that opens; 0 where it does not."""
    try:
        told = client.get(f"/sessions/{name}")
        newest = max(one["number"] for one in told["states"])
        client.get(f"/sessions/{name}/score", state=newest)
        return int(newest)
    except (OSError, AssertionError, KeyError):
        return 0


def _changed(client: Any, name: str, state: int, rng: random.Random) -> int:
    """The state after a note is made louder."""
    change = {"do": "velocity", "rows": [rng.randrange(20)], "add": rng.choice((-1, 1))}
    return int(client.post(f"/sessions/{name}/changes", {"state": state, "changes": [change]})["current"])
