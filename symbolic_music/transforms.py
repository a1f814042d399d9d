"""Pure functions from scores to scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import BAR_NUMBER, NOTE, TEMPO, Array, Other, Score, Text, Track, joined

# Two notes are one note when their onsets are nearer than this: encodings and resolutions round times.
_STEP = 0.01
# The tables of a score that have a column of times.
_TIMED = ("tempos", "meters", "keys", "controls", "bends", "bar_numbers")


def clip(score: Score, start: float, end: float) -> Score:
    """The part from `start` to `end` (seconds), moved to begin at tick 0.

    Notes whose onset lies in [start, end) are kept; one that sounds past the end is cut there, one that began
    before the start is dropped. The tempo, meter, key, controllers and bends in force at `start` are carried in.

    Raises:
        RegionError: when the range is empty or negative.

    Examples:
        >>> round(sm.transforms.clip(song, 8, 16).duration)
        8
    """
    if not 0 <= start < end:
        raise RegionError(f"cannot clip from {start:g} s to {end:g} s: need 0 <= start < end")
    first, last = (int(t) for t in np.rint(score.ticks([start, end])))
    begin, stop = np.searchsorted(score.notes["onset"], (first, last))
    notes = joined([score.notes[begin:stop]], NOTE)
    notes["duration"] = np.minimum(notes["duration"], last - notes["onset"])
    notes["onset"] -= first

    def window(table: Array, *keys: str) -> Array:
        """Events inside, preceded by the last one before the window for each value of `keys`."""
        if not len(table):
            return table
        begin, stop = np.searchsorted(table["time"], (first, last)).tolist()
        if not keys:
            kept = joined([table[max(begin - 1, 0) : stop]], table.dtype)
        elif begin:
            code = sum((table[key][:begin].astype(np.int64) << 8 * i for i, key in enumerate(keys)), np.int64(0))
            latest = np.full(int(code.max()) + 1, -1, np.int32)
            latest[code] = np.arange(begin)
            kept = joined([table[np.sort(latest[latest >= 0])], table[begin:stop]], table.dtype)
        else:
            kept = joined([table[:stop]], table.dtype)
        kept["time"] = np.maximum(kept["time"] - first, 0)
        return kept

    return score.replace(
        notes=notes,
        tempos=window(score.tempos),
        meters=window(score.meters),
        keys=window(score.keys),
        controls=window(score.controls, "number", "track"),
        bends=window(score.bends, "track"),
        bar_numbers=_numbers_from(score, first, last),
        texts=tuple(replace(t, time=t.time - first) for t in score.texts if first <= t.time < last),
        # What stands at the beginning says how the whole is set up.
        others=tuple(
            replace(o, time=max(o.time - first, 0)) for o in score.others if not o.time or first <= o.time < last
        ),
        source=_moved(score.source, -first),
    )


def _moved(source: object | None, *move: int) -> object | None:
    """What is remembered of the file, with all times moved, where it asks for that."""
    moved = getattr(source, "moved", None)
    return moved(*move) if callable(moved) else source


def _behind_notes(score: Score) -> dict[str, NDArray[np.bool_]]:
    """Masks of what stands at tick 0 behind a note of its channel, where the file that is remembered says so."""
    behind_notes = getattr(score.source, "behind_notes", None)
    found: dict[str, NDArray[np.bool_]] = behind_notes(score) if callable(behind_notes) else {}
    return found


def _numbers_from(score: Score, first: int, last: int) -> Array:
    """The bar numbers of a part of a score, which begins in the bar that holds `first`."""
    if not len(score.bar_numbers):
        return score.bar_numbers
    lines, numbers = score.bars(last), score.numbers(last)
    inside = np.flatnonzero((lines >= first) | np.append(lines[1:] > first, True))
    table = np.zeros(len(inside), BAR_NUMBER)
    table["time"], table["number"] = np.maximum(lines[inside] - first, 0), numbers[inside]
    return table


def shift(score: Score, ticks: int) -> Score:
    """Move everything by this many ticks. What is set at tick 0 stays there, to be in force throughout.

    That is tempo, meter, key, controllers, bends and messages; a controller, bend or aftertouch that stands behind a
    note of tick 0 in its file moves with the note, which begins without it.

    Raises:
        RegionError: when a note would start before 0 or past the largest 32-bit tick.

    Examples:
        >>> later = sm.transforms.shift(melody, 4 * melody.ticks_per_quarter)
        >>> int(later.notes["onset"][0] - melody.notes["onset"][0])
        1920
    """
    onsets = score.notes["onset"].astype(np.int64) + ticks
    if len(onsets) and (onsets[0] < 0 or onsets[-1] > np.iinfo(np.int32).max):
        raise RegionError(f"cannot shift by {ticks} ticks: the first note is at {score.notes['onset'][0]}")

    behind = _behind_notes(score) if ticks > 0 else {}

    def times(name: str, times: NDArray[np.int64]) -> NDArray[np.int64]:
        stays = (times == 0) & ~behind.get(name, np.False_) if ticks > 0 else np.False_
        return np.asarray(np.where(stays, 0, np.maximum(times + ticks, 0)))

    def moved(name: str) -> Array:
        table: Array = getattr(score, name).copy()
        table["time"] = times(name, table["time"].astype(np.int64))
        return table

    notes = score.notes.copy()
    notes["onset"] = onsets
    at = times("others", np.array([other.time for other in score.others], np.int64)).tolist()
    return score.replace(
        notes=notes,
        **{name: moved(name) for name in _TIMED},
        texts=tuple(replace(t, time=max(0, t.time + ticks)) for t in score.texts),
        others=tuple(replace(other, time=time) for other, time in zip(score.others, at, strict=True)),
        source=_moved(score.source, ticks),
    )


def transpose(score: Score, semitones: int) -> Score:
    """Move all pitched notes by semitones; drums stay. Key signatures move along.

    Raises:
        RegionError: when a note would leave 0..127.

    Examples:
        >>> higher = sm.transforms.transpose(melody, 12)
        >>> set((higher.notes["pitch"] - melody.notes["pitch"]).tolist())
        {12}
    """
    notes = score.notes.copy()
    pitched = notes["channel"] != DRUM_CHANNEL
    pitch = notes["pitch"].astype(np.int64) + np.where(pitched, semitones, 0)
    if len(pitch) and (pitch.min() < 0 or pitch.max() > 127):
        raise RegionError(f"cannot transpose by {semitones}: pitches would leave 0..127")
    notes["pitch"] = pitch
    keys = score.keys.copy()
    # A semitone is seven fifths; of enharmonic signatures the one with at most six accidentals is taken.
    sharps = (keys["sharps"].astype(np.int64) + 7 * semitones + 5) % 12 - 5
    keys["sharps"] = np.where(semitones % 12 == 0, keys["sharps"], sharps)
    others = tuple(replace(o, data=_with_its_key(o, score, semitones)) for o in score.others)
    return score.replace(notes=notes, keys=keys, others=others)


def _with_its_key(other: Other, score: Score, semitones: int) -> bytes:
    """The bytes of an event; aftertouch of a key (0xA0) and the velocity that it is let go with (0x80) move with it."""
    if other.data[0] >> 4 not in (0x8, 0xA) or other.track is None or score.tracks[other.track].is_drum:
        return other.data
    return bytes([other.data[0], min(max(other.data[1] + semitones, 0), 127), other.data[2]])


def stretch(score: Score, factor: float) -> Score:
    """Play slower (factor > 1) or faster (factor < 1) by scaling the tempo map; ticks stay as they are.

    Raises:
        OptionError: when the factor is not positive, or a tempo leaves MIDI's 24 bits.

    Examples:
        >>> round(sm.transforms.stretch(song, 2.0).duration / song.duration, 3)
        2.0
    """
    if not factor > 0:
        raise OptionError(f"a stretch factor must be positive, not {factor:g}")
    tempos = score.tempos
    if not len(tempos) or tempos["time"][0] > 0:
        tempos = np.concatenate([np.array([(0, 500_000)], TEMPO), tempos])
    scaled = np.rint(tempos["microseconds"] * factor)
    if scaled.max() > 0xFFFFFF or scaled.min() < 1:
        raise OptionError(f"a stretch by {factor:g} gives a tempo that MIDI cannot write")
    tempos = tempos.copy()
    tempos["microseconds"] = scaled
    return score.replace(tempos=tempos)


def resample(score: Score, ticks_per_quarter: int) -> Score:
    """Change the ticks of a quarter: times are rounded half up, notes keep at least one tick.

    Examples:
        >>> sm.transforms.resample(song, 96).ticks_per_quarter
        96
    """
    ratio = Fraction(ticks_per_quarter, score.ticks_per_quarter)
    if ratio == 1:
        return score

    def scaled(times: Array) -> Array:
        return (2 * times.astype(np.int64) * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)

    def moved(table: Array) -> Array:
        table = table.copy()
        table["time"] = scaled(table["time"])
        return table

    notes = score.notes.copy()
    ends = scaled(notes["onset"].astype(np.int64) + notes["duration"])
    notes["onset"] = scaled(notes["onset"])
    notes["duration"] = np.where(score.notes["duration"] > 0, np.maximum(ends - notes["onset"], 1), 0)
    return score.replace(
        ticks_per_quarter=ticks_per_quarter,
        notes=notes,
        **{name: moved(getattr(score, name)) for name in _TIMED},
        texts=tuple(replace(t, time=int(scaled(np.array(t.time)))) for t in score.texts),
        others=tuple(replace(o, time=int(scaled(np.array(o.time)))) for o in score.others),
        source=_moved(score.source, 0, ratio.numerator, ratio.denominator),
    )


def select_tracks(score: Score, tracks: Iterable[int]) -> Score:
    """Select tracks, renumbered from 0 in the order given.

    Raises:
        RegionError: when a track does not exist.

    Examples:
        >>> [track.name for track in sm.transforms.select_tracks(song, [2, 0]).tracks]
        ['Bass', 'Melody']
    """
    chosen = check_tracks(score, tracks)
    new_index = np.full(len(score.tracks) + 1, -1)
    new_index[chosen] = np.arange(len(chosen))

    def of_tracks(table: Array) -> Array:
        table = table[np.isin(table["track"], chosen)].copy()
        table["track"] = new_index[table["track"]]
        return table

    texts: list[Text] = []
    for text in score.texts:
        if text.track is None:
            texts.append(text)
        elif text.track in chosen:
            texts.append(replace(text, track=int(new_index[text.track])))
    return score.replace(
        notes=of_tracks(score.notes),
        controls=of_tracks(score.controls),
        bends=of_tracks(score.bends),
        tracks=tuple(score.tracks[i] for i in chosen),
        texts=tuple(texts),
        others=tuple(
            o if o.track is None else replace(o, track=int(new_index[o.track]))
            for o in score.others
            if o.track in chosen or (o.track is None and not o.chunk)
        ),
    )


def check_tracks(score: Score, tracks: Iterable[int]) -> list[int]:
    """Track numbers as a list without repeats; RegionError for one that does not exist.

    Examples:
        >>> sm.transforms.check_tracks(song, [2, 0, 2])
        [2, 0]
    """
    chosen = list(dict.fromkeys(int(t) for t in tracks))
    for track in chosen:
        if not 0 <= track < len(score.tracks):
            raise RegionError(f"no track {track}: this score has tracks 0 to {len(score.tracks) - 1}")
    return chosen


def merge(scores: Sequence[Score]) -> Score:
    """All tracks of several scores sounding together, under the maps of the first.

    The others are resampled to the first one's ticks; their tempo, meter and key events are left out.

    Examples:
        >>> both = sm.transforms.merge([melody, sm.transforms.transpose(melody, -12)])
        >>> len(both.tracks)
        2
    """
    if not scores:
        return Score()
    first = scores[0]
    notes, controls, bends = [first.notes], [first.controls], [first.bends]
    tracks: list[Track] = list(first.tracks)
    texts, others = list(first.texts), list(first.others)
    for other in (resample(s, first.ticks_per_quarter) for s in scores[1:]):
        for tables, table in ((notes, other.notes), (controls, other.controls), (bends, other.bends)):
            table = table.copy()
            table["track"] += len(tracks)
            tables.append(table)
        texts += [replace(t, track=t.track + len(tracks)) for t in other.texts if t.track is not None]
        others += [replace(o, track=o.track + len(tracks)) for o in other.others if o.track is not None]
        tracks += other.tracks
    return first.replace(
        notes=np.concatenate(notes),
        controls=np.concatenate(controls),
        bends=np.concatenate(bends),
        tracks=tuple(tracks),
        texts=tuple(texts),
        others=tuple(others),
    )


def concatenate(first: Score, second: Score, at: int) -> Score:
    """`first` followed by the notes of `second` moved to begin at tick `at`; track i of both is the same part.

    Examples:
        >>> twice = sm.transforms.concatenate(melody, melody, melody.ticks(8.0))
        >>> len(twice.notes) == 2 * len(melody.notes)
        True
    """
    second = shift(resample(second, first.ticks_per_quarter), at)
    tracks = first.tracks + second.tracks[len(first.tracks) :]
    return first.replace(notes=np.concatenate([first.notes, second.notes]), tracks=tracks)


def absent_from(score: Score, original: Score) -> NDArray[np.bool_]:
    """Mask of the notes of `score` that `original` does not hold, shape (notes,).

    A note is held when one of the original has its instrument, pitch and onset (to 10 ms); each stands for one.

    Examples:
        >>> higher = sm.transforms.transpose(melody, 1)
        >>> bool(sm.transforms.absent_from(higher, melody).all())
        True
    """
    held: Counter[tuple[int, int, int]] = Counter(_keys(original))
    absent = np.zeros(len(score), bool)
    for i, (instrument, pitch, time) in enumerate(_keys(score)):
        # A rounded time can fall on either side of a step's border.
        for near in (time, time - 1, time + 1):
            if held[instrument, pitch, near] > 0:
                held[instrument, pitch, near] -= 1
                break
        else:
            absent[i] = True
    return absent


def _keys(score: Score) -> list[tuple[int, int, int]]:
    times = np.rint(score.onset_seconds / _STEP).astype(np.int64)
    return list(zip(score.instruments.tolist(), score.notes["pitch"].tolist(), times.tolist(), strict=True))
