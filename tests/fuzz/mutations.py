"""Ways to damage a file: bytes, text and JSON, all drawn from one generator, so that a number names a mutant."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from tests.fuzz.structures import in_midi, in_tokens, in_xml

INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
NUMBERS = ("0", "-1", "1", "127", "128", "256", "65536", "99999999", "2147483648", "1" + "0" * 30, "9" * 5000, "1e308",
           "-1e308", "nan", "inf", "0.0000001", "1/0", "", "x")  # fmt: skip
_TEXTS = (".yaml", ".abc", ".krn", ".csv", ".txt")
_XML = (".musicxml", ".mei", ".xml")
_MIDI = (".mid",)
# What has grown beyond that is left as it was: mutants are to be many.
_MOST_BYTES = 1 << 20
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
VALUES: tuple[Any, ...] = (None, True, 0, -1, 1, 2**31, 2**63, 10**30, 1e308, -1e308, float("nan"), 0.5, "", "x",
                           "\0", "../../x", "x" * 10_000, [], [[]], {}, [1, "2", None], {"a": {}})  # fmt: skip


def mutated(data: bytes, name: str, rng: random.Random) -> bytes:
    """A file with one to four kinds of damage, of the kinds that its suffix calls for."""
    suffix = PurePath(name).suffix
    ways: tuple[Callable[[bytes, random.Random], bytes], ...] = (in_bytes,)
    if suffix == ".json":
        ways = (in_json, in_json, in_json, in_text, in_bytes)
    elif suffix == ".safetensors":
        ways = (in_safetensors, in_safetensors, in_bytes)
    elif suffix in _XML:
        ways = (in_xml, in_xml, in_xml, in_text, in_bytes)
    elif suffix in _MIDI:
        ways = (in_midi, in_midi, in_bytes)
    elif suffix in _TEXTS:
        ways = (in_text, in_text, in_tokens, in_tokens, in_bytes)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        grown = rng.choice(ways)(data, rng)
        data = grown if len(grown) <= max(_MOST_BYTES, 2 * len(data)) else data
    return data


def in_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bits, numbers, cuts and copies: anywhere, near the beginning or near the end, where headers and tables are."""
    if not data:
        return rng.randbytes(rng.randrange(64))
    first, last = rng.choice(((0, len(data)), (0, min(len(data), 1024)), (max(0, len(data) - 1024), len(data))))
    at, out = rng.randrange(first, last), bytearray(data)
    way = rng.randrange(8)
    if way == 0:
        for _ in range(rng.choice((1, 1, 2, 8))):
            out[rng.randrange(first, last)] ^= 1 << rng.randrange(8)
    elif way == 1:
        out[at] = rng.randrange(256)
    elif way == 2:
        size = rng.choice((1, 2, 4, 4, 8))
        value = rng.choice(INTERESTING) % (1 << 8 * size)
        out[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))
    elif way == 3:
        del out[rng.choice((at, len(out) - rng.randrange(min(64, len(out))))) :]
    elif way == 4:
        del out[at : at + rng.choice((1, 2, 4, 16, 256))]
    elif way == 5:
        part = bytes(out[at : at + rng.choice((1, 4, 16, 256, 4096))])
        out[at:at] = part * rng.choice((1, 1, 2, 16, 200))
    elif way == 6:
        out[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16)))
    else:
        other, size = rng.randrange(len(out)), rng.choice((1, 4, 16, 256))
        out[at : at + size] = out[other : other + size]
    return bytes(out)


def in_text(data: bytes, rng: random.Random) -> bytes:
    """Numbers, lines, brackets and tags."""
    text = data.decode("utf-8", "surrogateescape")
    way = rng.randrange(6)
    if way <= 1:
        found = list(_NUMBER.finditer(text))
        if found:
            one = rng.choice(found)
            text = text[: one.start()] + rng.choice(NUMBERS) + text[one.end() :]
    elif way == 2:
        lines = text.splitlines(keepends=True)
        if lines:
            at = rng.randrange(len(lines))
            lines[at : at + 1] = lines[at : at + 1] * rng.choice((0, 2, 2, 50, 2000))
            text = "".join(lines)
    elif way == 3:
        lines = text.splitlines(keepends=True)
        if lines:
            a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[a], lines[b] = lines[b], lines[a]
            text = "".join(lines)
    elif way == 4:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice("[{(<\"'&!*|:-\t\0\ufeff\u2028é♯") * rng.choice((1, 1, 2, 500)) + text[at:]
    else:
        at, size = rng.randrange(len(text) + 1), rng.choice((1, 4, 40))
        text = text[:at] + text[at + size :]
    return text.encode("utf-8", "surrogateescape")


def in_json(data: bytes, rng: random.Random) -> bytes:
    """A value of another kind, a key less or more, nesting; the rest as it was."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return in_text(data, rng)
    holder = {"root": tree}
    places: list[tuple[Any, Any]] = []
    _collect(holder, places)
    where, key = rng.choice(places)
    way = rng.randrange(6)
    if way <= 2:
        where[key] = rng.choice(VALUES)
    elif way == 3:
        if where is not holder:
            del where[key]
    elif way == 4:
        deep: Any = where[key]
        for _ in range(rng.choice((1, 3, 200))):
            deep = [deep] if rng.random() < 0.5 else {"a": deep}
        where[key] = deep
    elif isinstance(where[key], list):
        where[key] = where[key] * rng.choice((2, 100))
    elif isinstance(where[key], dict):
        where[key][rng.choice(("", "x", "name", "__class__"))] = rng.choice(VALUES)
    else:
        where[key] = str(where[key]) if rng.random() < 0.5 else [where[key]]
    return json.dumps(holder["root"]).encode()


def in_safetensors(data: bytes, rng: random.Random) -> bytes:
    """Its header, which is JSON, with a length that fits."""
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8:
        return in_bytes(data, rng)
    head = in_json(data[8 : 8 + length], rng)
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + data[8 + length :]


def _collect(tree: Any, places: list[tuple[Any, Any]]) -> None:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        places.append((tree, key))
        _collect(value, places)
