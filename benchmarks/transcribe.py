"""Note F1 of `sm.transcribe` beside basic-pitch: rendered pieces that were held out, and real recordings.

python benchmarks/transcribe.py --stores FOLDER [--real WAV=NOTES ...] [--kept FOLDER] [--count 8] [--seconds 20]

FOLDER has note stores `maestro`, `lakh` and `chorales` (`symbolic-music prepare`), whose test splits are rendered.
NOTES is a JAMS file of GuitarSet, or a text file of onset, pitch, duration and velocity. basic-pitch 0.4.0: `pip
install --no-deps basic-pitch onnxruntime resampy flatbuffers`; without it, or with --alone, ours are measured alone.
Renders and basic-pitch's notes are kept in --kept, for the next time. mir_eval compares: onsets within 50 ms, each note
once; with ends, these within 50 ms or a fifth of the note too. Drums play in no set but the last.
"""

from __future__ import annotations

import json
import logging
import resource
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from arguments import parser_of
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.corpora import NoteStore
from symbolic_music.errors import MissingExtraError
from symbolic_music.evaluation.transcription_metrics import Transcription, transcription
from symbolic_music.score import Score
from symbolic_music.synthesis.mixing.controllers import held_until
from symbolic_music.transcription.notes import Note, score_of

# Name -> store, synthesizer, and whether drums play.
SETS = {
    "piano, MAESTRO, ddsp": ("maestro", "ddsp", False),
    "piano, MAESTRO, SoundFont (a piano that is not in the training)": ("maestro", "soundfont", False),
    "four parts, chorales, ddsp": ("chorales", "ddsp", False),
    "four parts, chorales, SoundFont": ("chorales", "soundfont", False),
    "bands without drums, Lakh, SoundFont": ("lakh", "soundfont", False),
    "bands with drums, Lakh, SoundFont": ("lakh", "soundfont", True),
}
PEER = "basic-pitch 0.4.0"
ENSEMBLES = ((40, 40, 41, 42), (73, 68, 71, 60), (19, 19, 19, 19), (56, 60, 60, 60))


