"""What no file and no kill may do: mutants of every way in, kill -9 at random moments, edits without growth.

    python benchmarks/robustness.py mutants [--mutants 1000] [--seed 0] [--target NAME …]
    python benchmarks/robustness.py kills [--kills 20] [--target VERB …]
    python benchmarks/robustness.py edits [--edits 1000]

`mutants`: `tests.fuzz.campaign` on all targets, a process at a time: how many were tried, read, refused, and crashed,
hung, died or took too much memory (faults), and the most memory of one beyond what its process had. `kills`: every verb
that writes, killed at random moments; see kills.py. `edits`: infills in one process; the memory after the first tenth
and at the end.
Results go to benchmarks/results/robustness_*.json, where those of a target or verb take the place of older ones: a
campaign may be run in parts.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CLI = [sys.executable, "-m", "symbolic_music"]


def store(name: str, command: str, groups: dict[str, list[dict[str, Any]]], counted: str) -> None:
    """Write the results: rows of these groups take the place of older ones, so that a campaign may be run in parts.

    counted: the metric of which the sum is `n`.
    """
    from result_file import processor

    path = ROOT / "benchmarks/results" / f"{name}.json"
    old = json.loads(path.read_text())["rows"] if path.exists() else []
    merged: dict[str, list[dict[str, Any]]] = {}
    for one in old:
        merged.setdefault(one["metric"].rpartition(": ")[0], []).append(one)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    for group, values in groups.items():
        at = {"commit": commit.stdout.strip()}
        merged[group] = [{**one, "metric": f"{group}: {one['metric']}", **at} for one in values]
    rows = [one for group in sorted(merged) for one in merged[group]]
    result = {
        "name": name, "command": command, "commit": commit.stdout.strip(), "machine": processor(),
        "n": sum(one["ours"] for one in rows if one["metric"].endswith(f": {counted}")), "rows": rows,
    }  # fmt: skip
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(path)


def row(metric: str, ours: float, unit: str, peer: float | None = None, peer_name: str = "") -> dict[str, Any]:
    """A measured number."""
    ratio = None if not peer else round(ours / peer, 4)
    return {"metric": metric, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio, "unit": unit}


def mutants(count: int, seed: int, names: Sequence[str]) -> None:
    """Try mutants."""
    from tests.fuzz.campaign import run
    from tests.fuzz.targets import TARGETS, find

    for target in [find(name) for name in names] or TARGETS:
        tally = run(target, count, seed)
        print(tally, flush=True)
        for number, how, what in tally.faults[:5]:
            print(f"  {number} {how}: {' '.join(what.split())[-300:]}", flush=True)
        counted = ("read", "refused", "crashed", "hung", "died", "too much memory")
        rows = [
            row("tried", tally.tried, "mutants"),
            *(row(how, tally.how[how], "mutants") for how in counted),
            row("most memory", round(tally.megabytes, 1), "MB"),
            row("most processor time", round(tally.seconds, 2), "s"),
            row("seed", seed, ""),
        ]
        command = "python benchmarks/robustness.py mutants --mutants N --seed S --target NAME"
        store("robustness_mutants", command, {target.name: rows}, "tried")


def verbs(folder: Path) -> dict[str, tuple[list[str], str]]:
    """Each verb that writes a file: its command line, and the outputs. Verbs that print reports write none."""
    from symbolic_music.transforms import transpose
    from tests.fuzz.music import tune, wav

    song = str(tune().write(folder / "song.mid"))
    tune().write(folder / "other.mid")
    sound, out = folder / "sound.wav", folder / "out"
    sound.write_bytes(wav(1.0))
    out.mkdir()
    for system in ("a", "b"):
        (folder / "systems" / system).mkdir(parents=True)
        for i in range(3):
            transpose(tune(), i).write(folder / "systems" / system / f"{i}.mid")
    for line in (
        ["tokenize", song, "-t", "remi", "-o", str(folder / "ids.npy")],
        ["encode", str(sound), "-o", str(folder / "codes.safetensors")],
        ["prepare", "folder", str(folder / "systems/a"), "-o", str(folder / "store")],
    ):
        assert _called(line) == 0, line
    midi, region = ["-o", str(out / "out.mid")], ["--from", "0.5", "--to", "1.5"]
    edit = ["-m", "multitrack", *midi]
    systems = [str(folder / "systems/a"), str(folder / "systems/b")]
    return {
        "infill": (["infill", song, *region, *edit], "out.mid"),
        "infill of many": (["infill", song, str(folder / "other.mid"), *region, "-m", "multitrack", "-o", str(out)],
                           "*.mid"),
        "generate": (["generate", "--prompt", song, "--seconds", "1", *edit], "out.mid"),
        "revoice": (["revoice", song, "--from", "0.5", "--to", "1", *edit], "out.mid"),
        "accompany": (["accompany", song, "--keep-tracks", "0", *edit], "out.mid"),
        "add-track": (["add-track", song, "--program", "40", *edit], "out.mid"),
        "thin-out": (["thin-out", song, *region, *edit], "out.mid"),
        "vary": (["vary", song, *region, *edit], "out.mid"),
        "busier": (["busier", song, *region, *edit], "out.mid"),
        "continue": (["continue", song, "--bars", "1", *edit], "out.mid"),
        "intro": (["intro", song, "--bars", "1", *edit], "out.mid"),
        "render": (["render", song, "-o", str(out / "out.wav"), "--sample-rate", "16000"], "out.wav"),
        "render, stems": (["render", song, "-o", str(out / "out.wav"), "--sample-rate", "16000",
                           "--stems", str(out)], "*.wav"),
        "render, flow": (["render", song, "-o", str(out / "out.wav"), "--synth", "flow"], "out.wav"),
        "decode": (["decode", str(folder / "codes.safetensors"), "-o", str(out / "out.wav")], "out.wav"),
        "plot": (["plot", song, "-o", str(out / "out.png")], "out.png"),
        "tokenize": (["tokenize", song, "-t", "remi", "-o", str(out / "out.npy")], "out.npy"),
        "detokenize": (["detokenize", str(folder / "ids.npy"), "-t", "remi", *midi], "out.mid"),
        "encode": (["encode", str(sound), "-o", str(out / "out.safetensors")], "out.safetensors"),
        "transcribe": (["transcribe", str(sound), "--allow-empty", *midi], "out.mid"),
        "transpose": (["transpose", song, "--semitones", "3", *midi], "out.mid"),
        "quantise": (["quantise", song, "--grid", "0.25", *midi], "out.mid"),
        "swing": (["swing", song, *midi], "out.mid"),
        "humanise": (["humanise", song, *midi], "out.mid"),
        "copy-bars": (["copy-bars", song, "--at", "bars:1", *midi], "out.mid"),
        "delete-bars": (["delete-bars", song, "--at", "bars:1", *midi], "out.mid"),
        "find-beats": (["find-beats", song, *midi], "out.mid"),
        "compare": (["compare", *systems, "--report", str(out / "out.html")], "out.html"),
        "listening-test": (["listening-test", *systems, "-o", str(out / "out.html")], "out.html"),
        "originality": (["originality", song, str(folder / "store"), "--report", str(out / "out.html")], "out.html"),
        "evaluate": (["evaluate", "multitrack", str(folder / "store"), "--split", "train", "--pieces", "1",
                      "--report", str(out / "out.html")], "out.*"),
        "info of a store": (["info", str(folder / "store"), "-o", str(out / "out.png")], "out.png"),
        "demo": (["demo", "--out", str(out)], "*"),
    }  # fmt: skip


def whole(path: Path, old: bytes) -> bool:
    """Whether an output is the old one, or a new one that its reader takes."""
    from symbolic_music import read

    data = path.read_bytes()
    if data == old:
        return True
    try:
        if path.suffix == ".mid":
            return not read(path).problems
        if path.suffix == ".wav":
            import soundfile

            with soundfile.SoundFile(path) as file:
                return bool(len(file.read()) == file.frames > 0)
        if path.suffix == ".png":
            return data.startswith(b"\x89PNG") and data.endswith(b"IEND\xaeB`\x82")
        if path.suffix == ".html":
            return data.rstrip().endswith(b"</html>")
        if path.suffix == ".json":
            return bool(json.loads(data))
        if path.suffix == ".npy":
            import numpy as np

            return bool(len(np.load(path, allow_pickle=False)))
        from symbolic_music.codec.codes import load_codes

        return bool(load_codes(path).samples)
    except Exception:
        return False


def kills(count: int, seed: int, names: Sequence[str]) -> None:
    """Kill each verb, or these, at random moments of its run."""
    from kills import Killed, killed_runs, killed_studios, runs

    rng = random.Random(seed)

    def tell(verb: str, found: Killed) -> None:
        print(f"{verb}: {found}", flush=True)
        rows = [row("tried", found.kills, "runs"), row("lost", found.lost, "outputs"),
                row("hidden files left", found.hidden, "files")]  # fmt: skip
        command = "python benchmarks/robustness.py kills --kills N --target VERB"
        store("robustness_kills", command, {verb: rows}, "tried")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warm()
        for verb, (arguments, outputs) in verbs(folder).items():
            if not names or verb in names:
                tell(verb, killed_verb(verb, arguments, folder / "out", outputs, count, rng))
        for verb, run in runs(folder).items():
            if not names or verb in names:
                (folder / verb).mkdir()
                tell(verb, killed_runs(run, folder / verb, count, rng))
        if not names or "studio" in names:
            tell("studio", killed_studios(folder, count, rng))


def warm() -> None:
    """Import what verbs do, so that children of this process begin with it."""
    import torch

    import symbolic_music.cli.app
    import symbolic_music.codec
    import symbolic_music.evaluation
    import symbolic_music.generation
    import symbolic_music.plotting
    import symbolic_music.synthesis
    import symbolic_music.transcription

    torch.set_num_threads(1)
    for name in ("multitrack", "chorales"):
        symbolic_music.load_model(name, "cpu")


def killed_verb(verb: str, arguments: Sequence[str], folder: Path, outputs: str, count: int, rng: random.Random) -> Any:
    """Kill one verb over older outputs.

    The verb runs in a child that has imported all that it needs: the start writes nothing, and most kills would hit it.
    """
    from kills import Killed

    found = Killed()
    for path in folder.iterdir():
        path.unlink()
    started = time.perf_counter()
    assert _called(arguments) == 0, verb
    took = time.perf_counter() - started
    old = {path: path.read_bytes() for path in sorted(folder.glob(outputs))}
    assert old, verb
    while found.kills < count:
        for path, data in old.items():
            path.write_bytes(data)
        again = list(arguments)
        if verb in _SEEDED:
            again += ["--seed", str(rng.randrange(99))]
        child = _begun(again)
        time.sleep(took * 1.05 * rng.random())
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        found.kills += os.WIFSIGNALED(status)
        found.after_the_end += not os.WIFSIGNALED(status)
        found.lost += sum(not whole(path, data) for path, data in old.items())
        hidden = [p for p in folder.iterdir() if p.name.startswith(".")]
        found.hidden += len(hidden)
        for p in hidden:
            p.unlink() if p.is_file() else shutil.rmtree(p)
    return found


_SEEDED = (
    "infill", "infill of many", "generate", "revoice", "accompany", "add-track", "thin-out", "vary", "busier",
    "continue", "intro", "humanise",
)  # fmt: skip


def _begun(arguments: Sequence[str]) -> int:
    """A child that runs a command line; its process id."""
    child = os.fork()
    if not child:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        from symbolic_music.cli import main

        try:
            main([*arguments])
        except SystemExit as end:
            os._exit(end.code if isinstance(end.code, int) else 0)
        finally:
            os._exit(70)
    return child


def _called(arguments: Sequence[str]) -> int:
    """The exit code of a command line that runs in a child to its end."""
    return os.waitstatus_to_exitcode(os.waitpid(_begun(arguments), 0)[1])


def edits(count: int) -> None:
    """Edit again and again in one process."""
    from symbolic_music import generation
    from symbolic_music.generation import Region
    from symbolic_music.models import load_model
    from tests.fuzz.music import tune

    def megabytes() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20

    model, score, marks = load_model("multitrack", "cpu"), tune(), []
    for i in range(count):
        generation.edit(score, [Region(0.5, 1.0)], [0], model, seed=i, allow_empty=True).finish()
        if (i + 1) % max(1, count // 10) == 0:
            marks.append(megabytes())
            print(f"{i + 1:,} edits: {marks[-1]:.1f} MB", flush=True)
    rows = [row("tried", count, "edits"),
            row("memory after a tenth", round(marks[0], 1), "MB"),
            row("memory at the end", round(marks[-1], 1), "MB"),
            row("growth an edit", round((marks[-1] - marks[0]) * 1024 / (0.9 * count), 3), "kB")]  # fmt: skip
    store("robustness_edits", f"python benchmarks/robustness.py edits --edits {count}", {"edits": rows}, "tried")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("mutants", "kills", "edits"))
    parser.add_argument("--mutants", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--edits", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", default=[])
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    assert shutil.which(sys.executable)
    if options.what == "mutants":
        mutants(options.mutants, options.seed, options.target)
    elif options.what == "kills":
        kills(options.kills, options.seed, options.target)
    else:
        edits(options.edits)


if __name__ == "__main__":
    main()
