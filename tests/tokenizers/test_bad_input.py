"""What is no sequence of ids raises TokenError, whichever tokenizer is asked."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.errors import TokenError
from symbolic_music.tokenizers.base import Grammar, Tokenizer, whole_ids
from symbolic_music.tokenizers.miditok.options import KINDS
from tests.tokenizers.every_tokenizer import CONFIGS, built
from tests.tokenizers.example_music import piece
from tests.tokenizers.test_saving import example

TRAINED = "miditok:TSD trained"
ADAPTERS = [f"miditok:{kind}{more}" for kind in KINDS for more in ("", " programs")] + [TRAINED]

# Of no encoding; what has n stands for a number of fields.
BAD = {
    "a number": 3,
    "a NumPy number": np.int64(3),
    "none": None,
    "text": "REMI",
    "bytes": b"1",
    "a list of none": [None, None],
    "a list of text": ["1", "2"],
    "a dictionary": {1: 2},
    "a set": {1, 2},
    "ragged": [[[1, 2], [3]], [1, [2]]],
    "a number and a list": [1, [2, 3]],
    "halves": [0.5, 1.5],
    "whole numbers as floats": np.array([1.0, 2.0]),
    "words of floats": np.ones((2, 9)),
    "not a number": [np.nan],
    "truth": [True, False],
    "objects": np.array([1, 2], object),
    "beyond 64 bits": [2**70],
    "no axis": np.array(3),
    "three axes": np.zeros((2, 2, 2), int),
    "empty of three axes": np.zeros((0, 2, 2), int),
    "rows of nothing": np.zeros((3, 0), int),
    "no text": np.array([], str),
}


@cache
def adapter(label: str) -> Tokenizer:
    kind, _, more = label.partition(" ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer = tokenizers.get(kind, use_programs=True) if more else tokenizers.get(kind)
    return tokenizer.train(piece("bach/bwv66.6"), 600) if label == TRAINED else tokenizer


@pytest.fixture(params=[*CONFIGS, *ADAPTERS])
def tokenizer(request) -> Tokenizer:
    if request.param in CONFIGS:
        return built(request.param)
    pytest.importorskip("miditok")
    return adapter(request.param)


def per_track(tokenizer: Tokenizer) -> bool:
    return isinstance(tokenizer.encode(example()), list)


def refused(tokenizer: Tokenizer, ids: object) -> None:
    for judge in (tokenizer.check, tokenizer.decode, tokenizer.grammar.violation):
        with pytest.raises(TokenError):
            judge(ids)
    with pytest.raises(TokenError):
        Grammar.violation(tokenizer.grammar, ids)


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_sequence_of_ids(tokenizer, name) -> None:
    refused(tokenizer, BAD[name])


def test_ragged_lists(tokenizer) -> None:
    for judge in (tokenizer.check, tokenizer.grammar.violation):
        with pytest.raises(TokenError):
            judge([[1, 2], [3]])
    # A list of tracks may be: each of them is a sequence.
    if not per_track(tokenizer):
        with pytest.raises(TokenError):
            tokenizer.decode([[1, 2], [3]])


def test_words_of_another_width(tokenizer) -> None:
    fields = len(tokenizer.vocabulary.sizes)
    shapes = [(4, fields + 1), (4, 1), (0, fields + 1)] if fields > 1 else [(4, 1), (4, 2), (1, 4), (0, 2)]
    for shape in (*shapes, *([(4,)] if fields > 1 else [])):
        for judge in (tokenizer.check, tokenizer.decode, tokenizer.grammar.violation):
            with pytest.raises(TokenError):
                judge(np.zeros(shape, int))


@pytest.mark.parametrize("value", [-1, 2**31, 2**32, 2**40, np.uint64(2**63), np.uint64(2**64 - 1)], ids=str)
def test_ids_outside_of_the_vocabulary(tokenizer, value) -> None:
    fields = len(tokenizer.vocabulary.sizes)
    ids = np.full((3, fields) if fields > 1 else 3, value)
    for judge in (tokenizer.check, tokenizer.decode):
        with pytest.raises(TokenError):
            judge(ids)
    assert tokenizer.grammar.violation(ids) == 0


def test_any_kind_of_whole_numbers_and_of_list(tokenizer) -> None:
    ids = tokenizer.encode(example())
    one = ids[0] if isinstance(ids, list) else ids
    if tokenizer.name == "anticipation":
        one = one[:30]
    for same in (one.tolist(), tuple(one.tolist()), one.astype(np.uint64), one.astype(np.int64)[::-1][::-1]):
        checked = tokenizer.check(same)
        assert checked.dtype == np.int32
        assert np.array_equal(checked, one)
        assert tokenizer.decode(same) == tokenizer.decode(one)
        assert tokenizer.grammar.violation(same) == tokenizer.grammar.violation(one)


def test_nothing_is_a_sequence(tokenizer) -> None:
    fields = len(tokenizer.vocabulary.sizes)
    for nothing in ([], (), np.zeros(0), np.zeros(0, np.int32), np.zeros((0, fields) if fields > 1 else 0, np.int32)):
        assert len(tokenizer.check(nothing)) == 0
        assert tokenizer.grammar.violation(nothing) is None
        assert len(tokenizer.decode(nothing)) == 0


def test_whole_ids_says_what_is_wrong() -> None:
    for ids, fields, told in (
        ([[1], [2, 3]], 1, "ids must be whole numbers in rows of one length"),
        ([1.0], 1, "ids must be whole numbers, not float64"),
        ([[1, 2]], 1, r"ids have shape \(n,\), not \(1, 2\)"),
        ([1, 2], 3, r"ids have shape \(n, 3\), not \(2,\)"),
        (3, None, r"ids have shape \(n,\) or \(n, fields\), not \(\)"),
    ):
        with pytest.raises(TokenError, match=told):
            whole_ids(ids, fields)
    assert whole_ids(np.array([2**64 - 1], np.uint64)).tolist() == [2**63 - 1]
