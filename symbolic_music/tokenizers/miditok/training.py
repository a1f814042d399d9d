"""Trained vocabularies of MidiTok's tokenizers: byte-pair encoding, Unigram and WordPiece over its tokens.

The state of a trained tokenizer is a dictionary that JSON holds, of four entries: `special_tokens`, `base` (name of
each base token to its id), `bytes` (the character that stands for each base token) and `model` (the JSON text of the
🤗 tokenizers library).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.errors import EmptyScoreError, OptionError, TokenError
from symbolic_music.io.files import read
from symbolic_music.score import Score
from symbolic_music.tokenizers.miditok import options

MODELS = ("BPE", "Unigram", "WordPiece")
# Of a trained vocabulary. The trainers take memory for as many ids as are requested, and end the process without it.
MAX_VOCABULARY = 100_000
_SPLIT = "\u2581"  # begins each part that was encoded by itself (a bar or beat)
# MidiTok puts one PAD for a part of more tokens than 400 a bar or 100 a beat; bars of this length do not occur.
_LONGEST_WORD = 10_000


def scores_of(music: Score | str | Path | Iterable[Score | str | Path]) -> Iterator[tuple[str, Score]]:
    """Iterate over training scores with their names for errors. Files are read by `io.read`.

    Raises:
        OptionError: when it is neither a score, a path, nor an iterable of these.
        FileError: when a file is missing or cannot be read (MidiError, NotationError: when it is not music).
    """
    several = (music,) if isinstance(music, (Score, str, os.PathLike)) else music
    if isinstance(several, bytes) or not isinstance(several, Iterable):
        raise OptionError(f"train takes scores or paths of files, not {type(music).__name__}")
    for number, one in enumerate(several):
        if isinstance(one, Score):
            yield f"score {number}", one
        elif isinstance(one, (str, os.PathLike)):
            yield str(one), read(Path(one))
        else:
            raise OptionError(f"train takes scores or paths of files, and number {number} is {type(one).__name__}")


def trained_state(
    kind: str, given: Mapping[str, Any], scores: Iterable[tuple[str, Any]], vocab_size: int, model: str
) -> dict[str, Any]:
    """Train a fresh tokenizer of this kind and canonical options.

    Args:
        kind, given: of the tokenizer.
        scores: symusic's scores, and what to call each in an error.
        vocab_size, model: as `MidiTokTokenizer.train` says.

    Raises:
        OptionError, EmptyScoreError, TokenError: as `MidiTokTokenizer.train` says.
    """
    if model not in MODELS:
        raise OptionError(f"no model {model!r}: choose from {', '.join(MODELS)}")
    tokenizer = getattr(options.miditok(), kind)(options.config(kind, given))
    if tokenizer.is_multi_voc:
        raise OptionError(f"miditok:{kind} has several vocabularies and cannot be trained")
    if isinstance(vocab_size, bool) or not isinstance(vocab_size, (int, np.integer)):
        raise OptionError(f"vocab_size is a whole number, not {vocab_size!r}")
    if not len(tokenizer.vocab) < vocab_size <= MAX_VOCABULARY:
        raise OptionError(
            f"vocab_size must be above the {len(tokenizer.vocab)} ids of miditok:{kind} and at most "
            f"{MAX_VOCABULARY:,}, not {vocab_size}"
        )
    more: dict[str, Any] = {}
    if model == "WordPiece":
        if tokenizer.config.encode_ids_split == "no":
            raise OptionError('WordPiece writes parts of limited length: set encode_ids_split to "bar" or "beat"')
        more["max_input_chars_per_word"] = _LONGEST_WORD
    texts = [_texts(tokenizer, name, score) for name, score in scores]
    if not any(len(text) > 1 for one in texts for text in one):
        raise EmptyScoreError(f"nothing to train on: miditok:{kind} finds no notes in this music")
    tokenizer.train(vocab_size=int(vocab_size), model=model, iterator=texts, **more)
    saved = tokenizer.to_dict()
    return {
        "special_tokens": list(tokenizer.special_tokens),
        "base": saved["_vocab_base"],
        "bytes": saved["_vocab_base_byte_to_token"],
        "model": saved["_model"],
    }


def _texts(tokenizer: Any, name: str, score: Any) -> list[str]:
    """The parts of a score (tracks, bars or beats) as MidiTok's trainers read them: one character a token."""
    from miditok.constants import CHR_ID_START

    # Tracks are not joined: no id crosses from one to the next.
    more = {"concatenate_track_sequences": False} if type(tokenizer).__name__ == "MMM" else {}
    try:
        found = tokenizer.encode(score, encode_ids=False, **more)
        parts = found if isinstance(found, list) else [found]
        if tokenizer.config.encode_ids_split == "bar":
            parts = [bar for one in parts for bar in one.split_per_bars()]
        elif tokenizer.config.encode_ids_split == "beat":
            parts = [beat for one in parts for beat in one.split_per_beats()]
    except Exception as error:
        if more and isinstance(error, IndexError):
            return []  # MMM finds neither a note nor a meter
        raise TokenError(
            f"{name}: miditok:{type(tokenizer).__name__} cannot encode it ({type(error).__name__}: {error})"
        ) from None
    return ["".join(chr(CHR_ID_START + token) for token in part.ids) for part in parts if len(part.ids)]


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
