"""Folders with a GPT-2 and the MidiTok tokenizer of its ids, as MidiTok's `save_pretrained` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symbolic_music import tokenizers
from symbolic_music.errors import ModelError, OptionError, TokenError
from symbolic_music.models.checkpoints.config_and_weights import read_json
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.tokenizers.miditok.options import KINDS, known_options

FILES = ("tokenizer.json", "tokenizer.conf")


def tokenizer_beside(folder: Path) -> Tokenizer:
    """The MidiTok tokenizer whose file lies in a folder; it is read as JSON, and nothing else of the folder is.

    Raises:
        ModelError: when it is missing, or the installed MidiTok does not support it.
        MissingExtraError: when miditok is not installed.
    """
    found = next((name for name in FILES if (folder / name).is_file()), None)
    if found is None:
        raise ModelError(
            f"{folder} has a GPT-2 without anticipatory ids, and no MidiTok tokenizer ({' or '.join(FILES)})"
        )
    saved = read_json(folder / found)
    kind, config = saved.get("tokenization"), saved.get("config")
    if kind not in KINDS or not isinstance(config, dict):
        raise ModelError(f"{folder / found} is no tokenizer of MidiTok: {', '.join(KINDS)}")
    try:
        return tokenizers.get(f"miditok:{kind}", trained=_trained(saved, config), **_options(str(kind), config))
    except (OptionError, TokenError) as error:
        raise ModelError(f"{folder / found} does not fit the MidiTok that is installed: {error}") from None


def _options(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `tokenizers.get` from a TokenizerConfig."""
    more = config.get("additional_params")
    options = {**config, **(more if isinstance(more, dict) else {})}
    known = known_options(kind)
    return {name: value for name, value in options.items() if name in known}


def _trained(saved: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The state of a trained vocabulary as our adapter keeps it; None where the tokenizer is not trained."""
    model = saved.get("_model", saved.get("_bpe_model"))
    if model is None:
        return None
    return {
        "special_tokens": config.get("special_tokens"),
        "base": saved.get("_vocab_base"),
        "bytes": saved.get("_vocab_base_byte_to_token"),
        "model": model,
    }
