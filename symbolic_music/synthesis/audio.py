"""Audio in memory and in files."""

from __future__ import annotations

import math
import wave
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, FileError, MissingExtraError
from symbolic_music.io.atomic import replacing

# Of sound that is read: the rates of telephones and of the fastest converters, and 2 GiB as float32, which are 100
# minutes of stereo at 44.1 kHz.
RATES = (4_000, 768_000)
MAX_CHANNELS = 64
MAX_SAMPLES = 1 << 29
# Full scale is 1; files that hold integers as floats reach 2^31, and squares of more are no numbers any longer.
MAX_LEVEL = 2.0**31
_FORMATS = {".wav": "WAV", ".flac": "FLAC"}
_SUBTYPES = {16: "PCM_16", 24: "PCM_24"}


@dataclass(frozen=True, eq=False)
class Audio:
    """Samples, float32 (channels, n), full scale at 1.0, and their rate in Hz.

    Examples:
        >>> audio = sm.render(song.clip(0, 2))
        >>> path = audio.write("song.wav")  # audio.samples, audio.sample_rate
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        samples = np.atleast_2d(np.asarray(self.samples, np.float32))
        if samples.ndim != 2:
            raise AudioError(f"samples have the shape (channels, n), not {samples.shape}")
        if self.sample_rate < 1:
            raise AudioError(f"the sample rate must be positive, not {self.sample_rate}")
        object.__setattr__(self, "samples", samples)

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self.samples.shape[1] / self.sample_rate)

    @property
    def peak(self) -> float:
        """The largest absolute sample; 1.0 is full scale."""
        return float(np.abs(self.samples).max(initial=0.0))

    def __repr__(self) -> str:
        return (
            f"Audio({self.duration:.2f} s, {len(self.samples)} channels, {self.sample_rate} Hz, peak {self.peak:.3f})"
        )

    def _repr_html_(self) -> str:
        """A player, for notebooks: the sound as 16-bit WAV inside the page."""
        file = BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(len(self.samples))
            out.setsampwidth(2)
            out.setframerate(self.sample_rate)
            levels = np.rint(np.clip(np.nan_to_num(self.samples), -1, 1) * 32767).astype("<i2")
            out.writeframes(levels.T.tobytes())
        data = b64encode(file.getvalue()).decode()
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'

    def write(self, path: str | Path, bits: int = 16, comment: str = "") -> Path:
        """Write a .wav or .flac file of 16 or 24 bits, whole or not at all. Returns the path.

        A comment becomes the file's tag of that name, as `read_comment` reads it.

        Raises:
            AudioError: when the suffix is another one, or samples exceed full scale or are not finite: these would
                be clipped, so it is an error here.
            FileError: when the folder is missing or not writable.
            MissingExtraError: without soundfile.
        """
        path = Path(path)
        with writing(path, self.sample_rate, bits, self.duration, len(self.samples), comment) as add:
            add(self.samples)
        return path


def read_audio(path: str | Path, start: float = 0.0, end: float = math.inf) -> Audio:
    """Read an audio file of any format of libsndfile, or the part of it between these seconds.

    Raises:
        FileError: when it cannot be read, has more samples or channels than `MAX_SAMPLES` and `MAX_CHANNELS`, a rate
            outside `RATES`, or samples that are not finite or beyond `MAX_LEVEL`.
        MissingExtraError: without soundfile.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio") from None
    _check_file(path)
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            first, last = (round(min(file.frames / max(1, rate), max(0.0, at)) * rate) for at in (start, end))
            _check_sound(path, rate, file.channels, last - first)
            if first:
                file.seek(first)
            samples = file.read(max(0, last - first), dtype="float32", always_2d=True)
    except (OSError, RuntimeError, TypeError, ValueError) as error:  # a TypeError where the file says no format
        raise FileError(f"cannot read {path}: {error}") from None
    _check_samples(path, samples)
    return Audio(samples.T, rate)


