"""Trained voices beside hand-set ones and a SoundFont, on notes and pitches that were not trained on.

    python benchmarks/voices.py CONFIG.yaml DATA [--seconds 4]

CONFIG is the training's (configs/voices/nine.yaml), DATA the folder of recordings. Writes voices.json and
voices_controls.json into benchmarks/results. Each held-out note is rendered dry from a score of one note, tuned by a
bend to the recording, by all synths, and brought to the recording's level. `autoencoder` has the recording's own pitch
and loudness. `controls known` is our voice with the six controls measured on the recording.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from arguments import arguments
from numpy.typing import NDArray
from result_file import row, write_result

from symbolic_music.errors import AudioError
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import render
from symbolic_music.synthesis.analysis import features
from symbolic_music.synthesis.analysis.harmonics import HOP, RATE
from symbolic_music.synthesis.analysis.notes import TakenNote, take_struck, take_sustained
from symbolic_music.synthesis.analysis.recordings import recordings, samples_of, taken_notes
from symbolic_music.synthesis.analysis.spectral_loss import spectral_loss
from symbolic_music.synthesis.ddsp.player import Bank
from symbolic_music.synthesis.midi_ddsp.autoencoder import decode
from symbolic_music.synthesis.midi_ddsp.expression import Expression, express
from symbolic_music.synthesis.midi_ddsp.player import NeuralBank
from symbolic_music.synthesis.midi_ddsp.synthesizer import STRUCK_SECONDS, Played, sound
from symbolic_music.synthesis.midi_ddsp.voices import NeuralVoices, load_voices
from symbolic_music.training.voices.config import VoiceSource, load_voice_config
from symbolic_music.training.voices.note_examples import levelled, split

LEAD = 0.25  # seconds before the note
PUBLISHED = {"volume": 0.97, "fluctuation": 0.78, "vibrato": 0.70, "brightness": 0.92, "attack_noise": 0.93,
             "peak": 0.57}  # fmt: skip
SPREAD = {"volume": (-12, 6), "fluctuation": (-3, 6), "vibrato": (0, 0.15), "brightness": (-0.4, 0.6),
          "attack_noise": (-15, 15), "peak": (-0.4, 0.4)}  # fmt: skip
Samples = NDArray[np.float32]


def one_note(note: TakenNote, program: int, seconds: float, velocity: int) -> Score:
    """A score of a note at the recording's pitch and strength, one tick a millisecond."""
    key = int(np.clip(round(note.pitch), 0, 127))
    rows = [(round(LEAD * 1000), max(50, round(1000 * seconds)), key, velocity, program, 0, 0)]
    value = round((note.pitch - key) / 2 * 8192)
    score = Score(500, note_table(rows))
    return score.replace(bends=np.array([(0, value, 0)], score.bends.dtype)) if value else score


def play(score: Score, synth: str, expression: Expression | None = None) -> Samples:
    """The dry sound of a score, mono."""
    if synth == "soundfont":
        return render(score, synth, RATE, reverb=0).samples.mean(axis=0)
    bank = Bank(score, RATE) if synth == "ddsp" else NeuralBank(score, RATE, expression=expression)
    return np.sum([np.atleast_2d(wave).sum(axis=0) for wave in bank.play(bank.end).values()], axis=0)


def onset_of(wave: Samples) -> float:
    """Milliseconds at which a sound first comes within 40 dB of its peak."""
    return float(np.argmax(np.abs(wave) > 0.01 * np.abs(wave).max()) / RATE * 1000)


def cents_off(wave: Samples, note: TakenNote, struck: bool) -> float:
    """Of the pitch of a rendered note from what the score asks for."""
    try:
        taken = take_struck(wave, note.pitch) if struck else take_sustained(wave, note.pitch)
    except AudioError:
        return float("nan")
    return 100 * (taken.pitch - note.pitch)


def against(wave: Samples, real: Samples) -> tuple[float, float]:
    """Spectral loss and mean loudness error in dB of a rendered note, both from its onset on, level matched."""
    size = min(len(wave), len(real))
    two = torch.from_numpy(np.stack([wave[:size], real[:size]]).astype(np.float32))
    two = two / two.square().mean(1, keepdim=True).sqrt().clamp(min=1e-9) * 0.1
    loud = features.loudness(two, RATE, round(HOP * RATE), 1024)
    heard = loud[1] > loud[1].max() - 40
    off = (loud[0] - loud[1])[heard]
    return float(spectral_loss(two[:1], two[1:])), float((off - off.median()).abs().mean())


def measured(note: TakenNote, seconds: float) -> torch.Tensor:
    """The six controls of the first seconds of a note."""
    part = slice(0, max(1, min(note.held, int(seconds / HOP))))
    kept = (note.deviation.astype(np.float32), note.amplitudes, note.noise)
    deviation, amplitudes, noise = (torch.from_numpy(x[part]) for x in kept)
    return features.controls(deviation, amplitudes, noise, HOP)


