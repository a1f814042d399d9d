"""Save tokenizers as JSON files, with hashes of their ids."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbolic_music.errors import TokenError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.version import __version__

if TYPE_CHECKING:
    from symbolic_music.tokenizers.base import Tokenizer

FORMAT = "symbolic_music.tokenizer"
FORMAT_VERSION = 2
# A trained vocabulary of 50,000 ids has about 6 MB.
MAX_BYTES = 16 << 20


def fingerprint(tokenizer: Tokenizer) -> str:
    """The hash of a tokenizer: SHA-256 (hexadecimal) of its `revision` and the names of all its ids.

    Which of them a score gets depends on more, which `configuration_fingerprint` covers: two tokenizers with both
    the same give the same ids.

    Examples:
        >>> len(sm.tokenizers.fingerprint(sm.tokenizers.get("remi")))
        64
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

    Examples:
        >>> sm.tokenizers.save(sm.tokenizers.get("remi"), "remi.json").name
        'remi.json'
    """
    path = Path(path)
    config = tokenizer.to_config()
    name, preset = config.pop("name"), config.pop("preset")
    text = json.dumps(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "library_version": __version__,
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
