"""Tokenizers as JSON files, and a check that their ids are still the ones that were saved."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import symbolic_music
from symbolic_music.errors import FileError, OptionError, TokenError, UnknownNameError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.io.files import check_readable
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.tokenizers.registry import get

FORMAT = "symbolic_music.tokenizer"
FORMAT_VERSION = 2
# A trained vocabulary of 50,000 ids has about 6 MB.
MAX_BYTES = 16 << 20
_KEYS = {
    "format", "format_version", "library_version", "name", "preset", "options", "revision", "sizes", "sha256",
    "configuration_sha256",
}  # fmt: skip


def fingerprint(tokenizer: Tokenizer) -> str:
    """What the ids of a tokenizer mean: SHA-256 (hexadecimal) of its `revision` and the names of all its ids.

    Which of them a score gets depends on more, which `configuration_fingerprint` tells apart: two tokenizers with both
    the same give the same ids.
    """
    return _fingerprint(tokenizer.revision, tokenizer.vocabulary.fields)


@lru_cache(maxsize=64)
def _fingerprint(revision: int, fields: tuple[tuple[str, ...], ...]) -> str:
    text = json.dumps([revision, fields], separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def configuration_fingerprint(tokenizer: Tokenizer) -> str:
    """Which tokenizer it is: SHA-256 (hexadecimal) of its name, preset, options and trained state, as JSON."""
    config = tokenizer.to_config()
    name, preset = config.pop("name"), config.pop("preset")
    return _configuration_fingerprint(name, preset, config)


def _configuration_fingerprint(name: str, preset: str, options: dict[str, Any]) -> str:
    text = json.dumps([name, preset, options], sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def save(tokenizer: Tokenizer, path: str | Path) -> Path:
    """Write a tokenizer as JSON, whole or not at all. Returns the path.

    Raises:
        FileError: when the file cannot be written.
        TokenError: when it would be larger than `load` reads (16 MiB).
    """
    path = Path(path)
    config = tokenizer.to_config()
    name, preset = config.pop("name"), config.pop("preset")
    text = json.dumps(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "library_version": symbolic_music.__version__,
            "name": name,
            "preset": preset,
            "options": config,
            "revision": tokenizer.revision,
            "sizes": tokenizer.vocabulary.sizes,
            "sha256": fingerprint(tokenizer),
            "configuration_sha256": _configuration_fingerprint(name, preset, config),
        },
        indent=1,
    )
    data = (text + "\n").encode()
    if len(data) > MAX_BYTES:
        raise TokenError(
            f"the tokenizer has {len(data) >> 20} MiB as JSON; at most {MAX_BYTES >> 20} MiB are read back"
        )
    write_bytes(path, data)
    return path


def load(path: str | Path) -> Tokenizer:
    """The tokenizer that `save` wrote: it gives the ids that the saved one gave, or it is refused.

    Nothing is unpickled or executed.

    Raises:
        FileError: when the file is missing, too large, or not a saved tokenizer.
        TokenError: when it is of another format version, its options or trained state are not those that were saved,
            it names a tokenizer or options that this version does not have, or when the ids of that tokenizer have
            changed since.
        MissingExtraError: when the tokenizer needs a package that is not installed.
    """
    path = Path(path)
    saved = _read(path)
    version = saved["library_version"]
    try:
        tokenizer = get(saved["name"], preset=saved["preset"], **saved["options"])
    except (UnknownNameError, OptionError, RecursionError) as error:
        raise TokenError(
            f"{path} was saved by symbolic-music {version} and does not fit this version: {error}"
        ) from None
    changed = ""
    if tokenizer.revision != saved["revision"]:
        changed = f"revision {saved['revision']} there, {tokenizer.revision} here"
    elif list(tokenizer.vocabulary.sizes) != saved["sizes"]:
        changed = f"{saved['sizes']} ids there, {list(tokenizer.vocabulary.sizes)} here"
    elif fingerprint(tokenizer) != saved["sha256"]:
        changed = "their names differ"
    if changed:
        raise TokenError(
            f"the ids of {path} are not those of {saved['name']} here ({changed}): "
            f"use symbolic-music {version}, which saved it, or encode the data again"
        )
    return tokenizer


def _read(path: Path) -> dict[str, Any]:
    """What the file holds, of the right keys and types."""
    check_readable(path)
    if path.stat().st_size > MAX_BYTES:
        raise FileError(f"{path} is too large for a saved tokenizer (over {MAX_BYTES >> 20} MiB)")
    try:
        saved = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        saved = None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise FileError(f"{path} is not a saved tokenizer (as Tokenizer.save writes it)")
    if saved.get("format_version") != FORMAT_VERSION:
        raise TokenError(
            f"{path} has format version {saved.get('format_version')!r}; this version reads {FORMAT_VERSION}: "
            f"use symbolic-music {saved.get('library_version')}, which wrote it"
        )
    options = saved.get("options")
    texts = [saved.get(key) for key in ("library_version", "name", "preset", "sha256", "configuration_sha256")]
    whole = isinstance(options, dict) and all(isinstance(text, str) for text in texts)
    if set(saved) != _KEYS or not whole or {"name", "preset"} & set(options or ()):
        raise FileError(f"{path} is a damaged tokenizer file: save the tokenizer again")
    # Before anything is built of them.
    try:
        found = _configuration_fingerprint(saved["name"], saved["preset"], saved["options"])
    except RecursionError:
        found = "lists that deep are in no tokenizer"
    if found != saved["configuration_sha256"]:
        raise TokenError(
            f"the options or the trained state in {path} are not those that were saved: "
            f"get the file again, or save the tokenizer again"
        )
    return saved
