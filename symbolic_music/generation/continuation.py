"""Continue a piece, or generate one unconditionally."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symbolic_music.errors import OptionError, RegionError, check_seed
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.decoding.skytnt_sampler import RowNetwork
from symbolic_music.generation.default_model import AnyModel, loaded_model
from symbolic_music.generation.left_to_right.skytnt_continuation import RowWriting
from symbolic_music.generation.left_to_right.text_to_music import TEXT_MODEL, takes_text, text_session
from symbolic_music.generation.left_to_right.token_continuation import TokenWriting
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.piece_request import tracks_of, usual_band, with_progression
from symbolic_music.generation.planning import require_limits
from symbolic_music.generation.results import EditSession, Progress, finished
from symbolic_music.generation.sessions.base import Edit, Write
from symbolic_music.generation.sessions.retry_when_empty import Redrawing, silent
from symbolic_music.generation.sessions.session_for_model import edit_session
from symbolic_music.generation.views.model_view import edits, follows_chords, writable
from symbolic_music.models import Model
from symbolic_music.score import CONTROL, METER, TEMPO, Score, Track

# The tracks of a piece from nothing, for models that write into tracks.
# A piece may end of its own will in the last quarter of the time that it is given.
_MAY_END = 0.75
_PEDALS = (64, 66, 67)


def generate(
    prompt: Score | None = None,
    seconds: float = 20.0,
    model: AnyModel = None,
    sampling: Sampling | Mapping[str, Sampling] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    *,
    text: str | None = None,
    allow_empty: bool = False,
) -> Score:
    """Continue a piece by some seconds, or generate one unconditionally.

        sm.generate(song, seconds=10, seed=1)

    With a prompt, the result is the prompt, note for note, and new notes after its last one, at its last tempo (a
    pressed pedal is released there). They are in the tracks of the prompt, or, if the model predicts instruments, in
    tracks of the same program or new ones. Without a prompt, each part of the model is a track; region models of songs
    draw a band and a tempo by the seed, and a progression of chords in a major or minor key that `limits` allow, unless
    they have chords or are free. The model may end the piece up to a quarter of `seconds` early.

    SkyTNT's models take a prompt without notes as a request: its tracks are the instruments, its first tempo, meter and
    key those of the piece.

        sm.generate(Score(tracks=(Track("", 0), Track("", 33))), 20, "skytnt")

    Args:
        prompt: the piece to continue; None for unconditional generation.
        seconds: length of the new music.
        model: a loaded model, a name or a folder; None for the bundled one that suits the prompt.
        sampling: temperature, top-p, top-k, min-p. For compound words, a mapping from field names sets single
            fields; the others, and all by default, are sampled as in `compound_sampler.PUBLISHED_WORD_SAMPLING`.
        seed: the same seed gives the same notes.
        progress: called with the share that is done.
        limits: what the notes must obey; for models of the anticipatory ids.
        text: a description of the music, for models that take one (`midi-llm`, which is the default then).
        allow_empty: whether the result may have no new notes; otherwise it is sampled again, three times.

    Raises:
        NothingWrittenError: when nothing is written in four attempts.
        OptionError: when `seconds` is not in (0, 3600], or the seed is below 0, or the model cannot obey
            limits, or has no such fields.
        RegionError: when the model cannot write the prompt's tracks.
        ConstraintError: when the limits contradict each other.
    """
    session = continuation(prompt, seconds, model, sampling, seed, 1, limits, text=text, allow_empty=allow_empty)
    return finished(session, progress)


def continuation(
    prompt: Score | None = None,
    seconds: float = 20.0,
    model: AnyModel = None,
    sampling: Sampling | Mapping[str, Sampling] | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = FREE,
    *,
    text: str | None = None,
    allow_empty: bool = False,
) -> EditSession:
    """Open a session that continues a piece, or generates one: `generate` with several alternatives.

    Examples:
        >>> session = sm.generation.continuation(melody, seconds=2.0, count=2, seed=1)
        >>> [written.score.duration > melody.duration for written in session.finish()]
        [True, True]
    """
    if not 0 < seconds <= 3600:
        raise OptionError(f"seconds must lie in (0, 3600], not {seconds:g}")
    check_seed(seed)
    loaded = loaded_model(TEXT_MODEL if model is None and text is not None else model, prompt)

    def begin(seed: int, count: int) -> EditSession:
        return _continuation(prompt, seconds, loaded, sampling, seed, count, limits, text)

    return begin(seed, count) if allow_empty else Redrawing(begin, seed, count, silent)


def _continuation(
    prompt: Score | None,
    seconds: float,
    loaded: Model[Any],
    sampling: Sampling | Mapping[str, Sampling] | None,
    seed: int,
    count: int,
    limits: Limits,
    text: str | None,
) -> EditSession:
    """One attempt."""
    if text is not None or takes_text(loaded):
        return text_session(loaded, text, prompt, seconds, sampling, seed, count, limits)
    if not edits(loaded):
        if replace(limits, free=False) != FREE:
            require_limits(loaded)
        writing = RowWriting if isinstance(loaded.network, RowNetwork) else TokenWriting
        return writing(loaded, None if prompt is None else released(prompt), seconds, sampling, seed, count)
    if isinstance(sampling, Mapping):
        raise OptionError(f"model {loaded.card.name!r} has no compound words, whose fields are drawn each in its way")
    score = _blank(loaded) if prompt is None else released(prompt)
    written = writable(score, loaded)
    if not len(score):
        # All tracks that there are, or one for each part that the model has.
        parts = zip(loaded.view.names, loaded.view.parts, strict=True)
        wider = score.replace(tracks=(*score.tracks, *(Track(name, part) for name, part in parts)))
        written = list(range(len(score.tracks) if loaded.view.parts else 0, len(wider.tracks)))
        if loaded.reads == "regions" and not written:
            wider = score.replace(tracks=tracks_of([0])) if loaded.tokenizer.reads_pedal else usual_band(score, seed)
            written = list(range(len(wider.tracks)))
        if follows_chords(loaded) and len(written) > 1:
            limits = with_progression(limits, seed, wider)
        score = wider
    elif not written:
        raise RegionError(f"no tracks to continue: model {loaded.card.name!r} does not write drums")
    last = max(round(float(score.ticks(score.duration + seconds))), score.end + 1)
    edit = Edit([(score.end, last)], written, limits, Write(may_end=_MAY_END))
    return edit_session(score, edit, loaded, sampling, seed, count)


def released(score: Score) -> Score:
    """The score with pressed pedals released at its end, so that a continuation is played without them.

    Sustain, sostenuto and soft pedals (controllers 64, 66, 67) of each track; a later release stays.
    """
    controls = score.controls
    # (pedal, track) -> its last value.
    past = controls[np.isin(controls["number"], _PEDALS) & (controls["time"] <= score.end)]
    last = {(int(row["number"]), int(row["track"])): int(row["value"]) for row in past}
    down = [(score.end, number, 0, track) for (number, track), value in sorted(last.items()) if value >= 64]
    if not down:
        return score
    new = np.array(down, CONTROL)
    return score.replace(controls=np.insert(controls, np.searchsorted(controls["time"], score.end, side="right"), new))


def _blank(model: Model) -> Score:
    """An empty score, in the tempo of a model of musical time in parts."""
    if not model.view.parts:
        return Score()
    tempo = round(60_000_000 / model.view.quarters_per_minute)
    return Score(tempos=np.array([(0, tempo)], TEMPO), meters=np.array([(0, 4, 4)], METER))
