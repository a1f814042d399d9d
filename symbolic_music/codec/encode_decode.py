"""Encode audio of any rate, channels and length as codes, and decode codes to audio."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.codec.base import AudioCodec, Format, StreamingCodec
from symbolic_music.codec.codes import Codes
from symbolic_music.errors import AudioError, MissingExtraError, ModelError
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.settings import MAX_HOURS

# Seconds that a codec codes at a time: it bounds memory.
PIECE = 10.0
# Seconds of context on either side of a chunk, for codecs that are not causal.
_BESIDE = 1.0
Samples = NDArray[np.float32]
Progress = Callable[[float], None]


def encode_audio(
    audio: Audio, codec: AudioCodec, codebooks: int | None = None, progress: Progress | None = None
) -> Codes:
    """Codes of sound.

    It is brought to the codec's rate and channels first: stereo is mixed to mono, mono is doubled to stereo.

    Args:
        audio: at least one sample.
        codebooks: the first few alone; all when omitted.
        progress: called with the share that is done.

    Raises:
        AudioError: when there are no samples, or some are not finite.
        ModelError: if `codebooks` exceeds the codec's.
        MissingExtraError: without soxr, when the rate is another one.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> codes = sm.codec.encode_audio(sm.render(melody.clip(0, 2)), codec, codebooks=4)  # brought to 24 kHz mono
        >>> codes.codes.shape[0]
        4
    """
    form = codec.format
    samples = torch.from_numpy(fitted(audio, form))[None]
    pieces = []
    for done, one in _encoded(samples, codec, codebooks):
        pieces.append(one[0].cpu())
        if progress:
            progress(done / samples.shape[-1])
    return Codes(torch.cat(pieces, dim=-1).numpy(), form, samples.shape[-1])


def _encoded(samples: torch.Tensor, codec: AudioCodec, codebooks: int | None) -> Iterator[tuple[int, torch.Tensor]]:
    """Samples done, and the codes of the latest of them."""
    form, n = codec.format, samples.shape[-1]
    step = max(1, round(PIECE * form.frame_rate)) * form.hop
    if isinstance(codec, StreamingCodec):
        stream = codec.stream_encoder(codebooks)
        for start in range(0, n, step):
            yield min(n, start + step), stream.push(samples[..., start : start + step])
        yield n, stream.finish()
        return
    beside = max(1, round(_BESIDE * form.frame_rate))
    for start in range(0, n, step):
        first, last = max(0, start - beside * form.hop), min(n, start + step + beside * form.hop)
        codes = codec.encode(samples[..., first:last], codebooks)
        skipped = (start - first) // form.hop
        yield min(n, start + step), codes[..., skipped : skipped + -(-(min(n, start + step) - start) // form.hop)]


def decode_audio(codes: Codes, codec: AudioCodec, progress: Progress | None = None) -> Audio:
    """The sound of codes. ModelError when they are of another codec's format.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> codes = sm.codec.encode_audio(sm.render(melody.clip(0, 2), sample_rate=24000), codec)
        >>> sm.codec.decode_audio(codes, codec).write("decoded.wav").name
        'decoded.wav'
    """
    pieces = []
    for done, piece in decoded(codes, codec):
        pieces.append(piece)
        if progress:
            progress(done)
    whole = np.concatenate(pieces, axis=1) if pieces else np.zeros((codec.format.channels, 0), np.float32)
    return Audio(whole, codec.format.sample_rate)


def decoded(codes: Codes, codec: AudioCodec) -> Iterator[tuple[float, Samples]]:
    """The sound of codes in pieces (C, n), each with the part that is then done; errors as `decode_audio`."""
    form = codec.format
    check_format(codes.format, form)
    table, frames = torch.from_numpy(codes.codes)[None], codes.codes.shape[1]
    step, left = max(1, round(PIECE * form.frame_rate)), codes.samples
    stream = codec.stream_decoder() if isinstance(codec, StreamingCodec) else None
    beside = max(1, round(_BESIDE * form.frame_rate))
    for start in range(0, frames, step):
        if stream is not None:
            samples = stream.push(table[..., start : start + step])
        else:
            first = max(0, start - beside)
            samples = codec.decode(table[..., first : start + step + beside])
            samples = samples[..., (start - first) * form.hop :][..., : (min(frames, start + step) - start) * form.hop]
        piece = np.asarray(samples[0].cpu().numpy(), np.float32)[:, :left]
        left -= piece.shape[1]
        yield min(1.0, (start + step) / frames), piece


def check_format(found: Format, wanted: Format) -> None:
    """ModelError when codes of one format are not for a codec of another."""
    for name in ("sample_rate", "channels", "size", "hop"):
        if getattr(found, name) != getattr(wanted, name):
            what = {"size": "codebook size", "hop": "samples a frame"}.get(name, name.replace("_", " "))
            raise ModelError(
                f"these codes are of another codec: {what} {getattr(found, name):,}, not {getattr(wanted, name):,}"
            )
    if found.codebooks > wanted.codebooks:
        raise ModelError(
            f"these codes are of another codec: {found.codebooks} codebooks, where this one has {wanted.codebooks}"
        )


def fitted(audio: Audio, form: Format) -> Samples:
    """Samples (C, n) at a format's rate and channels; errors as `encode_audio`."""
    samples = audio.samples
    if not samples.size:
        raise AudioError("there is no sound to encode: it has no samples")
    if not np.isfinite(samples).all():
        raise AudioError("the sound holds samples that are not finite")
    if not 0 < samples.shape[1] / audio.sample_rate <= MAX_HOURS * 3600:
        raise AudioError(f"sound of {samples.shape[1]:,} samples at {audio.sample_rate:g} Hz is not coded: "
                         f"it lasts at most {MAX_HOURS:g} hours")  # fmt: skip
    if len(samples) != form.channels:
        samples = np.repeat(samples.mean(axis=0, keepdims=True), form.channels, axis=0)
    if audio.sample_rate != form.sample_rate:
        try:
            import soxr
        except ImportError:
            raise MissingExtraError("soxr", "codec") from None
        samples = soxr.resample(samples.T, audio.sample_rate, form.sample_rate).T
        if not samples.shape[1]:
            samples = np.zeros((len(samples), 1), np.float32)
    return np.ascontiguousarray(samples, dtype=np.float32)
