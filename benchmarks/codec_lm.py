"""Audio of a codec language model against its score: transcribed notes, chroma, distance, speed.

python benchmarks/codec_lm.py FOLDER... [--model codec-depth] [--beside MODEL] [--candidates 8] [--count 6]
    [--seconds 10] [--name codec_lm]

Each FOLDER has pairs NAME.mid and NAME.flac; those that training held out (every twentieth by name) are taken, their
beginnings. Baselines: the same model without a condition (guidance 0) and conditioned on the next score of the folder;
the built-in voices and the SoundFont; the recording itself, and the recording through the codec, the upper bound, by
as many codebooks as the model has and by four. --beside is another model, by its card's name; of --candidates of each
stretch the model keeps the one that the bundled transcriber, which is not the judge here, finds nearest to the score.

Note F1: basic-pitch and mir_eval as in transcription.py. Chroma: the mean over frames with notes of the cosine between
the sound's chroma (librosa, constant Q) and the score's. Distance: Frechet's between Gaussians of an embedding, here
the means and deviations of 40 log-mel bands over a second of sound brought to one level, against the recordings of all
held-out pieces; its interval is of 2.5 to 97.5 % of 200 bootstrap samples, seed 0.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import librosa
import numpy as np
import scipy.linalg
import torch
from arguments import arguments
from numpy.typing import NDArray
from result_file import row, write_result
from transcription import f_measure

import symbolic_music as sm
from symbolic_music.codec import decode_audio, encode_audio
from symbolic_music.codec.language_models.base import StepModel
from symbolic_music.codec.language_models.depth_decoder import DepthWriter
from symbolic_music.codec.language_models.registry import Writer, load_writer
from symbolic_music.codec.language_models.score_features import score_frames
from symbolic_music.codec.rendering import render_by_codec
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio, read_audio

Array = NDArray[np.float64]
RATE, HOP = 22_050, 512
LEVEL = 0.1  # root mean square


def at_rate(sound: Audio, seconds: float) -> NDArray[np.float32]:
    """Mono at 22.05 kHz, so many seconds."""
    mono = librosa.resample(sound.samples.mean(axis=0), orig_sr=sound.sample_rate, target_sr=RATE)
    count = round(seconds * RATE)
    return np.pad(mono, (0, max(0, count - len(mono))))[:count]


def chroma_similarity(score: Score, sound: Audio, seconds: float) -> float:
    """Mean cosine over the frames in which notes sound."""
    heard = librosa.feature.chroma_cqt(y=at_rate(sound, seconds), sr=RATE, hop_length=HOP)
    pitches = score_frames(score, RATE / HOP, heard.shape[1])[:, :128]
    wanted = np.stack([pitches[:, k::12].sum(axis=1) for k in range(12)])
    sounding = wanted.any(axis=0)
    lengths = np.linalg.norm(heard, axis=0) * np.linalg.norm(wanted, axis=0)
    return float(((heard * wanted).sum(axis=0) / np.maximum(lengths, 1e-9))[sounding].mean())


def embedding(sound: Audio, seconds: float) -> Array:
    """(whole seconds, 80), of the sound at one level: renders are at -16 LUFS, recordings as they were recorded."""
    wave = at_rate(sound, seconds)
    wave = wave * (LEVEL / max(1e-6, float(np.sqrt(np.mean(wave * wave)))))
    mel = librosa.feature.melspectrogram(y=wave, sr=RATE, n_mels=40, hop_length=441)
    level = np.log(mel + 1e-6)
    blocks = level[:, : int(seconds) * 50].reshape(40, int(seconds), 50)
    found: Array = np.concatenate([blocks.mean(axis=2), blocks.std(axis=2)]).T.astype(np.float64)
    return found


def frechet(a: Array, b: Array) -> float:
    """Between Gaussians fitted to the rows."""
    first, second = (np.cov(x.T) + 1e-3 * np.eye(x.shape[1]) for x in (a, b))
    root = scipy.linalg.sqrtm(first @ second).real
    return float(np.square(a.mean(0) - b.mean(0)).sum() + np.trace(first + second - 2 * root))


def interval(a: Array, b: Array) -> tuple[float, float]:
    """95 % of bootstrap samples."""
    rng = np.random.default_rng(0)
    found = [frechet(a[rng.integers(0, len(a), len(a))], b[rng.integers(0, len(b), len(b))]) for _ in range(200)]
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def uncached_rate(writer: Writer, frames: int = 96) -> float:
    """Frames a second when every position is computed anew from the window before it."""
    network = writer.network
    pattern = network.pattern(frames)
    conditions = network.conditions(torch.zeros(1, frames, network.config.features), pattern)
    laid = torch.full((1, network.config.codebooks, pattern.length), network.special)
    start = time.perf_counter()
    with torch.no_grad():
        for position in range(1, pattern.length + 1):
            for condition in (conditions[:, :position], None):
                network(laid[..., :position], condition)
    return frames / (time.perf_counter() - start)


def cached_rate(writer: Writer, score: Score) -> float:
    """Frames a second as `Writer.codes` writes them, guided."""
    start = time.perf_counter()
    frames = sum(block.shape[-1] for block in writer.codes(score))
    return frames / (time.perf_counter() - start)


def measured(
    folder: Path,
    writer: Writer,
    count: int,
    seconds: float,
    more: Mapping[str, Callable[[Score], Audio]] = {},
    baselines: bool = True,
) -> list[dict[str, object]]:
    """Rows of a folder of pairs; `more` are further ways to make sound of a score; baselines those of the model."""
    rows: list[dict[str, object]] = []
    held = sorted(folder.glob("*.mid"))[::20]
    usable = [path for path in held if sm.read(path).duration > seconds]
    scores = [sm.read(path).clip(0, seconds) for path in usable]
    recorded = [read_audio(path.with_suffix(".flac")) for path in usable]
    known = np.concatenate([embedding(sound, seconds) for sound in recorded])
    chosen = np.linspace(0, len(usable) - 1, min(count, len(usable))).astype(int).tolist()
    cut = [Audio(sound.samples[:, : round(seconds * sound.sample_rate)], sound.sample_rate) for sound in recorded]
    makers: dict[str, Callable[[int], Audio]] = {
        "the model": lambda i: render_by_codec(scores[i], writer),
        "the recording": lambda i: cut[i],
        "the recording through the codec": lambda i: decode_audio(
            encode_audio(cut[i], writer.codec, writer.network.config.codebooks), writer.codec
        ),
        "the recording through four codebooks": lambda i: decode_audio(
            encode_audio(cut[i], writer.codec, 4), writer.codec
        ),
        "ddsp": lambda i: sm.render(scores[i], "ddsp", RATE),
        "soundfont": lambda i: sm.render(scores[i], "soundfont", RATE),
    }
    if baselines:
        makers["without a condition"] = lambda i: render_by_codec(scores[i], writer, guidance=0.0)
        makers["conditioned on another score"] = lambda i: render_by_codec(scores[(i + 1) % len(scores)], writer)
    makers |= {name: lambda i, make=make: make(scores[i]) for name, make in more.items()}  # type: ignore[misc]
    for name, make in makers.items():
        sounds = [make(i) for i in chosen]
        f1 = float(np.mean([f_measure(scores[i], sound) for i, sound in zip(chosen, sounds, strict=True)]))
        pairs = zip(chosen, sounds, strict=True)
        similarity = float(np.mean([chroma_similarity(scores[i], sound, seconds) for i, sound in pairs]))
        found = np.concatenate([embedding(sound, seconds) for sound in sounds])
        low, high = interval(found, known)
        what = f"{name}, {folder.name} ({len(chosen)} pieces)"
        figures = {"note F1": f1, "chroma": similarity, "distance": frechet(found, known), "from": low, "to": high}
        rows += [row(f"{what}: {figure}", value) for figure, value in figures.items()]
    return rows


def main() -> None:
    asked = arguments(
        ("folders+", Path), model="codec-depth", beside="", candidates=8, count=6, seconds=10.0, name="codec_lm"
    )
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    writer, seconds = load_writer(asked.model, device="cpu"), asked.seconds
    more: dict[str, Callable[[Score], Audio]] = {}
    if isinstance(writer.network, DepthWriter) and asked.candidates > 1:
        more[f"the model, best of {asked.candidates}"] = lambda score: render_by_codec(
            score, writer, candidates=asked.candidates
        )
    if asked.beside:
        other = load_writer(asked.beside, device="cpu")
        more[other.card.name] = lambda score: render_by_codec(score, other)
    rows = [row for folder in asked.folders for row in measured(folder, writer, asked.count, seconds, more)]
    scores = [sm.read(next(asked.folders[0].glob("*.mid"))).clip(0, seconds)]
    # A depth decoder has no pattern whose positions could be computed anew.
    anew = (uncached_rate(writer), "no cache") if isinstance(writer.network, StepModel) else ()
    speed = row("frames written a second, cached, with guidance", cached_rate(writer, scores[0]), "1/s", *anew)
    write_result(asked.name, asked.count, rows)
    write_result(f"{asked.name}_speed", asked.count, [speed])


if __name__ == "__main__":
    main()