def pieces(store: NoteStore, count: int, seconds: float, drums: bool) -> list[Score]:
    """Passages of pieces of the test split, evenly chosen, twenty seconds in where they are long enough."""
    indices = store.splits["test"]
    found: list[Score] = []
    for index in indices[:: max(1, len(indices) // (2 * count))]:
        score = store.music(int(index))
        if not drums:
            score = score.replace(notes=score.notes[score.instruments < 128])
        score = score.clip(20, 20 + seconds) if score.duration > 25 + seconds else score.clip(0, seconds)
        if len(score) > seconds and len(found) < count:
            found.append(score)
    return found


def as_ensembles(scores: list[Score]) -> list[Score]:
    """Chorales for strings, winds, organ and brass in turn."""
    out = []
    for number, score in enumerate(scores):
        notes = score.notes.copy()
        notes["program"] = np.array(ENSEMBLES[number % len(ENSEMBLES)])[notes["track"] % 4]
        out.append(score.replace(notes=notes))
    return out


def pedalled(score: Score) -> Score:
    """Notes for as long as the pedal holds them, each pitch once at a time; drums are left out."""
    ends = held_until(score)
    pitched = score.instruments < 128
    rows = {
        (round(float(a), 3), int(p)): Note(float(a), max(float(b), float(a) + 0.02), int(p), int(v))
        for a, b, p, v in zip(
            score.onset_seconds[pitched],
            ends[pitched],
            score.notes["pitch"][pitched],
            score.notes["velocity"][pitched],
            strict=True,
        )
    }
    return score_of(sorted(rows.values()))


def real_notes(path: Path) -> Score:
    """The notes of a recording, of a JAMS file or of lines of onset, pitch, duration and velocity."""
    if path.suffix == ".jams":
        rows = [
            Note(one["time"], one["time"] + one["duration"], round(one["value"]), 80)
            for part in json.loads(path.read_text())["annotations"]
            if part["namespace"] == "note_midi"
            for one in part["data"]
        ]
    else:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        rows = [Note(float(a), float(a) + float(d), int(p), int(v)) for a, p, d, v in lines]
    return score_of(sorted(rows))


def by_peer(path: Path, kept: Path) -> Score | None:
    """basic-pitch's notes, from the file where they are kept; None where it is not installed."""
    if not kept.exists():
        try:
            sm.transcribe(path, by="basic-pitch").write(kept)
        except MissingExtraError:
            return None
    return sm.read(kept)


def velocity_correlation(truth: Score, found: Score) -> float:
    """Of the velocities of notes that were found, within 50 ms; nan for fewer than eight."""
    pairs = []
    for onset, note in zip(found.onset_seconds, found.notes, strict=True):
        near = np.flatnonzero((np.abs(truth.onset_seconds - onset) < 0.05) & (truth.notes["pitch"] == note["pitch"]))
        if len(near):
            pairs.append((int(truth.notes["velocity"][near[0]]), int(note["velocity"])))
    if len(pairs) < 8 or np.ptp(np.array(pairs), axis=0).min() == 0:
        return float("nan")
    return float(np.corrcoef(np.array(pairs).T)[0, 1])


def main() -> None:
    parser = parser_of(model="transcription", kept=Path, alone=False, count=8, seconds=20.0)
    parser.add_argument("--stores", type=Path, required=True)
    parser.add_argument("--real", nargs="*", default=[])
    parser.add_argument("--peer-only", action="store_true", help="keep renders and basic-pitch's notes, and stop")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    kept = asked.kept or Path(tempfile.mkdtemp())
    kept.mkdir(parents=True, exist_ok=True)
    sets: dict[str, list[tuple[Path, Score]]] = {}
    for number, (name, (store, synth, drums)) in enumerate(SETS.items()):
        scores = pieces(NoteStore(asked.stores / store), asked.count, asked.seconds, drums)
        if store == "chorales":
            scores = as_ensembles(scores)
        sets[name] = []
        for place, score in enumerate(scores):
            path = kept / f"{number}-{place}.wav"
            if not path.exists():
                sm.render(score, synth, 22_050).write(path)
            sets[name].append((path, pedalled(score)))
    for pair in asked.real:
        sound, notes = map(Path, pair.split("="))
        sets[f"real recording, {sound.stem}"] = [(sound, real_notes(notes))]
    network = None if asked.peer_only else sm.transcription.load_transcriber(asked.model)
    rows, seconds, taken, count = [], 0.0, 0.0, 0
    for name, items in sets.items():
        ours, theirs, strengths = list[Transcription](), list[Transcription](), list[float]()
        for path, truth in items:
            peer = None if asked.alone else by_peer(path, kept / f"{path.stem}.mid")
            if peer is not None:
                theirs.append(transcription(truth, peer))
            if network is None:
                continue
            start = time.process_time()
            found = sm.transcribe(path, model=network)
            taken, seconds = taken + time.process_time() - start, seconds + truth.duration
            ours.append(transcription(truth, found))
            strengths.append(velocity_correlation(truth, found))
        count += len(items)
        if network is None:
            print(name, len(items), [round(one.f1, 3) for one in theirs], flush=True)
            continue
        for metric, key in (("note F1", "f1"), ("note F1 with ends", "f1_offsets")):
            own, other = (float(np.mean([getattr(one, key) for one in found])) for found in (ours, theirs or ours))
            rows.append(row(f"{metric}, {name}", own, "F1", *((other, PEER) if theirs else ())))
        if np.isfinite(strengths).any() and name.startswith("piano"):
            rows.append(row(f"correlation of velocities, {name}", float(np.nanmean(strengths))))
    if network is None:
        return
    rows.append(row("speed, on one thread", seconds / taken, "x real time"))
    command = "python benchmarks/transcribe.py --stores STORES --real guitar.wav=guitar.jams piano.wav=piano.notes"
    write_result("transcribe", count, rows, command=f"{command} --count {asked.count}")
    print("peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MB")


if __name__ == "__main__":
    main()
