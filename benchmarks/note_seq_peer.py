"""note-seq's performance events of MIDI files: the peer of tokenizers_performance.py, in its own interpreter.

note-seq 0.0.5 cannot live beside current packages. Of Python 3.8 it takes, in an environment of its own:

    pip install --no-deps note-seq==0.0.5
    pip install 'numpy<1.24' 'protobuf>=4.21,<5' pretty_midi==0.2.10 attrs intervaltree pandas absl-py pygtrie scipy

Reads questions, each a line of JSON, and answers each with one: {"path": MIDI file} has it read the file, {"notes":
[[start, end, pitch, velocity, is_drum, instrument], ...], "pedal": [[time, value, instrument], ...]} with times in
seconds hands it the notes. The answer has ids; read, the notes before the pedal (start, end, pitch, velocity, is_drum);
notes, those decoded from the ids (onset, duration, pitch, velocity in steps of 10 ms); encode_ms and
decode_ms of processor time; or error.
"""

from __future__ import annotations

import importlib.machinery
import json
import sys
import time
import types
import warnings
from pathlib import Path


def load():
    """note-seq's modules, without those of sound and drawing that the package's __init__ would import."""
    found = importlib.machinery.PathFinder.find_spec("note_seq")
    package = types.ModuleType("note_seq")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["note_seq"] = package
    from note_seq import midi_io, performance_lib, sequences_lib
    from note_seq.performance_encoder_decoder import PerformanceOneHotEncoding
    from note_seq.protobuf import music_pb2

    return types.SimpleNamespace(
        midi_io=midi_io,
        performance_lib=performance_lib,
        sequences_lib=sequences_lib,
        music_pb2=music_pb2,
        encoding=PerformanceOneHotEncoding(num_velocity_bins=32),
    )


def sequence_of(lib, question):
    """The NoteSequence that a question asks about."""
    if "path" in question:
        return lib.midi_io.midi_to_note_sequence(Path(question["path"]).read_bytes())
    sequence = lib.music_pb2.NoteSequence()
    for start, end, pitch, velocity, is_drum, instrument in question["notes"]:
        sequence.notes.add(
            start_time=start, end_time=end, pitch=pitch, velocity=velocity, is_drum=is_drum, instrument=instrument
        )
        sequence.total_time = max(sequence.total_time, end)
    for when, value, instrument in question["pedal"]:
        sequence.control_changes.add(time=when, control_number=64, control_value=value, instrument=instrument)
    return sequence


def answer(lib, question):
    """The answer to a question."""
    begun = time.process_time()
    whole = sequence_of(lib, question)
    sequence = lib.sequences_lib.apply_sustain_control_changes(whole)
    sequence = lib.sequences_lib.quantize_note_sequence_absolute(sequence, 100)
    ids = [lib.encoding.encode_event(e) for e in lib.performance_lib.Performance(sequence, num_velocity_bins=32)]
    encoded = time.process_time()
    performance = lib.performance_lib.Performance(steps_per_second=100, num_velocity_bins=32)
    for token in ids:
        performance.append(lib.encoding.decode_event(token))
    decoded = performance.to_sequence()
    done = time.process_time()
    notes = [
        (round(n.start_time * 100), round((n.end_time - n.start_time) * 100), n.pitch, n.velocity)
        for n in decoded.notes
    ]
    return {
        "ids": ids,
        "read": [(n.start_time, n.end_time, n.pitch, n.velocity, n.is_drum) for n in whole.notes],
        "notes": sorted(notes),
        "encode_ms": 1e3 * (encoded - begun),
        "decode_ms": 1e3 * (done - encoded),
    }


def main():
    """Answer line by line."""
    warnings.simplefilter("ignore")
    lib = load()
    for line in sys.stdin:
        try:
            reply = answer(lib, json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
