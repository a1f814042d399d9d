"""Recorded notes as training examples: levelled, cached on disk, cut and augmented on the fly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.errors import TrainingError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.synthesis.analysis import features
from symbolic_music.synthesis.analysis.harmonics import HOP
from symbolic_music.synthesis.analysis.notes import TakenNote
from symbolic_music.synthesis.analysis.recordings import recordings, taken_notes
from symbolic_music.theory import hertz
from symbolic_music.training.voices.config import VoiceSource

Levels = NDArray[np.float32]
LOWEST = 1e-5


@dataclass(frozen=True)
class Example:
    """A note as it is played in one training step: frames, the controls that these have, and where they stand.

    `plain` are the controls of the note that is only cut, which the expression generator learns to draw.
    Curves in dB but for `deviation` (semitones): level (F,), shares (F, K) of the level, noise (F, M). `audible` (K,):
    partials that were measured. `held`: seconds until it is let go. `since` (F,) seconds from the onset.
    """

    pitch: float
    held: float
    controls: Tensor
    plain: Tensor
    since: Tensor
    level: Tensor
    deviation: Tensor
    shares: Tensor
    noise: Tensor
    audible: Tensor


def notes_of(source: VoiceSource, root: Path, cache: Path, report: Callable[[str], None]) -> list[TakenNote]:
    """The levelled notes of one voice by rising pitch, from the cache or else from the recordings.

    Raises:
        FileError: when the folder is missing or empty.
        TrainingError: when a voice has fewer than three notes.
    """
    kept = cache / f"{source.name}.npz"
    if kept.is_file():
        return _read(kept)
    found = []
    for recording in recordings(root / source.folder):
        report(f"{source.name}: {recording.path.name}")
        found += [levelled(note) for note in taken_notes(recording, source.struck)]
    if len(found) < 3:
        raise TrainingError(f"{root / source.folder} has {len(found)} clear notes; a voice needs three or more")
    found.sort(key=lambda note: note.pitch)
    _write(kept, found)
    return _read(kept)  # rounded, as it will be for a run that goes on


def levelled(note: TakenNote) -> TakenNote:
    """The note at the level of a hand-set voice at full velocity: a power of 1/2 while it is loud.

    Weighted by half of A, in dB: kind to basses, as `voices` does it.
    """
    heights = hertz(note.pitch) * torch.from_numpy(note.ratios)
    weight = torch.pow(10.0, features.a_weighting(heights) / 40).clamp(min=0.1).numpy()
    power = ((note.amplitudes * weight) ** 2).sum(axis=1)[: int(3 / HOP)]
    gain = 1 / math.sqrt(max(float(np.median(power[power > power.max() / 4])), 1e-12))
    return TakenNote(
        note.pitch, note.deviation, (note.amplitudes * gain).astype(np.float32), (note.noise * gain).astype(np.float32),
        note.ratios, note.held, note.start, note.loudness + 20 * math.log10(gain),
    )  # fmt: skip


def _write(path: Path, notes: list[TakenNote]) -> None:
    import io

    arrays = {
        f"{i}.{field.name}": np.asarray(getattr(note, field.name))
        for i, note in enumerate(notes)
        for field in fields(note)
    }
    arrays = {k: x.astype(np.float16) if k.endswith(("amplitudes", "noise")) else x for k, x in arrays.items()}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())


def _read(path: Path) -> list[TakenNote]:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    count = 1 + max(int(name.split(".")[0]) for name in arrays)
    notes = []
    for i in range(count):
        own = {field.name: arrays[f"{i}.{field.name}"] for field in fields(TakenNote)}
        own["amplitudes"], own["noise"] = own["amplitudes"].astype(np.float32), own["noise"].astype(np.float32)
        plain = {"pitch": float(own["pitch"]), "held": int(own["held"]), "start": float(own["start"])}
        notes.append(TakenNote(**{**own, **plain}))
    return notes


def split(notes: list[TakenNote], every: int) -> tuple[list[int], list[int]]:
    """Places of the notes to train on and of those held out: one in this many by pitch, never the extremes."""
    held = [i for i in range(every // 2, len(notes) - 1, every) if i] if every else []
    return [i for i in range(len(notes)) if i not in held], held


def example(note: TakenNote, struck: bool, rng: np.random.Generator | None = None) -> Example:
    """A note as it is, or with a generator a variation of it: shorter, of other expression, of another pitch.

    The variation takes the middle out of a held note and the end off a struck one; tilts its spectrum (3 dB an octave
    is common), its level over time and the spread of its level, changes the noise of its attack, and moves its pitch by
    up to a semitone and a half while the timbre stays. Its level is not varied: the networks cannot see it.
    """
    at, held, joint = np.arange(len(note.deviation)), note.held, np.zeros(len(note.deviation), np.float32)
    pitch = note.pitch
    level = features.decibels(torch.from_numpy(note.amplitudes).sum(-1)).numpy()
    if rng is not None:
        at, held, joint = _shortened(note, level, struck, rng)
        pitch += float(rng.uniform(-1.5, 1.5))
    level = level[at] + joint
    amplitudes, noise = np.maximum(note.amplitudes[at], LOWEST / 10), note.noise[at]
    noise_db = 20 * np.log10(np.maximum(noise, 1e-6)) + joint[:, None]
    shares = 20 * np.log10(amplitudes)
    audible = (note.ratios * hertz(max(pitch, note.pitch))) < 21_800
    deviation = torch.from_numpy(note.deviation[at].astype(np.float32)).clamp(-1, 1)
    plain = _controls(level, shares, audible, noise_db, deviation, held)[0]
    if rng is not None:
        shares = shares + rng.normal(0, 3.0) * np.log2(np.arange(1, shares.shape[1] + 1))
        middle = level[:held].mean()
        level = middle + (level - middle) * math.exp(rng.normal(0, 0.3))
        level = level + rng.uniform(-6, 6) * np.clip(np.arange(len(level)) / max(1, held), 0, 1)
        fade = np.clip(2 - np.arange(len(level)) * HOP / features.ATTACK_SECONDS, 0, 1)
        noise_db = noise_db + rng.uniform(-12, 12) * fade[:, None] + rng.normal(0, 3.0)
    found, shown = _controls(level, shares, audible, noise_db, deviation, held)
    return Example(
        pitch, held * HOP, found, plain, torch.arange(len(at)) * HOP, torch.from_numpy(level.astype(np.float32)),
        deviation, shown, torch.from_numpy(noise_db.astype(np.float32)), torch.from_numpy(audible),
    )  # fmt: skip


def _controls(
    level: Levels, shares: Levels, audible: NDArray[np.bool_], noise: Levels, deviation: Tensor, held: int
) -> tuple[Tensor, Tensor]:
    """The controls of frames in dB, and the shares (F, K) made to sum to one, in dB."""
    linear = np.where(audible, 10 ** (shares / 20), 0.0)
    linear /= np.maximum(linear.sum(axis=1, keepdims=True), 1e-9)
    shown = torch.from_numpy(linear.astype(np.float32))
    loud = torch.from_numpy((10 ** (level / 20)).astype(np.float32))
    heard = torch.from_numpy((10 ** (noise[:held] / 20)).astype(np.float32))
    found = features.controls(deviation[:held], shown[:held] * loud[:held, None], heard, HOP)
    return found, features.decibels(shown)


def _shortened(
    note: TakenNote, level: Levels, struck: bool, rng: np.random.Generator
) -> tuple[NDArray[np.int64], int, Levels]:
    """Frames of a note cut to a random length, how many of them are held, and dB to add so that the cut is smooth."""
    total = note.held
    shortest = min(total, round(0.08 / HOP))
    held = total if rng.random() < 0.3 else int(math.exp(rng.uniform(math.log(shortest), math.log(total))))
    if struck:
        return np.arange(held), held, np.zeros(held, np.float32)
    ending = min(round(0.12 / HOP), held // 3)
    head = held - ending
    at = np.concatenate([np.arange(head), np.arange(total - ending, len(note.deviation))])
    joint = np.zeros(len(at), np.float32)
    if 0 < head < total - ending:
        joint[head:] = np.clip(level[head - 1] - level[total - ending], -15, 15)
    return at, held, joint
