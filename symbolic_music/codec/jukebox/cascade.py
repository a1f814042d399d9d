"""The whole cascade: levels from the slowest codes to the fastest, and sound of a length out of nothing or a beginning.

Source: Dhariwal et al. 2020 (Jukebox, sections 3 and 4): the top level writes codes by its prior, each level below adds
detail to them, and the decoder of the last one makes sound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from symbolic_music.codec.audio_output import audio_of, on_both, write_audio_of
from symbolic_music.codec.autoencoder.streaming import StreamDecoder
from symbolic_music.codec.encode_decode import encode_audio, fitted
from symbolic_music.codec.jukebox.level import JukeboxLevel, fingerprint, load_level
from symbolic_music.codec.jukebox.sampling import JukeboxSampling, stream_level
from symbolic_music.errors import ModelError, OptionError
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples
from symbolic_music.synthesis.rendering import Written, statement
from symbolic_music.synthesis.settings import check_level

Progress = Callable[[float], None]
MOST_SECONDS = 3600.0  # codes of the upper levels are held
_PLAIN = JukeboxSampling()


@dataclass(frozen=True, eq=False)
class Jukebox:
    """Levels of a cascade, from the top down; the top alone is one too.

    Args:
        levels: each conditioned on the codes of the one before it.
        name: of what is written in files.

    Raises:
        ModelError: when a level was trained on codes of another codec than the level above has.

    Examples:
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(11_025, ratios=(4, 4, 8), codebooks=1, size=512))
        >>> prior = sm.codec.JukeboxPrior(sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16))
        >>> sm.codec.Jukebox((sm.codec.JukeboxLevel(codec, prior),)).sample_rate
        11025
    """

    levels: tuple[JukeboxLevel, ...]
    name: str = "jukebox"

    def __post_init__(self) -> None:
        if not self.levels:
            raise ModelError("a cascade has at least one level")
        if self.levels[0].above:
            raise ModelError(
                "the first level is the top, which is conditioned on no other; name levels from the top down"
            )
        for upper, lower in zip(self.levels, self.levels[1:], strict=False):
            if lower.above != fingerprint(upper.codec):
                raise ModelError(
                    "a level was trained on the codes of another level above; name levels from the top down"
                )
            if upper.codec.format.hop != lower.codec.format.hop * lower.prior.config.ratio:
                raise ModelError("a level's codes do not divide those of the level above")

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.levels[-1].codec.format.sample_rate

    @property
    def instruments(self) -> tuple[str, ...]:
        """The labels that it was trained with."""
        return self.levels[0].prior.config.instruments

    def encode(self, audio: Audio) -> list[Tensor]:
        """Codes (1, n) of a sound at each level, of as many whole frames of the top as it has.

        Raises:
            AudioError: when there is no sound.
            MissingExtraError: without soxr, when the rate is another one.
        """
        form = self.levels[0].codec.format
        samples = fitted(audio, form)
        whole = samples[:, : samples.shape[1] // form.hop * form.hop]
        if not whole.shape[1]:
            return [torch.zeros(1, 0, dtype=torch.long, device=level.device) for level in self.levels]
        sound = Audio(whole, form.sample_rate)
        return [torch.from_numpy(encode_audio(sound, level.codec).codes).to(level.device) for level in self.levels]


def load_jukebox(levels: Sequence[str | Path], device: str = "auto") -> Jukebox:
    """A cascade from folders of its levels, from the top down, ready for use.

    Args:
        levels: names or folders, as `symbolic-music train configs/jukebox-top.yaml` leaves them.
        device: auto (CUDA, then MPS, then the CPU), cpu, cuda or mps.

    Raises:
        UnknownNameError: when one is neither.
        ModelError: when one is of another model, or broken, or they are not of one cascade.

    Examples:
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(11_025, ratios=(4, 4, 8), codebooks=1, size=512))
        >>> prior = sm.codec.JukeboxPrior(sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16))
        >>> card = sm.models.Card("top", 1, "CC0-1.0", "none")
        >>> sm.codec.load_jukebox([sm.codec.save_level(sm.codec.JukeboxLevel(codec, prior), card, "top-level")]).name
        'top'
    """
    found = [load_level(one, device) for one in levels]
    return Jukebox(tuple(level for level, _ in found), found[-1][1].name if found else "")


def stream_cascade(
    jukebox: Jukebox,
    seconds: float,
    draw: JukeboxSampling = _PLAIN,
    given: Sequence[Tensor] = (),
    progress: Progress | None = None,
) -> Iterator[Samples]:
    """Sound (C, n) of a length, in blocks, as the last level writes its codes.

    Codes of the levels above are held, a number each; memory does not grow with the length besides.

    Args:
        jukebox: of `load_jukebox`.
        seconds: of the sound, rounded up to whole frames of the top.
        draw: how codes are drawn.
        given: of each level codes (1, n) that it begins with, as `Jukebox.encode` gives them; those of the first
            levels alone are enough to make the sound of given codes.
        progress: called with the share that is done.

    Raises:
        OptionError: for a length out of range.
        ModelError: for an unknown instrument, or codes that do not fit.

    Examples:
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(11_025, ratios=(4, 4, 8), codebooks=1, size=512))
        >>> prior = sm.codec.JukeboxPrior(sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16))
        >>> top = sm.codec.Jukebox((sm.codec.JukeboxLevel(codec.eval(), prior.eval()),))  # of random weights
        >>> sum(block.shape[1] for block in sm.codec.stream_cascade(top, 0.5))  # whole frames of 128 samples
        5632
    """
    check_seconds(seconds)
    levels = jukebox.levels
    levels[0].prior.label(draw.instrument)
    top = frames_of(jukebox, seconds)
    counts = [top * levels[0].codec.format.hop // level.codec.format.hop for level in levels]
    begun = _given(jukebox, given, counts)
    return _streamed(jukebox, draw, counts, begun, progress)


def _streamed(
    jukebox: Jukebox, draw: JukeboxSampling, counts: list[int], begun: list[Tensor], progress: Progress | None
) -> Iterator[Samples]:
    levels, above, done, total = jukebox.levels, None, 0, sum(counts)
    decoder = StreamDecoder(levels[-1].codec)
    for number, (level, count, known) in enumerate(zip(levels, counts, begun, strict=True)):
        is_last, held = number == len(levels) - 1, []
        for block in stream_level(level.prior, count, above, known, draw, number):
            done += block.shape[1]
            if is_last:
                yield np.asarray(decoder.push(block[:, None])[0].cpu().numpy(), np.float32)
            else:
                held.append(block)
            if progress:
                progress(done / total)
        above = torch.cat(held, dim=1) if held else None


def _given(jukebox: Jukebox, given: Sequence[Tensor], counts: list[int]) -> list[Tensor]:
    """Codes of each level to begin with, none where none are given. ModelError for codes that do not fit."""
    if len(given) > len(jukebox.levels):
        raise ModelError(f"codes of {len(given)} levels were given to a cascade of {len(jukebox.levels)}")
    found = []
    for number, (level, count) in enumerate(zip(jukebox.levels, counts, strict=True)):
        codes = given[number] if number < len(given) else torch.zeros(1, 0, dtype=torch.long)
        size = level.prior.config.size
        if codes.ndim != 2 or codes.shape[0] != 1 or codes.dtype != torch.long:
            raise ModelError(f"given codes are whole numbers (1, frames), not {codes.dtype} {tuple(codes.shape)}")
        if codes.numel() and not (int(codes.min()) >= 0 and int(codes.max()) < size):
            raise ModelError(f"given codes lie in 0..{size - 1}")
        if codes.shape[1] > count:
            raise ModelError(f"{codes.shape[1]:,} codes were given of a level that writes {count:,}")
        found.append(codes.to(level.device))
    return found


def frames_of(jukebox: Jukebox, seconds: float) -> int:
    """Frames of the top in a length."""
    form = jukebox.levels[0].codec.format
    return max(1, math.ceil(seconds * form.frame_rate - 1e-6))


def check_seconds(seconds: float) -> None:
    """OptionError for a length out of range."""
    if not 0 < seconds <= MOST_SECONDS:
        raise OptionError(f"a cascade writes up to {MOST_SECONDS:,.0f} seconds of sound, not {seconds:g}")


def generate_sound(
    jukebox: Jukebox,
    seconds: float,
    draw: JukeboxSampling = _PLAIN,
    *,
    prompt: Audio | None = None,
    loudness: float = -16.0,
    mark: bool = False,
    progress: Progress | None = None,
) -> Audio:
    """New sound, out of nothing or going on from a prompt, as stereo at the cascade's rate.

    Args:
        jukebox: of `load_jukebox`.
        seconds: of the whole, prompt included.
        draw: how codes are drawn.
        prompt: sound that it begins with, at any rate.
        loudness: of the whole in LUFS; peaks are held under -1 dB.
        mark: whether the sound has the inaudible mark that `synthesis.watermark` finds.
        progress: called with the share that is done.

    Raises:
        As `stream_cascade`; OptionError too for a prompt that is longer than the whole.

    Examples:
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(11_025, ratios=(4, 4, 8), codebooks=1, size=512))
        >>> prior = sm.codec.JukeboxPrior(sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16))
        >>> top = sm.codec.Jukebox((sm.codec.JukeboxLevel(codec.eval(), prior.eval()),))  # of random weights
        >>> sm.codec.generate_sound(top, 0.5).sample_rate
        11025
    """
    check_level(loudness)
    blocks = on_both(stream_cascade(jukebox, seconds, draw, _begun(jukebox, prompt, seconds), progress))
    return audio_of(blocks, jukebox.sample_rate, loudness, mark)


def generate_sound_file(
    jukebox: Jukebox,
    path: str | Path,
    seconds: float,
    draw: JukeboxSampling = _PLAIN,
    *,
    prompt: Audio | None = None,
    loudness: float = -16.0,
    mark: bool = False,
    comment: str | None = None,
    progress: Progress | None = None,
) -> Written:
    """The sound of `generate_sound` into a .wav or .flac file, whole or not at all, as it is written.

    Args:
        comment: the tag of the file; one with version, model and seed when omitted, none when empty.

    Raises:
        As `generate_sound` and `Audio.write`.

    Examples:
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(11_025, ratios=(4, 4, 8), codebooks=1, size=512))
        >>> prior = sm.codec.JukeboxPrior(sm.codec.JukeboxPriorConfig(width=16, layers=1, heads=2, hidden=16))
        >>> top = sm.codec.Jukebox((sm.codec.JukeboxLevel(codec.eval(), prior.eval()),))  # of random weights
        >>> sm.codec.generate_sound_file(top, "new.wav", 0.5).path.name
        'new.wav'
    """
    check_level(loudness)
    blocks = on_both(stream_cascade(jukebox, seconds, draw, _begun(jukebox, prompt, seconds), progress))
    tag = statement(f"jukebox ({jukebox.name})", draw.seed) if comment is None else comment
    return write_audio_of(blocks, path, jukebox.sample_rate, loudness, mark, seconds, tag)


def _begun(jukebox: Jukebox, prompt: Audio | None, seconds: float) -> list[Tensor]:
    check_seconds(seconds)
    if prompt is None:
        return []
    # What was read up to a time ends at the next sample.
    if prompt.duration > seconds + 1 / prompt.sample_rate:
        raise OptionError(f"the prompt lasts {prompt.duration:.1f} s, longer than the {seconds:g} s of the whole")
    return jukebox.encode(prompt)
