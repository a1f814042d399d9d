"""Random scores, walks through grammars, and real pieces for the tests of tokenizers."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from symbolic_music.io import read_midi
from symbolic_music.score import METER, TEMPO, Score, Track, note_table
from symbolic_music.tokenizers.base import Grammar, Tokenizer
from symbolic_music.tokenizers.grammars.compound import WordGrammar
from symbolic_music.tokenizers.public.skytnt_grammar import SkyTntGrammar
from symbolic_music.tokenizers.region.tokenizer import RegionGrammar

PIECES = ("bach/bwv66.6", "schoenberg/opus19/movement2", "corelli/opus3no1/1grave")


@st.composite
def scores(draw: st.DrawFn, most_notes: int = 30) -> Score:
    """Scores of up to three tracks, drums among them, with tempo and meter changes in odd places."""
    tpq = draw(st.sampled_from([8, 24, 96, 220, 480]))
    time = st.integers(0, 20 * tpq)
    tracks = tuple(
        Track("", draw(st.sampled_from([0, 0, 33, 127])), draw(st.booleans())) for _ in range(draw(st.integers(1, 3)))
    )
    length = st.one_of(st.integers(1, 4 * tpq), st.integers(1, 30 * tpq))
    notes = st.tuples(time, length, st.integers(0, 127), st.integers(1, 127), st.integers(0, len(tracks) - 1))
    rows = draw(st.lists(notes, max_size=most_notes))
    tempos = draw(st.lists(st.tuples(time, st.integers(150_000, 3_000_000)), max_size=4))
    meter = st.sampled_from([(4, 4), (3, 4), (6, 8), (3, 8), (2, 4), (7, 8), (12, 8), (5, 16), (33, 8), (1, 4)])
    meters = draw(st.lists(st.tuples(time, meter), max_size=4))
    return Score(
        ticks_per_quarter=tpq,
        notes=note_table([(t, d, p, v, tracks[i].program, 9 if tracks[i].is_drum else 0, i) for t, d, p, v, i in rows]),
        tempos=np.array(tempos, TEMPO),
        meters=np.array([(t, *m) for t, m in meters], METER),
        tracks=tracks,
    )


def walk(grammar: Grammar, rng: np.random.Generator, length: int) -> list[int] | list[list[int]]:
    """A random sequence that obeys a grammar: each id, or field, drawn inside the masks."""
    state, ids = grammar.start(), []
    for _ in range(length):
        if not (isinstance(masks := grammar.allowed(state), np.ndarray) or masks[0].any()):
            break
        if isinstance(grammar, WordGrammar | RegionGrammar | SkyTntGrammar):
            word: list[int | None] = [None] * len(grammar.allowed(state))
            for field in rng.permutation(len(word)):
                mask = grammar.given(state, word)[field]
                word[field] = int(rng.choice(np.flatnonzero(mask)))
            ids.append([int(token) for token in word if token is not None])
        else:
            following = np.flatnonzero(grammar.allowed(state))
            if not len(following):
                break  # the piece has ended
            ids.append(int(rng.choice(following)))
        state = grammar.advance(state, ids[-1])
    return ids


def slow_violation(tokenizer: Tokenizer, ids: np.ndarray) -> int | None:
    """What Grammar.violation says, id by id."""
    return Grammar.violation(tokenizer.grammar, ids)


@cache
def piece(name: str) -> Score:
    """A piece of music21's corpus."""
    from music21 import corpus

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piece.mid"
        corpus.parse(name).write("midi", fp=str(path))
        return read_midi(path)


def note_rows(score: Score) -> list[tuple[int, ...]]:
    """(onset, duration, pitch, velocity, instrument) of each note, sorted."""
    columns = [score.notes[name].tolist() for name in ("onset", "duration", "pitch", "velocity")]
    return sorted(zip(*columns, score.instruments.tolist(), strict=True))
