"""Where the energy of what is rendered lies: built-in, trained and sampled voices beside each other and recordings.

    python benchmarks/spectra.py --maestro FOLDER --lakh FOLDER --recordings FOLDER [--pictures FOLDER]

Half a minute of a piano performance (MAESTRO), of a jazz piece with a ride cymbal (Lakh) and of a chorale for a string
quartet (music21's corpus): the share of each band in the energy of the dry sound, in dB. Then notes of a recorded
piano (Salamander, in the folder of recordings), each brought to one level: how far the octave bands of its first two
seconds, and its fall from the first to the second second, are from the recording's, as means of absolute dB.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from arguments import parser_of
from numpy.typing import NDArray
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis.analysis.recordings import recordings, samples_of

RATE = 44_100
SYNTHS = ("ddsp", "midi-ddsp", "soundfont")
PERFORMANCE = "2009/MIDI-Unprocessed_11_R1_2009_06-09_ORIG_MID--AUDIO_11_R1_2009_11_R1_2009_07_WAV.midi"
JAZZ = "midi/f/fdee4c2ee4f23daec3d0407ba9714841.mid"
# Hz.
BANDS = {"under 120 Hz": (0, 120), "120 to 500 Hz": (120, 500), "500 Hz to 2 kHz": (500, 2000),
         "2 to 6 kHz": (2000, 6000), "over 6 kHz": (6000, 22050), "over 10 kHz": (10000, 22050)}  # fmt: skip
OCTAVES = [(62.5 * 2**i, 125 * 2**i) for i in range(8)]
LEAST = -60.0  # dB under the whole, at which a band of a note counts as empty
Samples = NDArray[np.float32]


def shares(sound: Samples) -> dict[str, float]:
    """Of each band in the energy of a sound (channels, n), dB."""
    power = (np.abs(np.fft.rfft(sound)) ** 2).sum(axis=0)
    hz = np.fft.rfftfreq(sound.shape[-1], 1 / RATE)
    whole = power.sum()
    return {
        name: float(10 * np.log10(power[(hz >= low) & (hz < high)].sum() / whole + 1e-12))
        for name, (low, high) in BANDS.items()
    }


def quartet(seconds: float) -> Score:
    """A chorale of Bach's for two violins, viola and cello."""
    from music21 import corpus

    path = min(str(path) for path in corpus.getComposer("bach") if "bwv" in str(path))
    score = sm.read(path).clip(0, seconds)
    programs = np.array((40, 40, 41, 42))
    notes = score.notes.copy()
    notes["program"] = programs[notes["track"] % 4]
    tracks = [dataclasses.replace(t, program=int(programs[i % 4])) for i, t in enumerate(score.tracks)]
    return score.replace(notes=notes, tracks=tuple(tracks))


def octaves(note: Samples) -> NDArray[np.float64]:
    """Levels of octave bands over the whole of a note, dB."""
    power = np.abs(np.fft.rfft(note * np.hanning(2 * len(note))[len(note) :])) ** 2
    hz = np.fft.rfftfreq(len(note), 1 / RATE)
    found = np.array([power[(hz >= low) & (hz < high)].sum() for low, high in OCTAVES]) / power.sum()
    return np.maximum(10 * np.log10(found + 1e-12), LEAST)


def fall(note: Samples) -> float:
    """dB from the first to the second second."""
    first, second = (float(np.square(note[at : at + RATE]).mean()) for at in (0, RATE))
    return 10 * np.log10(second / first + 1e-9)


def from_onset(sound: Samples) -> Samples:
    """Two seconds from where the sound first comes within 30 dB of its peak."""
    first = int(np.argmax(np.abs(sound) > 0.03 * np.abs(sound).max()))
    return np.pad(sound[first : first + 2 * RATE], (0, max(0, first + 2 * RATE - len(sound))))


def one_note(key: int, velocity: int) -> Score:
    """A long note of the grand piano, a tick a millisecond."""
    return Score(500, note_table([(0, 2500, key, velocity, 0, 0, 0)]))


def beside_recordings(folder: Path, velocity: int) -> dict[str, dict[str, float]]:
    """Synth -> measure -> mean over the recorded notes of a piano."""
    found: dict[str, dict[str, list[float]]] = {synth: {"octave bands": [], "fall": []} for synth in SYNTHS}
    for recording in recordings(folder):
        real = from_onset(samples_of(recording))
        for synth in SYNTHS:
            sound = sm.render(one_note(round(recording.named or 0), velocity), synth, RATE, reverb=0).samples.mean(
                axis=0
            )
            made = from_onset(sound)
            found[synth]["octave bands"].append(float(np.abs(octaves(made) - octaves(real)).mean()))
            found[synth]["fall"].append(abs(fall(made) - fall(real)))
    return {synth: {m: float(np.mean(v)) for m, v in rows.items()} for synth, rows in found.items()}


def picture(sounds: dict[str, Samples], path: Path) -> None:
    """Spectrograms of six seconds of each synth, one above the other."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(sounds), 1, figsize=(10, 2.6 * len(sounds)), sharex=True, layout="constrained")
    for axis, (name, sound) in zip(axes, sounds.items(), strict=True):
        axis.specgram(
            sound.mean(axis=0)[4 * RATE : 10 * RATE] + 1e-7, NFFT=2048, Fs=RATE, noverlap=1536, vmin=-130, vmax=-40
        )
        axis.set(title=name, ylabel="Hz", ylim=(0, 16_000))
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main() -> None:
    """Measure, print and store."""
    parser = parser_of(pictures=Path)
    parser.add_argument("--maestro", type=Path, required=True)
    parser.add_argument("--lakh", type=Path, required=True)
    parser.add_argument("--recordings", type=Path, required=True)
    given = parser.parse_args()
    pieces = {"piano performance": sm.read(given.maestro / PERFORMANCE).clip(20, 50),
              "jazz": sm.read(given.lakh / JAZZ).clip(20, 50), "string quartet": quartet(30)}  # fmt: skip
    rows: list[dict[str, Any]] = []
    for name, score in pieces.items():
        sounds = {synth: sm.render(score, synth, RATE, reverb=0).samples for synth in SYNTHS}
        found = {synth: shares(sound) for synth, sound in sounds.items()}
        if given.pictures is not None:
            picture(sounds, given.pictures / f"spectra-{name.replace(' ', '-')}.png")
        for band in BANDS:
            rows += [beside(f"{name}, {band}: {synth}", found[synth][band], found["soundfont"][band])
                     for synth in SYNTHS[:2]]  # fmt: skip
    notes = beside_recordings(given.recordings / "piano-salamander", 90)
    for measure in ("octave bands", "fall"):
        rows += [beside(f"recorded piano notes, error of {measure}: {synth}", notes[synth][measure],
                     notes["soundfont"][measure]) for synth in SYNTHS[:2]]  # fmt: skip
    write_result("spectra", len(pieces), rows)


def beside(metric: str, ours: float, peer: float) -> dict[str, Any]:
    """A level beside the SoundFont's."""
    return row(metric, round(ours, 1), "dB", round(peer, 1), "the SoundFont render")


if __name__ == "__main__":
    main()
