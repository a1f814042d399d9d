"""SoundFont files (SoundFont 2.04, and its compressed SF3 and SFO kinds), checked and rebuilt before playback.

The player is C that trusts what a font says of itself. So it is never given a file: the tables are parsed here, each
index and size is checked, and a plain SoundFont with the same sound is written anew in memory. What the player would
read differently from the specification is made plain: each zone says its own ranges, a zone ends with its instrument
or sample, compressed samples are decoded, and silence follows the last sample.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, FileError, MissingExtraError

# Larger ones are refused unread; the largest fonts that are passed around have about as much.
MAX_FONT_BYTES = 2 << 30
# A zone of a preset and one of an instrument that it plays make a region: 200 bytes in the player.
MAX_REGIONS = 1 << 18
MAX_PRESETS = 1 << 13
# Samples that a byte of Ogg Vorbis may unpack to, at most; music has about 10.
MAX_UNPACKED = 256

_NAME = ("name", "S20")
_RECORDS = {
    "phdr": np.dtype([_NAME, ("preset", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("unused", "V12")]),
    "pbag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "pmod": np.dtype("V10"),
    "pgen": np.dtype([("kind", "<u2"), ("amount", "<u2")]),
    "inst": np.dtype([_NAME, ("bag", "<u2")]),
    "ibag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "imod": np.dtype("V10"),
    "igen": np.dtype([("kind", "<u2"), ("amount", "<u2")]),
    "shdr": np.dtype([_NAME, ("start", "<u4"), ("end", "<u4"), ("loop", "<u4"), ("loop_end", "<u4"), ("rate", "<u4"),
                      ("pitch", "u1"), ("correction", "i1"), ("link", "<u2"), ("type", "<u2")]),
}  # fmt: skip
_INSTRUMENT, _KEYS, _VELOCITIES, _SAMPLE = 41, 43, 44, 53
_COMPRESSED, _ROM = 0x30, 0x8000
_PADDING = 64  # samples of silence after the last: the player looks a few beyond an end
_ALL = (0, 127)

Tables = dict[str, NDArray[Any]]
Range = tuple[int, int]


def font_bytes(path: Path) -> bytes:
    """The font in a file as a plain, sound SoundFont 2.

    Raises:
        FileError: when it cannot be read, or is larger than `MAX_FONT_BYTES`.
        AudioError: when it is no SoundFont, or a damaged one.
        MissingExtraError: when its samples are compressed and soundfile is not installed.
    """
    try:
        state = path.stat()
    except (OSError, ValueError):
        raise FileError(f"no such SoundFont: {path}") from None
    if state.st_size > MAX_FONT_BYTES:
        raise FileError(f"{path} has {state.st_size >> 20} MiB; fonts of at most {MAX_FONT_BYTES >> 20} MiB are read")
    return _of_file(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1)
def _of_file(path: Path, changed: int, size: int) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    try:
        return rebuilt(data)
    except AudioError as error:
        raise AudioError(f"{path} is no SoundFont that can be used: {error}") from None


def rebuilt(data: bytes) -> bytes:
    """The font as a plain SoundFont 2; AudioError if it is invalid."""
    chunks = _chunks(data)
    tables = {name: _table(name, chunks) for name in _RECORDS}
    _check_order(tables["phdr"]["bag"], tables["pbag"], tables["pgen"], "preset")
    _check_order(tables["inst"]["bag"], tables["ibag"], tables["igen"], "instrument")
    samples, tables["shdr"] = _samples(chunks, tables["shdr"])
    instruments, samples_known = len(tables["inst"]) - 1, len(tables["shdr"]) - 1
    tables |= _plain(tables["phdr"], tables["pbag"], tables["pgen"], _INSTRUMENT, instruments, "p")
    tables |= _plain(tables["inst"], tables["ibag"], tables["igen"], _SAMPLE, samples_known, "i")
    _check_regions(tables)
    body = b"sfbk" + _chunk("LIST", b"sdta" + _chunk("smpl", samples + bytes(2 * _PADDING)))
    body += _chunk("LIST", b"pdta" + b"".join(_chunk(name, tables[name].tobytes()) for name in _RECORDS))
    return _chunk("RIFF", body)


def _chunk(name: str, content: bytes) -> bytes:
    return name.encode() + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def _chunks(data: bytes) -> dict[str, memoryview]:
    """The chunks of the lists sdta and pdta by name."""
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise AudioError("it does not begin as one")
    found: dict[str, memoryview] = {}
    view = memoryview(data)[: 8 + int.from_bytes(data[4:8], "little")]
    for name, content in _within(view[12:]):
        if name != "LIST" or bytes(content[:4]) not in (b"sdta", b"pdta"):
            continue
        for inner, part in _within(content[4:]):
            if inner in found:
                raise AudioError(f"it has two chunks {inner}")
            found[inner] = part
    return found


def _within(view: memoryview) -> Iterator[tuple[str, memoryview]]:
    at = 0
    while at + 8 <= len(view):
        name, size = bytes(view[at : at + 4]).decode("latin-1"), int.from_bytes(view[at + 4 : at + 8], "little")
        if at + 8 + size > len(view):
            raise AudioError(f"its chunk {name!r} is longer than the file")
        yield name, view[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _table(name: str, chunks: dict[str, memoryview]) -> NDArray[Any]:
    record = _RECORDS[name]
    if name not in chunks:
        raise AudioError(f"it has no table {name}")
    if not len(chunks[name]) or len(chunks[name]) % record.itemsize:
        raise AudioError(f"its table {name} is not made of whole records")
    return np.frombuffer(chunks[name], record)


def _check_order(owners: NDArray[Any], bags: NDArray[Any], generators: NDArray[Any], what: str) -> None:
    """AudioError unless zones, and what they hold, lie one after another within their tables."""
    if len(owners) < 2 or len(owners) - 1 > (MAX_PRESETS if what == "preset" else 1 << 16):
        raise AudioError(f"it has {len(owners) - 1:,} {what}s")
    for places, end in ((owners, len(bags) - 1), (bags["generator"], len(generators))):
        if np.any(places[1:] < places[:-1]) or int(places[-1]) > end:
            raise AudioError(f"the zones of its {what}s are out of order")


def _plain(
    owners: NDArray[Any], bags: NDArray[Any], generators: NDArray[Any], target: int, count: int, kind: str
) -> Tables:
    """The zones of presets or instruments with their ranges said, and nothing after what they lead to.

    A zone that no note can reach is left out.
    """
    kinds, amounts = generators["kind"].tolist(), generators["amount"].tolist()
    starts, owned = bags["generator"].tolist(), owners["bag"].tolist()
    new_generators: list[tuple[int, int]] = []
    new_starts: list[int] = []
    new_owned: list[int] = []
    for begin, end in pairwise(owned):
        new_owned.append(len(new_starts))
        common: dict[int, Range] = {}
        for zone in range(begin, end):
            own = list(zip(kinds[starts[zone] : starts[zone + 1]], amounts[starts[zone] : starts[zone + 1]],
                           strict=True))  # fmt: skip
            last = next((i for i, (one, _) in enumerate(own) if one == target), None)
            ranges = {one: _range(amount) for one, amount in own[:last] if one in (_KEYS, _VELOCITIES)}
            others = [pair for pair in own[:last] if pair[0] not in (_KEYS, _VELOCITIES, _INSTRUMENT, _SAMPLE)]
            if last is None:
                if zone == begin:  # what it says is for all zones that follow
                    common = ranges
                    new_starts.append(len(new_generators))
                    new_generators += others
                continue
            to = own[last][1]
            if to >= count:
                raise AudioError(
                    f"a zone leads to {'instrument' if target == _INSTRUMENT else 'sample'} {to} of {count}"
                )
            said = {one: ranges.get(one, common.get(one, _ALL)) for one in (_KEYS, _VELOCITIES)}
            if all(low <= high for low, high in said.values()):
                new_starts.append(len(new_generators))
                new_generators += [(one, low | high << 8) for one, (low, high) in said.items()] + others
                new_generators.append((target, to))
    new_owned.append(len(new_starts))
    new_starts.append(len(new_generators))
    new_generators.append((0, 0))
    if max(len(new_starts), len(new_generators)) >= 1 << 16:
        raise AudioError("it has more zones than its tables can hold")
    zones = np.zeros(len(new_starts), _RECORDS["pbag"])
    zones["generator"] = new_starts
    named = owners.copy()
    named["bag"] = new_owned
    # The player takes names for UTF-8; older fonts have them in other encodings.
    named["name"] = [bytes(b if b < 128 else ord("?") for b in name) for name in owners["name"].tolist()]
    return {
        ("phdr" if kind == "p" else "inst"): named,
        f"{kind}bag": zones,
        f"{kind}gen": np.array(new_generators, _RECORDS["pgen"]),
        f"{kind}mod": np.zeros(1, _RECORDS["pmod"]),
    }


def _range(amount: int) -> Range:
    return min(127, amount & 0xFF), min(127, amount >> 8)


def _check_regions(tables: Tables) -> None:
    zones = np.diff(tables["inst"]["bag"].astype(np.int64))
    leads = tables["pgen"]["amount"][tables["pgen"]["kind"] == _INSTRUMENT]
    regions = int(zones[leads].sum())
    if regions > MAX_REGIONS:
        raise AudioError(f"it has {regions:,} regions; at most {MAX_REGIONS:,} are played")


def _samples(chunks: dict[str, memoryview], headers: NDArray[Any]) -> tuple[bytes, NDArray[Any]]:
    """16-bit samples, and their headers as these lie now."""
    if "smpo" in chunks:  # all in one stream
        return _vorbis(chunks["smpo"]).tobytes(), headers
    if "smpl" not in chunks:
        raise AudioError("it has no samples")
    raw = chunks["smpl"]
    if not np.any(headers["type"] & _COMPRESSED):
        whole = len(raw) // 2
        ours = headers[:-1][headers["type"][:-1] & _ROM == 0]
        if np.any((ours["start"] > ours["end"]) | (ours["end"] > whole)):
            raise AudioError("a sample lies outside its samples")
        return bytes(raw[: 2 * whole]), headers
    return _unpacked(raw, headers)


def _unpacked(raw: memoryview, headers: NDArray[Any]) -> tuple[bytes, NDArray[Any]]:
    """The samples of an SF3 font, whose headers say bytes from and to, and loops from the sample's beginning."""
    headers, parts, at = headers.copy(), list[NDArray[np.int16]](), 0
    headers["type"][-1] &= ~np.uint16(_COMPRESSED)
    for header in headers[:-1]:
        start, end = int(header["start"]), int(header["end"])
        packed = bool(header["type"] & _COMPRESSED)
        if start > end or end * (1 if packed else 2) > len(raw):
            raise AudioError("a sample lies outside its samples")
        part = _vorbis(raw[start:end]) if packed else np.frombuffer(raw[2 * start : 2 * end], "<i2")
        first = 0 if packed else start
        header["start"], header["end"] = at, at + len(part)
        for name in ("loop", "loop_end"):
            header[name] = at + min(max(0, int(header[name]) - first), len(part))
        header["type"] &= ~np.uint16(_COMPRESSED)
        parts += [part, np.zeros(_PADDING, np.int16)]
        at += len(part) + _PADDING
    return b"".join(part.tobytes() for part in parts), headers


def _vorbis(data: memoryview) -> NDArray[np.int16]:
    """A sample of Ogg Vorbis, its first channel."""
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio") from None
    most, parts, length = MAX_UNPACKED * len(data), list[NDArray[np.int16]](), 0
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            while len(block := file.read(1 << 16, dtype="int16", always_2d=True)):
                parts.append(block[:, 0])
                length += len(block)
                if length > most:
                    raise AudioError(f"a sample of {len(data):,} bytes unpacks to more than {most:,}")
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise AudioError(f"a sample is not Ogg Vorbis ({error})") from None
    return np.concatenate([np.zeros(0, np.int16), *parts])
