"""Codes of an audio clip, and their files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.codec.base import Format
from symbolic_music.errors import FileError, ModelError
from symbolic_music.io.atomic import write_bytes

# A file that is larger is not of codes: 100 hours of eight codebooks.
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes (K, T) of T frames, int64, of the first K codebooks of a format; samples is the sound's length.

    ModelError for codes of another format.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> codes = sm.codec.encode_audio(sm.render(melody.clip(0, 2), sample_rate=24000), codec)
        >>> codes.codes.shape[0], round(codes.duration)
        (8, 3)
    """

    codes: NDArray[np.int64]
    format: Format
    samples: int

    def __post_init__(self) -> None:
        codes, form = np.asarray(self.codes), self.format
        if codes.ndim != 2 or not 1 <= len(codes) <= form.codebooks or codes.dtype.kind not in "iu":
            raise ModelError(
                f"codes are whole numbers (1 to {form.codebooks}, frames), not {codes.dtype} {codes.shape}"
            )
        if codes.size and not (codes.min() >= 0 and codes.max() < form.size):
            raise ModelError(f"codes lie in 0..{form.size - 1}, not {codes.min()}..{codes.max()}")
        if not isinstance(self.samples, int) or not 0 <= self.samples <= codes.shape[1] * form.hop:
            raise ModelError(f"{codes.shape[1]} frames of {form.hop} samples are not {self.samples:,} samples")
        object.__setattr__(self, "codes", codes.astype(np.int64))

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.format.sample_rate

    def save(self, path: str | Path) -> Path:
        """Write a safetensors file, whole or not at all. FileError when it cannot be written."""
        from safetensors.numpy import save

        about = {"codec": json.dumps(asdict(self.format)), "samples": str(self.samples)}
        kind = np.uint16 if self.format.size <= 1 << 16 else np.uint32
        data = save({"codes": np.ascontiguousarray(self.codes.astype(kind))}, metadata=about)
        write_bytes(Path(path), _in_order(data))
        return Path(path)


def _in_order(data: bytes) -> bytes:
    """A safetensors file with its metadata by name: they come in any order, and the same codes would be other bytes."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return data[:8] + text.ljust(end - 8) + data[end:]


def load_codes(path: str | Path) -> Codes:
    """Read what `Codes.save` wrote.

    Raises:
        FileError: when the file is missing or does not contain codes.
        ModelError: when its codes are not of the format that it names.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> codes = sm.codec.encode_audio(sm.render(melody.clip(0, 2), sample_rate=24000), codec)
        >>> sm.codec.load_codes(codes.save("melody.safetensors")).samples == codes.samples
        True
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileError(f"{path} is too large for a file of codes")
        data = path.read_bytes()
        tensors = load(data)
        about = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        form, samples = Format(**json.loads(about["codec"])), int(about["samples"])
        codes = tensors["codes"]
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError, ModelError) as error:
        raise FileError(f"{path} is no file of codes ({error})") from None
    return Codes(codes, form, samples)
