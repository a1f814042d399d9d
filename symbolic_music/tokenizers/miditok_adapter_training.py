"""Trained vocabularies of MidiTok's tokenizers: byte-pair encoding, Unigram and WordPiece over its tokens.

The state of a trained tokenizer is a dictionary that JSON holds, of four entries: `special_tokens`, `base` (name of
each base token to its id), `bytes` (the character that stands for each base token) and `model` (the JSON text of the
🤗 tokenizers library).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from symbolic_music.errors import OptionError, TokenError
from symbolic_music.io.symusic_scores import to_symusic
from symbolic_music.score import Score
from symbolic_music.tokenizers import miditok_adapter_options as options

MODELS = ("BPE", "Unigram", "WordPiece")
_SPLIT = "\u2581"  # begins each part that was encoded by itself (a bar or beat)
# MidiTok puts one PAD for a part of more tokens than 400 a bar or 100 a beat; bars of this length do not occur.
_LONGEST_WORD = 10_000


def trained_state(
    kind: str, given: Mapping[str, Any], music: Iterable[Score | str | Path], vocab_size: int, model: str
) -> dict[str, Any]:
    """Train a fresh tokenizer of this kind and canonical options.

    Raises:
        OptionError: as `MidiTokTokenizer.train` says.
    """
    if model not in MODELS:
        raise OptionError(f"no model {model!r}: choose from {', '.join(MODELS)}")
    tokenizer = getattr(options.miditok(), kind)(options.config(kind, given))
    if tokenizer.is_multi_voc:
        raise OptionError(f"miditok:{kind} has several vocabularies and cannot be trained")
    if vocab_size <= len(tokenizer.vocab):
        raise OptionError(
            f"vocab_size must be above the {len(tokenizer.vocab)} ids of miditok:{kind}, not {vocab_size}"
        )
    more: dict[str, Any] = {}
    if model == "WordPiece":
        if tokenizer.config.encode_ids_split == "no":
            raise OptionError('WordPiece writes parts of limited length: set encode_ids_split to "bar" or "beat"')
        more["max_input_chars_per_word"] = _LONGEST_WORD
    with tempfile.TemporaryDirectory() as folder:
        # MidiTok trains from files.
        files = [_file(one, Path(folder) / f"{number}.mid") for number, one in enumerate(music)]
        if not files:
            raise OptionError("training needs at least one score or file")
        tokenizer.train(vocab_size=vocab_size, model=model, files_paths=files, **more)
    saved = tokenizer.to_dict()
    return {
        "special_tokens": list(tokenizer.special_tokens),
        "base": saved["_vocab_base"],
        "bytes": saved["_vocab_base_byte_to_token"],
        "model": saved["_model"],
    }


def _file(music: Score | str | Path, path: Path) -> Path:
    if not isinstance(music, Score):
        return Path(music)
    to_symusic(music).dump_midi(path)
    return path


def restored(kind: str, given: Mapping[str, Any], state: Mapping[str, Any]) -> Any:
    """MidiTok's tokenizer of this state, read from a file as MidiTok writes it.

    Raises:
        OptionError: when the state is not one that `trained_state` gave for these options.
    """
    config = options.config(kind, given)
    _check(kind, state)
    config.special_tokens = list(state["special_tokens"])
    saved = {
        "config": config.to_dict(serialize=True),
        "tokenization": kind,
        "_vocab_base": state["base"],
        "_model": state["model"],
        "_vocab_base_byte_to_token": state["bytes"],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        path.write_text(json.dumps(saved))
        try:
            tokenizer = getattr(options.miditok(), kind)(params=path)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the Rust library panics with an exception that is no Exception
            raise OptionError(f"miditok:{kind}: the trained state is damaged ({error})") from None
    if kind == "PerTok" and tokenizer.use_position_toks:
        # MidiTok makes these with the vocabulary, which here comes from the file.
        tokenizer.position_locations = sorted(
            int(name.partition("_")[2]) for name in state["base"] if name.startswith("Position_")
        )
    return tokenizer


def _check(kind: str, state: Mapping[str, Any]) -> None:
    special, base, characters, model = (state.get(key) for key in ("special_tokens", "base", "bytes", "model"))
    good = (
        len(state) == 4
        and isinstance(special, list)
        and isinstance(base, dict)
        and isinstance(characters, dict)
        and isinstance(model, str)
        and all(isinstance(name, str) and name in base for name in special)
        and sorted(base.values(), key=str) == sorted(range(len(base)), key=str)
        and sorted(map(str, characters.values())) == sorted(base)
    )
    if not good:
        raise OptionError(f"miditok:{kind}: the trained state is damaged")


def expansions(tokenizer: Any) -> tuple[list[list[int]], tuple[str, ...]]:
    """For each id of a trained tokenizer the base ids that it stands for, and its name: theirs with + between.

    A name begins with ▁ where the id begins a part that was encoded by itself. Raises TokenError when ids are missing.
    """
    sequence = options.miditok().TokSequence
    model = tokenizer.vocab_model
    if sorted(model.values()) != list(range(len(model))):
        raise TokenError("the trained vocabulary has gaps")
    special = {tokenizer.vocab[name] for name in tokenizer.special_tokens}
    pad = tokenizer.pad_token_id
    names = {number: name for name, number in tokenizer.vocab.items()}
    found: list[list[int]] = []
    texts: list[str] = []
    for key in sorted(model, key=model.__getitem__):
        one = sequence(ids=[model[key]], are_ids_encoded=True)
        tokenizer.decode_token_ids(one)
        base = list(one.ids)
        if len(base) > 1 and special.issuperset(base):
            # Unigram writes a special token as several characters, with those of PAD around its own.
            base = [next((number for number in base if number != pad), pad)]
        found.append(base)
        texts.append((_SPLIT if key.startswith(_SPLIT) else "") + "+".join(names[number] for number in base))
    return found, tuple(texts)
