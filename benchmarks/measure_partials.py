"""Measure the bundled tables of partials again: `python benchmarks/measure_partials.py RECORDINGS [VOICE …]`.

RECORDINGS holds a folder for each voice of configs/voices/nine.yaml, whose held-out notes are left out here too. Writes
symbolic_music/weights/partials/VOICE.json.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import symbolic_music
from symbolic_music.io.atomic import write_bytes
from symbolic_music.synthesis.analysis.partial_tables import measure_held, measure_struck
from symbolic_music.synthesis.analysis.recordings import recordings, taken_notes
from symbolic_music.training.voices.config import load_voice_config
from symbolic_music.training.voices.note_examples import split

CONFIG = Path(__file__).parent.parent / "configs" / "voices" / "nine.yaml"
FOLDER = Path(symbolic_music.__file__).parent / "weights" / "partials"
HIGHEST = 107  # semitones; the pitch of a struck note above is not found


def main() -> None:
    """Measure and write."""
    config, data, chosen = load_voice_config(CONFIG), Path(sys.argv[1]), sys.argv[2:]
    for source in config.voices:
        if chosen and source.name not in chosen:
            continue
        notes = [n for r in recordings(data / source.folder) for n in taken_notes(r, source.struck)]
        notes.sort(key=lambda note: note.pitch)
        learnt, _ = split(notes, config.held_out)
        kept = [notes[i] for i in learnt if not source.struck or notes[i].pitch < HIGHEST]
        table = (measure_struck if source.struck else measure_held)(kept)
        write_bytes(FOLDER / f"{source.name}.json", table.to_json().encode())
        print(f"{source.name}: {len(kept)} notes, {time.process_time():.0f} s so far", flush=True)


if __name__ == "__main__":
    main()