def quality(source: VoiceSource, held: list[tuple[TakenNote, Samples]], most: float) -> dict[str, dict[str, float]]:
    """Medians over held-out notes: synth -> measure -> value."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for note, real in held:
        seconds = min(note.held * HOP, most)
        score = one_note(note, source.programs[0], seconds, source.recorded_velocity)
        asked = express(score)
        asked.controls[0] = measured(levelled(note), STRUCK_SECONDS if source.struck else seconds).numpy()
        start = round(note.start * RATE)
        wanted = real[start : start + round(seconds * RATE)]
        for name, synth, expression in (
            ("midi-ddsp", "midi-ddsp", None), ("controls known", "midi-ddsp", asked), ("hand-set", "ddsp", None),
            ("SoundFont", "soundfont", None),
        ):  # fmt: skip
            wave = play(score, synth, expression)
            first = round(LEAD * RATE)
            loss, loudness = against(wave[first:], wanted)
            rows = {"spectral loss": loss, "loudness error (dB)": loudness}
            rows["onset error (ms)"] = abs(onset_of(wave) - LEAD * 1000)
            rows["pitch error (cents)"] = abs(cents_off(wave, note, source.struck))
            for measure, value in rows.items():
                found[name][measure].append(value)
        decoded = decode(note.pitch + note.deviation, levelled(note).loudness, source.name)
        loss, loudness = against(decoded, wanted)
        found["autoencoder"]["spectral loss"].append(loss)
        found["autoencoder"]["loudness error (dB)"].append(loudness)
    return {name: {m: float(np.nanmedian(v)) for m, v in rows.items()} for name, rows in found.items()}


def held_notes(source: VoiceSource, data: Path, every: int) -> list[tuple[TakenNote, Samples]]:
    """The notes of a voice that were held out, taken apart, each with its recording."""
    found = []
    for recording in recordings(data / source.folder):
        real = samples_of(recording if not source.struck else type(recording)(recording.path))
        found += [(note, real) for note in taken_notes(recording, source.struck)]
    found.sort(key=lambda pair: pair[0].pitch)
    return [found[i] for i in split([note for note, _ in found], every)[1]]


def correlations(voices: NeuralVoices, held: dict[int, list[tuple[TakenNote, Samples]]]) -> dict[str, float]:
    """Pearson's r of each control asked for with the same measured on the sound, over held-out notes of all voices.

    One control at a time is moved over its range around what the network draws, five values a note of 1.2 s.
    """
    asked: dict[str, list[float]] = defaultdict(list)
    heard: dict[str, list[float]] = defaultdict(list)
    for number, notes in held.items():
        for note, _ in notes:
            who, pitch, length = torch.tensor([number]), torch.tensor([note.pitch]).float(), torch.tensor([1.2])
            with torch.inference_mode():
                base = voices.networks.expression(who, pitch, length)
            for i, name in enumerate(features.CONTROLS):
                for part in np.linspace(0, 1, 5):
                    controls = base.clone()
                    move = SPREAD[name][0] + part * (SPREAD[name][1] - SPREAD[name][0])
                    if name == "brightness":
                        controls[0, i] = 1 + (controls[0, i] - 1) * (1 + move)
                    else:
                        controls[0, i] += move
                    controls[0, 5] = controls[0, 5].clamp(0, 1)
                    controls[0, 1] = controls[0, 1].clamp(min=0.5)
                    played = Played(pitch, length, controls, torch.tensor([7]), torch.zeros(1), torch.tensor([0.35]))
                    with torch.inference_mode():
                        wave = sound(voices, number, played, RATE, round(HOP * RATE))[0].numpy()
                    taken = take_sustained(np.pad(wave, (4410, 2205)), note.pitch)
                    asked[name].append(float(controls[0, i]))
                    heard[name].append(float(measured(taken, 1.2)[i]))
    return {name: float(np.corrcoef(asked[name], heard[name])[0, 1]) for name in features.CONTROLS}


def main() -> None:
    """Measure, print and store."""
    given = arguments(("config", Path), ("data", Path), seconds=3.0)
    torch.set_num_threads(1)
    config, voices, rows = load_voice_config(given.config), load_voices(), list[dict[str, Any]]()
    sustained: dict[int, list[tuple[TakenNote, Samples]]] = {}
    count = 0
    everything: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number, source in enumerate(config.voices):
        held = held_notes(source, given.data, config.held_out)
        count += len(held)
        if not source.struck:
            sustained[number] = held[1:3]
        table = quality(source, held, given.seconds)
        print(source.name, len(held), {k: {m: round(x, 3) for m, x in v.items()} for k, v in table.items()}, flush=True)
        for synth, measures in table.items():
            for measure, value in measures.items():
                everything[synth][measure].append(value)
                rows.append(row(f"{source.name}, {synth}: {measure}", value))
    rows = [row(f"all nine, {synth}: {measure}", float(np.mean(values)))
            for synth, measures in everything.items() for measure, values in measures.items()] + rows  # fmt: skip
    write_result("voices", count, rows)
    rows = []
    for name, value in correlations(voices, sustained).items():
        published = PUBLISHED[name]
        rows.append(row(f"correlation of {name}", value, "r", published, "MIDI-DDSP as published", value / published))
    write_result("voices_controls", count, rows)


if __name__ == "__main__":
    main()