def audio_blocks(path: str | Path, seconds: float = 10.0) -> Iterator[tuple[Audio, float]]:
    """A file in parts of a given length in seconds, each with the share of the file that has been read; of any length.

    Raises:
        As `read_audio`, but for files of many samples.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio") from None
    _check_file(path)
    try:
        with soundfile.SoundFile(path) as file:
            _check_sound(path, file.samplerate, file.channels, 0)
            read, rate = 0, int(file.samplerate)
            while len(samples := file.read(max(1, round(seconds * rate)), dtype="float32", always_2d=True)):
                _check_samples(path, samples)
                read += len(samples)
                yield Audio(samples.T, rate), min(1.0, read / max(1, file.frames))
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise FileError(f"cannot read {path}: {error}") from None


def read_comment(path: str | Path) -> str:
    """The comment in the tags of a sound file; empty where there is none.

    Raises:
        As `read_audio`.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio") from None
    try:
        with soundfile.SoundFile(path) as file:
            return str(file.comment)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise FileError(f"cannot read {path}: {error}") from None


def _check_file(path: str | Path) -> None:
    """FileError for what is no file: of a pipe or a device libsndfile waits for the end."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise FileError(f"cannot read {path}: it is {'a folder' if path.is_dir() else 'no regular file'}")
    except (OSError, ValueError) as error:  # a name too long, a zero byte
        raise FileError(f"cannot read {path!s:.80}: {error}") from None


def _check_samples(path: str | Path, samples: NDArray[np.float32]) -> None:
    peak = float(np.abs(samples).max(initial=0.0))
    if not math.isfinite(peak):
        raise FileError(f"{path} holds samples that are not finite")
    if peak > MAX_LEVEL:
        raise FileError(f"{path} holds samples of {peak:.2g}; full scale is 1")


def _check_sound(path: str | Path, rate: int, channels: int, frames: int) -> None:
    """FileError for sound that claims what no recording has: all that is made of it grows with these."""
    low, high = RATES
    if not low <= rate <= high:
        raise FileError(f"{path} claims {rate:,} Hz; sound of {low:,} to {high:,} Hz is read")
    if channels > MAX_CHANNELS:
        raise FileError(f"{path} claims {channels} channels; at most {MAX_CHANNELS} are read")
    if frames * channels > MAX_SAMPLES:
        raise FileError(f"{path} claims {frames * channels:,} samples; at most {MAX_SAMPLES:,} are read: cut it up")


@contextmanager
def writing(
    path: Path, sample_rate: int, bits: int = 16, seconds: float = 0.0, channels: int = 2, comment: str = ""
) -> Iterator[Callable[[NDArray[np.float32]], None]]:
    """A .wav or .flac file to add samples (channels, n) to; it is there when all went well, whole.

    `seconds` is how long it will be: a .wav of more than 4 GB becomes one of RF64. `comment` is its tag.

    Raises:
        As `Audio.write`.
    """
    if path.suffix.lower() not in _FORMATS:
        raise AudioError(f"cannot write {path.suffix or 'a file without suffix'}: name it .wav or .flac")
    if bits not in _SUBTYPES:
        raise AudioError(f"sound is written with 16 or 24 bits, not {bits}")
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio") from None
    kind = _FORMATS[path.suffix.lower()]
    if kind == "WAV" and (seconds + 60) * sample_rate * channels * bits / 8 > 2**32:
        kind = "RF64"
    with replacing(path) as temporary:
        try:
            file = soundfile.SoundFile(temporary, "w", sample_rate, channels, _SUBTYPES[bits], format=kind)
        except (RuntimeError, ValueError, TypeError) as error:
            raise AudioError(f"cannot encode {path.name}: {error}") from None
        with file:
            if comment:
                file.comment = comment

            def add(samples: NDArray[np.float32]) -> None:
                peak = float(np.abs(samples).max(initial=0.0))
                if not np.isfinite(peak):
                    raise AudioError("the sound holds samples that are not finite")
                if peak > 1.0:
                    raise AudioError(f"the sound's peak is {peak:.2f}, over full scale; scale it below 1.0 first")
                try:
                    file.write(samples.T)
                except RuntimeError as error:
                    raise FileError(f"cannot write {path}: {error}") from None

            yield add
