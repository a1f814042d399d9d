"""A codec on sound that it has not learnt from, beside Opus at its bitrate: distances, use of its codebooks, speed.

python benchmarks/codec.py CODEC FOLDER... [--count 24] [--seconds 4]

CODEC is a codec's name or folder. Of each FOLDER the files that its training held out (every twentieth by name) give
as many stretches, from their middles. Opus is Debian's opus-tools (`apt install opus-tools`): mono, music, at the
lowest bitrate that it has, 6 kb/s; its files are decoded to the codec's rate and laid on the original by correlation.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from arguments import arguments
from numpy.typing import NDArray
from result_file import row, write_result

from symbolic_music.codec import Codec, load_codec
from symbolic_music.codec.autoencoder.losses import mel_loss, si_sdr
from symbolic_music.codec.autoencoder.streaming import StreamDecoder, StreamEncoder
from symbolic_music.synthesis.analysis.spectral_loss import spectral_loss
from symbolic_music.synthesis.audio import Audio, read_audio
from symbolic_music.training.codec.audio_clips import Sounds

Samples = NDArray[np.float32]


def opus(sound: Samples, rate: int) -> tuple[Samples, float]:
    """What Opus makes of (n,), and its kilobits a second without the container."""
    with tempfile.TemporaryDirectory() as folder:
        wav, coded, back = (Path(folder) / name for name in ("a.wav", "a.opus", "b.wav"))
        Audio(sound[None], rate).write(wav)
        quiet = {"check": True, "capture_output": True}
        options = ["--bitrate", "6", "--hard-cbr", "--music", "--comp", "10", "--framesize", "60", "--padding", "0"]
        said = subprocess.run(["opusenc", *options, wav, coded], **quiet, text=True).stderr  # type: ignore[call-overload]
        subprocess.run(["opusdec", "--rate", str(rate), coded, back], **quiet)  # type: ignore[call-overload]
        heard = read_audio(back).samples[0]
    kilobits = float(said.split("Bitrate:")[1].split()[0])
    heard = np.pad(heard, (0, max(0, len(sound) - len(heard))))
    size = 1 << (2 * len(sound)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(sound, size).conj())
    lag = int(np.argmax(match[: rate // 10]))
    return np.pad(heard, (0, lag))[lag : lag + len(sound)].astype(np.float32), kilobits


def distances(made: torch.Tensor, real: torch.Tensor, rate: int) -> dict[str, float]:
    """Of (B, 1, n)."""
    return {
        "mel distance": float(mel_loss(made, real, rate)),
        "spectral loss": float(spectral_loss(made[:, 0], real[:, 0])),
        "SI-SDR (dB)": float(si_sdr(made, real).median()),
    }


def speeds(codec: Codec, seconds: float = 60.0) -> dict[str, float]:
    """Times real time, of streams in pieces of a second on one thread; the best of three."""
    rate, hop = codec.format.sample_rate, codec.format.hop
    sound = 0.1 * torch.randn(1, codec.format.channels, round(seconds * rate) // hop * hop)
    found = {}
    for name in ("encode", "decode"):
        best = np.inf
        for _ in range(3):
            start = time.perf_counter()
            if name == "encode":
                stream = StreamEncoder(codec)
                codes = torch.cat([stream.push(piece) for piece in sound.split(rate, -1)], -1)
            else:
                decoder = StreamDecoder(codec)
                for piece in codes.split(round(rate / hop), -1):
                    decoder.push(piece)
            best = min(best, time.perf_counter() - start)
        found[name] = seconds / best
    return found


def main() -> None:
    asked = arguments("codec", "folders+", count=24, seconds=4.0)
    torch.set_num_threads(1)
    codec = load_codec(asked.codec, "cpu")
    form = codec.format
    length = round(asked.seconds * form.frame_rate) * form.hop
    rows = []
    for folder in asked.folders:
        real = Sounds({folder: 1.0}, form, 20).examples(asked.count, length)
        real = real[real.abs().amax((1, 2)) > 1e-3]
        codes = codec.encode(real)
        heard, kilobits = zip(*(opus(one[0].numpy(), form.sample_rate) for one in real), strict=True)
        peer = distances(torch.from_numpy(np.stack(heard))[:, None], real, form.sample_rate)
        peer_name, where = f"Opus, {np.mean(kilobits):.1f} kb/s", f"{Path(folder).name}, n = {len(real)}"
        for count in sorted({1, 2, 4, form.codebooks}):
            found = distances(codec.decode(codes[:, :count]), real, form.sample_rate)
            kind = f"{count} codebooks, {form.bits_per_second * count / form.codebooks / 1000:.2g} kb/s"
            if count == form.codebooks:
                rows += [row(f"{name}, {where}, {kind}", value, "", peer[name], peer_name)
                         for name, value in found.items()]  # fmt: skip
            else:
                rows.append(row(f"mel distance, {where}, {kind}", found["mel distance"]))
        shares = [torch.bincount(codes[:, k].flatten(), minlength=form.size).double() / codes[:, k].numel()
                  for k in range(form.codebooks)]  # fmt: skip
        used = [float((one > 0).sum()) for one in shares]
        even = [float(torch.special.entr(one).sum().exp()) for one in shares]
        rows.append(row(f"entries used, mean of the codebooks, {where}", round(np.mean(used))))
        rows.append(row(f"perplexity, mean of the codebooks, {where}", round(np.mean(even))))
    for name, value in speeds(codec).items():
        published = {"encode": 9.8, "decode": 10.4}[name]
        rows.append(row(f"{name}, a minute in pieces of a second", value, "x real time", published,
                        "EnCodec 24 kHz, published", value / published))  # fmt: skip
    write_result("codec", asked.count, rows)


if __name__ == "__main__":
    main()
