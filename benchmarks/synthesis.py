"""Speed of the DDSP bank beside FluidSynth, on two cores and on one, in one run: benchmarks/results/synthesis.json.

    python benchmarks/synthesis.py [CORPORA]

A four-part chorale of 60 s (480 notes) by six voices, and by two trained ones; from CORPORA (a folder with maestro-midi
and lakh-subset) the first performance of MAESTRO's test split and a pop file of 12 parts. 44.1 kHz stereo, ours with
its room, levelled and limited, FluidSynth with its reverb and chorus. Runs take turns: ours in as many threads as there
are cores, and in one, and FluidSynth, which plays in one thread. Seconds of one thread are those of the processor,
since the machine may have others to serve; seconds on all cores are those of the clock, for which it should have none.
The fastest run counts. Then the first sound of a stream, and the oscillators beside the direct sum over all harmonics
at all samples, which is how ddsp_pytorch's bank is written.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from result_file import row, write_result

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io import read
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import dsp, render, stream
from symbolic_music.synthesis.sampled.soundfont import default_soundfont

VOICES = {"piano": 0, "church organ": 19, "violin": 40, "string ensemble": 48, "choir": 52, "flute": 73}
CHORDS = ((72, 67, 64, 48), (71, 67, 62, 55), (69, 65, 60, 53), (67, 64, 60, 48), (74, 69, 65, 50), (72, 67, 64, 52))
PERFORMANCE = "2009/MIDI-Unprocessed_11_R1_2009_06-09_ORIG_MID--AUDIO_11_R1_2009_11_R1_2009_07_WAV.midi"
POP = "midi/f/f5aae1c81068608452b9eb6f294e5b33.mid"
SECONDS, SAMPLE_RATE, RUNS = 60, 44100, 5
CORES = torch.get_num_threads()


def chorale(program: int) -> Score:
    """Crotchets at 120 a minute in four tracks."""
    rows = [
        (480 * beat, 480, CHORDS[beat % len(CHORDS)][part], 70 + 5 * (beat % 8), program, 0, part)
        for beat in range(2 * SECONDS)
        for part in range(4)
    ]
    return Score(480, note_table(rows))


def ours(score: Score, synth: str = "ddsp") -> float:
    """Seconds of sound."""
    audio = render(score, synth, sample_rate=SAMPLE_RATE)
    assert np.isfinite(audio.samples).all()
    return audio.duration


def fluidsynth_player() -> Callable[[Score], float]:
    """The same score through FluidSynth: a channel a track, its notes, controllers and bends, and a tail of 1.1 s."""
    import fluidsynth

    synth = fluidsynth.Synth(samplerate=float(SAMPLE_RATE))
    font = synth.sfload(str(default_soundfont()))

    def play(score: Score) -> float:
        synth.system_reset()
        free = [c for c in range(16) if c != DRUM_CHANNEL]
        channel = {}
        for i, track in enumerate(np.unique(score.notes["track"]).tolist()):
            own = score.notes[score.notes["track"] == track][0]
            drums = own["channel"] == DRUM_CHANNEL
            channel[track] = DRUM_CHANNEL if drums else free[i % len(free)]
            synth.program_select(channel[track], font, 128 if drums else 0, 0 if drums else int(own["program"]))
        events: list[tuple[float, int, Any]] = []
        for on, off, note in zip(score.onset_seconds, score.offset_seconds, score.notes, strict=True):
            at = channel[int(note["track"])]
            events.append((on, 2, (synth.noteon, at, int(note["pitch"]), int(note["velocity"]))))
            events.append((max(off, on + 0.001), 1, (synth.noteoff, at, int(note["pitch"]))))
        for when, control in zip(score.seconds(score.controls["time"]), score.controls, strict=True):
            if int(control["track"]) in channel:
                what = (synth.cc, channel[int(control["track"])], int(control["number"]), int(control["value"]))
                events.append((when, 0, what))
        for when, bend in zip(score.seconds(score.bends["time"]), score.bends, strict=True):
            if int(bend["track"]) in channel:
                events.append((when, 0, (synth.pitch_bend, channel[int(bend["track"])], int(bend["value"]))))
        done = 0
        for when, _, (call, *arguments) in sorted(events, key=lambda event: event[:2]):
            if round(when * SAMPLE_RATE) > done:
                synth.get_samples(round(when * SAMPLE_RATE) - done)
                done = round(when * SAMPLE_RATE)
            call(*arguments)
        synth.get_samples(int(1.1 * SAMPLE_RATE))
        return done / SAMPLE_RATE + 1.1

    return play


def speed(play: Callable[[Score], float], score: Score, threads: int, clock: Callable[[], float]) -> float:
    """Seconds of sound for a second of a clock."""
    torch.set_num_threads(threads)
    start = clock()
    seconds = play(score)
    taken = clock() - start
    torch.set_num_threads(1)
    return seconds / taken


def beside(name: str, score: Score, peer: Callable[[Score], float], synth: str = "ddsp") -> list[dict[str, Any]]:
    """All by turns, the fastest of each: a row on all cores and one on one."""
    found: dict[str, list[float]] = {}
    for _ in range(RUNS):
        for who, play, threads, clock in (
            ("all", partial(ours, synth=synth), CORES, time.perf_counter),
            ("one", partial(ours, synth=synth), 1, time.process_time),
            ("peer", peer, 1, time.process_time),
        ):
            found.setdefault(who, []).append(speed(play, score, threads, clock))
    its = max(found["peer"])
    return [
        row(f"{name}, {text}", max(found[who]), "x real time", its, "FluidSynth 2.3, TimGM6mb, one thread",
            max(found[who]) / its)
        for who, text in (("all", f"{CORES} threads"), ("one", "one thread"))
    ]  # fmt: skip


def first_sound(name: str, score: Score) -> dict[str, Any]:
    """Milliseconds from the call of `stream` to its first chunk."""
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        next(stream(score, sample_rate=SAMPLE_RATE))
        taken.append(1000 * (time.perf_counter() - start))
    return row(f"first sound of a stream, {name}", statistics.median(taken), "ms")


def direct_sum(f0: torch.Tensor, amplitudes: torch.Tensor) -> torch.Tensor:
    """(B, n) Hz and (B, n, K) amplitudes: the sum of sin(k * cumulative phase), every harmonic at every sample."""
    phase = torch.cumsum(2 * torch.pi * f0 / SAMPLE_RATE, 1)[..., None] * torch.arange(1, amplitudes.shape[-1] + 1)
    return (torch.sin(phase) * amplitudes).sum(-1)


def oscillators() -> list[dict[str, Any]]:
    """Four seconds of 60 harmonics, from amplitudes at frames, pitches that move and pitches that stand."""
    hop, frames, count = 256, 690, 60
    amplitudes = torch.rand(4, frames, count) / count
    f0 = 200 + 5 * torch.sin(torch.arange(frames) / 20).expand(4, frames)
    harmonics = torch.arange(1.0, count + 1)

    def moving() -> None:
        phase = dsp.phase_between_frames(dsp.cycles_at_frames(f0, hop, SAMPLE_RATE), f0, hop, SAMPLE_RATE)
        dsp.read_wavetables(dsp.wavetables(amplitudes, 16 * count), phase, hop)

    def peer() -> None:
        direct_sum(dsp.upsample_linear(f0, hop), dsp.upsample_amplitudes(amplitudes, hop))

    def standing() -> None:
        dsp.stationary_bank(200 * harmonics.expand(4, count), amplitudes, hop, SAMPLE_RATE)

    taken: dict[str, list[float]] = {"moving": [], "standing": [], "peer": []}
    with torch.inference_mode():
        for _ in range(RUNS):
            for name, call in (("moving", moving), ("standing", standing), ("peer", peer)):
                start = time.process_time()
                call()
                taken[name].append(1000 * (time.process_time() - start))
    its = statistics.median(taken["peer"])
    rows = []
    for name, text in (
        ("moving", "wavetables, pitches that move"),
        ("standing", "matrix products, pitches that stand"),
    ):
        mine = statistics.median(taken[name])
        rows.append(row(f"60 harmonics, 4 notes of 4 s, {text}", mine, "ms", its, "direct sum", its / mine))
    return rows


def main() -> None:
    """Measure, print and store."""
    torch.set_num_threads(1)
    peer = fluidsynth_player()
    render(chorale(0).clip(0, 2))
    pieces = {f"four parts, {name}": chorale(program) for name, program in VOICES.items()}
    if len(sys.argv) > 1:
        pieces["performance with pedal, MAESTRO"] = read(Path(sys.argv[1]) / "maestro-midi" / PERFORMANCE)
        pieces["pop file of 12 parts, Lakh"] = read(Path(sys.argv[1]) / "lakh-subset" / POP)
    rows = [one for name, score in pieces.items() for one in beside(name, score, peer)]
    for name in ("violin", "flute"):
        rows += beside(f"four parts, {name} of midi-ddsp", pieces[f"four parts, {name}"], peer, "midi-ddsp")
    rows += [
        first_sound(name, pieces[name]) for name in list(pieces) if name.split(", ")[1] in ("piano", "choir", "Lakh")
    ]
    rows += oscillators()
    write_result("synthesis", RUNS, rows, f"{CORES} threads or one")


if __name__ == "__main__":
    main()
