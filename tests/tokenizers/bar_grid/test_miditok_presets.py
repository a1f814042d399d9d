"""Preset `miditok` beside MidiTok itself: the same vocabularies, the same ids, the same notes back."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings

from symbolic_music import tokenizers
from symbolic_music.errors import MidiError
from symbolic_music.io.midi.reader import read_midi
from symbolic_music.io.midi.symusic_bridge import to_symusic
from symbolic_music.score import METER, Score, note_table
from tests.corpus_paths import corpus_dir
from tests.tokenizers.example_music import PIECES, piece, scores

miditok = pytest.importorskip("miditok")

ALL = {"use_tempos": True, "use_chords": True, "use_rests": True}
OPTIONS = {
    "default": {},
    "no meters": {"use_time_signatures": False},
    "tempos": {"use_tempos": True},
    "programs": {"use_programs": True},
    "programs apart": {"use_programs": True, "one_token_stream_for_programs": False},
    "chords": {"use_chords": True},
    "rests": {"use_rests": True},
    "rests, no meters": {"use_rests": True, "use_time_signatures": False},
    "all": {**ALL, "use_programs": True},
    "all apart": ALL,
    "all, no meters": {**ALL, "use_programs": True, "use_time_signatures": False},
}
_BUILT = {}


def pair(name, options):
    """(MidiTok's, ours), built once."""
    key = (name, *options.items())
    if key not in _BUILT:
        kind = {"remi": miditok.REMI, "compound": miditok.CPWord}[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CPWord warns of rests with meters
            theirs = kind(miditok.TokenizerConfig(**options))
        _BUILT[key] = theirs, tokenizers.get(name, preset="miditok", **options)
    return _BUILT[key]


def as_lists(ids):
    return [one.tolist() for one in ids] if isinstance(ids, list) else ids.tolist()


def their_ids(tokenizer, score):
    tokens = tokenizer.encode(to_symusic(score))
    return [one.ids for one in tokens] if isinstance(tokens, list) else tokens.ids


def check(name, options, score):
    theirs, ours = pair(name, options)
    ids = ours.encode(score)
    assert as_lists(ids) == their_ids(theirs, score)
    for one in ids if isinstance(ids, list) else [ids]:
        assert ours.grammar.violation(one) is None
    return ids


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", ["remi", "compound"])
def test_vocabularies(name, options):
    theirs, ours = pair(name, options)
    vocabularies = theirs.vocab if isinstance(theirs.vocab, list) else [theirs.vocab]
    assert [tuple(one) for one in vocabularies] == list(ours.vocabulary.fields)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", ["remi", "compound"])
@given(score=scores())
@settings(max_examples=25)
def test_random_scores(name, options, score):
    check(name, options, score)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", ["remi", "compound"])
@pytest.mark.parametrize("title", PIECES)
def test_real_pieces(name, options, title):
    theirs, ours = pair(name, options)
    score = piece(title)
    ids = check(name, options, score)
    once = ours.decode(ids)
    back = theirs.decode(as_lists(ids) if isinstance(ids, list) else np.array(ids))
    assert sorted((n.time, n.duration, n.pitch, n.velocity) for t in back.tracks for n in t.notes) == sorted(
        zip(*(once.notes[c].tolist() for c in ("onset", "duration", "pitch", "velocity")), strict=True)
    )
    again = ours.decode(ours.encode(once))
    assert again == once


def test_programs_come_back_where_they_are_written():
    ours = tokenizers.get("remi", preset="miditok", use_programs=True)
    score = Score(notes=note_table([(0, 480, 60, 64, 33, 0, 0), (0, 480, 36, 64, 0, 9, 1)]))
    again = ours.decode(ours.encode(score))
    assert [(t.program, t.is_drum) for t in again.tracks] == [(33, False), (0, True)]


def test_a_bar_that_a_rest_crosses_has_no_token():
    ours = tokenizers.get("remi", preset="miditok", use_rests=True, use_time_signatures=False)
    score = Score(notes=note_table([(0, 480, 60, 64), (1920 + 480, 480, 60, 64)]), meters=np.array([(0, 4, 4)], METER))
    (ids,) = ours.encode(score)
    found = [ours.vocabulary.name(int(token)) for token in ids]
    assert found.count("Bar_None") == 1
    assert found[5] == "Rest_4.0.2"
    assert ours.decode([ids]).notes["onset"].tolist() == [0, 40]


@pytest.mark.corpora
@pytest.mark.parametrize("corpus", ["lakh-subset", "pop909", "maestro-midi"])
@pytest.mark.parametrize("name", ["remi", "compound"])
def test_corpora(name, corpus):
    files = sorted(p for p in corpus_dir(corpus).rglob("*.mid*"))
    few = 2 if corpus == "maestro-midi" else 4
    for path in files[:: len(files) // few][:few]:
        try:
            score = read_midi(path)
        except MidiError:
            continue
        for options in OPTIONS.values() if corpus == "lakh-subset" and name == "remi" else ({},):
            check(name, options, score)
