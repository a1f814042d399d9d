"""What a codec language model makes of a melody and of words besides the score.

python benchmarks/melody_and_words.py MODEL FOLDER... [--count 6] [--seconds 6]

Each FOLDER has pairs NAME.mid, NAME.flac and their codes NAME.safetensors; those that training held out (every
twentieth by name) are taken, their beginnings. Nats a code: of the recorded codes, given all, without the melody or the
words, and given those of the next piece, of the other folder if there are two. Frames with the melody's class: the part
of the frames of written sound whose loudest pitch class is that of the melody given, which is the next piece's, by the
melody's guidance. Moved by words: how far written sound goes towards the recordings of the folder whose piece the words
are of, 1 being the distance of the two folders' means (40 log-mel bands, means and deviations over a second).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from arguments import arguments
from codec_lm import embedding
from result_file import row, write_result
from torch import Tensor

import symbolic_music as sm
from symbolic_music.codec import describe, load_codes, load_writer, melody_frames, render_by_codec
from symbolic_music.codec.language_models.registry import Writer
from symbolic_music.codec.language_models.text_features import TextEncoder, load_text_encoder, text_columns
from symbolic_music.codec.language_models.tone_features import condition_frames
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio, read_audio

GUIDANCE = (0.0, 1.0, 3.0)


@dataclass
class Piece:
    """The beginning of a held-out pair, and the piece whose melody and words it is given instead of its own."""

    score: Score
    sound: Audio
    codes: Tensor
    folder: int
    other: Piece | None = None


def pieces(folders: list[Path], codebooks: int, count: int, seconds: float) -> list[Piece]:
    """Of all folders; the other of each is of the next folder, or the next piece."""
    found: list[list[Piece]] = []
    for number, folder in enumerate(folders):
        held = [path for path in sorted(folder.glob("*.mid"))[::20] if sm.read(path).duration > seconds]
        own = []
        for path in held[:count]:
            sound, codes = read_audio(path.with_suffix(".flac")), load_codes(path.with_suffix(".safetensors"))
            kept = round(seconds * codes.format.frame_rate)
            samples = sound.samples[:, : round(seconds * sound.sample_rate)]
            table = torch.from_numpy(codes.codes[:codebooks, :kept].astype(np.int64))[None]
            own.append(Piece(sm.read(path).clip(0, seconds), Audio(samples, sound.sample_rate), table, number))
        found.append(own)
    for number, own in enumerate(found):
        others = found[(number + 1) % len(found)]
        for i, piece in enumerate(own):
            piece.other = others[(i + 1) % len(others)]
    return [piece for own in found for piece in own]


def nats(writer: Writer, encoder: TextEncoder, piece: Piece, melody: Piece | None, words: Piece | None) -> float:
    """Of a code of the recording, given the melody of one piece and the words of another."""
    network, count, rate = writer.network, piece.codes.shape[-1], writer.codec.format.frame_rate
    parts = [condition_frames(piece.score, writer.codec, network.config.features, count)]
    parts.append(np.zeros((count, 13), np.float32) if melody is None else melody_frames(melody.sound, rate, count))
    vector = None if words is None else encoder.embed([describe(words.score)])[0].numpy()
    parts.append(text_columns(vector, network.config.text, count))
    features = torch.from_numpy(np.concatenate(parts, axis=1, dtype=np.float32))[None]
    with torch.no_grad():
        total, codes = network.loss(piece.codes, features)
    return float(total) / codes


def likelihoods(writer: Writer, chosen: list[Piece]) -> Iterator[tuple[str, float]]:
    """The table of nats."""
    ways = {
        "given melody and words": (lambda p: p, lambda p: p),
        "without the melody": (lambda p: None, lambda p: p),
        "given another piece's melody": (lambda p: p.other, lambda p: p),
        "without the words": (lambda p: p, lambda p: None),
        "given another piece's words": (lambda p: p, lambda p: p.other),
    }
    encoder = load_text_encoder(writer.text_encoder)
    for name, (melody, words) in ways.items():
        yield name, float(np.mean([nats(writer, encoder, piece, melody(piece), words(piece)) for piece in chosen]))


def agreement(melody: Audio, sound: Audio, rate: float) -> float:
    """The part of the frames with a melody in which the sound's loudest class is the melody's."""
    count = round(melody.samples.shape[1] / melody.sample_rate * rate)
    wanted, found = melody_frames(melody, rate, count)[:, :12], melody_frames(sound, rate, count)[:, :12]
    sounding = wanted.any(axis=1)
    return float((wanted * found).sum(axis=1)[sounding].mean())


def main() -> None:
    asked = arguments("model", ("folders+", Path), count=6, seconds=6.0)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    writer = load_writer(asked.model, device="cpu")
    chosen = pieces(asked.folders, writer.network.config.codebooks, asked.count, asked.seconds)
    rate, seconds = writer.codec.format.frame_rate, asked.seconds
    rows = [row(f"nats a code, {name}", value) for name, value in likelihoods(writer, chosen)]
    for weight in (None, *GUIDANCE):
        found = []
        for piece in chosen:
            assert piece.other is not None
            settings = {} if weight is None else {"melody": piece.other.sound, "melody_guidance": weight}
            found.append(agreement(piece.other.sound, render_by_codec(piece.score, writer, **settings), rate))
        name = "no melody given" if weight is None else f"melody's guidance {weight:g}"
        rows.append(row(f"frames with the class of another piece's melody, {name}", float(np.mean(found))))
    means = [
        np.concatenate([embedding(piece.sound, seconds) for piece in chosen if piece.folder == number]).mean(axis=0)
        for number in range(len(asked.folders))
    ]
    for weight in GUIDANCE:
        moved = []
        for piece in chosen:
            assert piece.other is not None
            own, other = (
                embedding(
                    render_by_codec(piece.score, writer, text=describe(one.score), text_guidance=weight), seconds
                ).mean(axis=0)
                for one in (piece, piece.other)
            )
            way = means[piece.other.folder] - means[piece.folder]
            moved.append(float((other - own) @ way / max(1e-9, float(way @ way))))
        rows.append(row(f"moved by another piece's words, guidance {weight:g}", float(np.mean(moved))))
    write_result("melody_and_words", len(chosen), rows)


if __name__ == "__main__":
    main()
