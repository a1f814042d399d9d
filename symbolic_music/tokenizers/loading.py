"""Load saved tokenizers, and refuse those whose ids have changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from symbolic_music.errors import FileError, OptionError, TokenError, UnknownNameError
from symbolic_music.io.files import check_readable
from symbolic_music.tokenizers import saving
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.tokenizers.registry import get
from symbolic_music.tokenizers.saving import FORMAT, FORMAT_VERSION, _configuration_fingerprint, fingerprint

_KEYS = {
    "format", "format_version", "library_version", "name", "preset", "options", "revision", "sizes", "sha256",
    "configuration_sha256",
}  # fmt: skip


def load(path: str | Path) -> Tokenizer:
    """The tokenizer that `save` wrote: it gives the ids that the saved one gave, or it is refused.

    Nothing is unpickled or executed.

    Raises:
        FileError: when the file is missing, too large, or not a saved tokenizer.
        TokenError: when it is of another format version, its options or trained state are not those that were saved,
            it names a tokenizer or options that this version does not have, or when the ids of that tokenizer have
            changed since.
        MissingExtraError: when the tokenizer needs a package that is not installed.

    Examples:
        >>> path = sm.tokenizers.save(sm.tokenizers.get("remi"), "remi.json")
        >>> sm.tokenizers.load(path).name
        'remi'
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
    """Read the file and check its keys and types."""
    check_readable(path)
    if path.stat().st_size > saving.MAX_BYTES:
        raise FileError(f"{path} is too large for a saved tokenizer (over {saving.MAX_BYTES >> 20} MiB)")
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
