"""Note F1 of a transcription of what is rendered: built-in, trained and sampled voices from the same scores.

python benchmarks/transcription.py [--maestro FOLDER] [--lakh FOLDER] [--seconds 20] [--count 5]

basic-pitch 0.4.0 transcribes (its ONNX model: `pip install --no-deps basic-pitch onnxruntime mir_eval resampy
flatbuffers`), mir_eval compares with the score: onsets within 50 ms, pitches within 50 cents, ends not looked at.
Chorales of music21's corpus are given to strings, winds, organ, brass and piano in turn; of folders every so many files
are taken. Drums are left out.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import platform
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
from arguments import arguments

import symbolic_music as sm
from symbolic_music.score import Score

SYNTHS = ("ddsp", "midi-ddsp", "soundfont")
# Programs of the four voices.
ENSEMBLES = ((40, 40, 41, 42), (73, 68, 71, 60), (19, 19, 19, 19), (56, 60, 60, 60), (0, 0, 0, 0))


def chorales(count: int, seconds: float) -> list[Score]:
    """Of music21's corpus, each for another ensemble."""
    from music21 import corpus

    paths = sorted(str(path) for path in corpus.getComposer("bach") if "bwv" in str(path))
    found = []
    for number, path in enumerate(paths[:: max(1, len(paths) // count)][:count]):
        score = sm.read(path).clip(0, seconds)
        programs = np.array(ENSEMBLES[number % len(ENSEMBLES)])
        notes = score.notes.copy()
        notes["program"] = programs[notes["track"] % 4]
        tracks = [dataclasses.replace(t, program=int(programs[i % 4])) for i, t in enumerate(score.tracks)]
        found.append(score.replace(notes=notes, tracks=tuple(tracks)))
    return found


def files(folder: Path, count: int, seconds: float) -> list[Score]:
    """Of every so many files of a folder twenty seconds in, without drums."""
    paths = sorted(folder.rglob("*.mid*"))
    found = []
    for path in paths[:: max(1, len(paths) // (2 * count))]:
        score = sm.read(path)
        score = score.replace(notes=score.notes[score.instruments < 128])
        if score.duration > 30 + seconds:
            score = score.clip(20, 20 + seconds)
            if len(score) > 4 * seconds and len(found) < count:
                found.append(score)
    return found


def f_measure(score: Score, sound: sm.Audio) -> float:
    """Of the transcription of a score's sound."""
    from basic_pitch import ICASSP_2022_MODEL_PATH
    from basic_pitch.inference import predict
    from mir_eval.transcription import precision_recall_f1_overlap
    from mir_eval.util import midi_to_hz

    with tempfile.TemporaryDirectory() as folder:
        path = sound.write(Path(folder) / "a.wav")
        _, _, events = predict(path, ICASSP_2022_MODEL_PATH)
    heard = np.array([(start, end, pitch) for start, end, pitch, *_ in events]).reshape(-1, 3)
    starts = score.onset_seconds
    ends = score.seconds(score.notes["onset"].astype(np.int64) + score.notes["duration"])
    wanted = np.stack([starts, np.maximum(ends, starts + 0.01)], axis=1)
    _, _, found, _ = precision_recall_f1_overlap(
        wanted, midi_to_hz(score.notes["pitch"].astype(float)), heard[:, :2], midi_to_hz(heard[:, 2]), offset_ratio=None
    )
    return float(found)


def main() -> None:
    asked = arguments(maestro=Path, lakh=Path, seconds=20.0, count=5)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sets = {"chorales, five ensembles": chorales(asked.count, asked.seconds)}
    for name, folder in (("piano, MAESTRO", asked.maestro), ("many instruments, Lakh", asked.lakh)):
        if folder is not None:
            sets[name] = files(folder, asked.count, asked.seconds)
    rows = []
    for name, scores in sets.items():
        found = {
            synth: float(np.mean([f_measure(score, sm.render(score, synth, 22_050)) for score in scores]))
            for synth in SYNTHS
        }
        print(name, len(scores), {synth: round(value, 3) for synth, value in found.items()}, flush=True)
        for synth in SYNTHS[:2]:
            ours, peer = found[synth], found["soundfont"]
            metric, ratio = f"note F1, {name}: {synth}", round(ours / peer, 3)
            rows.append({"metric": metric, "ours": round(ours, 3), "peer": round(peer, 3),
                         "peer_name": "the SoundFont render", "ratio": ratio, "unit": "F1"})  # fmt: skip
    result = {
        "name": "transcription",
        "command": "python benchmarks/transcription.py --maestro MAESTRO --lakh LAKH --count 10",
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
        ).stdout.strip(),
        "machine": f"{platform.machine()}, {platform.system()}",
        "n": sum(map(len, sets.values())),
        "rows": rows,
    }
    path = Path(__file__).parent / "results" / "transcription.json"
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
