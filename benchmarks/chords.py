"""How far a region model follows the chords and the key that it is conditioned on.

python benchmarks/chords.py STORE MODEL [--split test] [--regions 2] [--written 30] [--name chords]

Of each piece of a split some regions of four bars. First the cost of the true notes, nats a note, by what is given:
chords are the estimated ones of the whole piece. Then all pitched tracks of some regions are written anew over the
chords of the region, and over those a major third higher in another key, and the notes that begin in the chord of
their place are counted.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from arguments import arguments
from region_context import nats
from result_file import row, write_result

import symbolic_music as sm
from symbolic_music import generation
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.edits.harmony import NAMES
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.models.architectures.region_transformer import RegionTransformer
from symbolic_music.score import Score
from symbolic_music.theory import chord_classes, chord_intervals
from symbolic_music.tokenizers.region import GridEvents, arrange_edit, grid_events
from symbolic_music.tokenizers.region.arrangement import Layout
from symbolic_music.tokenizers.region.harmony import Harmony, key_around
from symbolic_music.tokenizers.region.rows import STEPS

BARS = 4


def layouts(chords: list[tuple[int, str]], key: int | None) -> dict[str, Layout]:
    """What may be given, by name."""
    told = Harmony(tuple(chords))
    return {
        "everything": Layout(),
        "everything and chords": Layout(harmony=told),
        "everything and key": Layout(harmony=Harmony(key=key)),
        "nothing": Layout(alone=True),
        "chords alone": Layout(alone=True, harmony=told),
        "chords and key alone": Layout(alone=True, harmony=Harmony(tuple(chords), key)),
    }


def moved(name: str, semitones: int) -> str:
    """A chord some semitones higher."""
    if name == "-":
        return name
    root = chord_intervals(name)[0]
    return NAMES[(root + semitones) % 12] + name[2 if name[1:2] in ("#", "b") else 1 :]


def in_chord(onsets: np.ndarray, pitches: np.ndarray, chords: list[tuple[int, str]]) -> tuple[int, int]:
    """How many notes begin in the chord of their place, and how many begin where there is one."""
    good = total = 0
    for (tick, name), (after, _) in pairwise([*chords, (1 << 60, "-")]):
        own = (onsets >= tick) & (onsets < after)
        classes = chord_classes(name)
        if classes:
            good += int(np.isin(pitches[own] % 12, classes).sum())
            total += int(own.sum())
    return good, total


def region_chords(score: Score, first: int, semitones: int) -> tuple[list[tuple[int, str]], list[tuple[float, str]]]:
    """The chords of a region by their ticks, and by their bars, so many semitones higher."""
    lines, numbers = score.bars(), score.numbers()
    start, end = int(lines[first]), int(lines[first + BARS])
    changes = list(sm.edits.chord_changes(score))
    held = [(start, name) for tick, name in changes if tick <= start][-1:]
    ticks = [(tick, moved(name, semitones)) for tick, name in held + [one for one in changes if start < one[0] < end]]
    bars = []
    for tick, name in ticks:
        at = int(np.searchsorted(lines, tick, side="right")) - 1
        bars.append((float(numbers[at]) + (tick - int(lines[at])) / int(lines[at + 1] - lines[at]), name))
    return ticks, bars


def written(
    score: Score, first: int, model: sm.models.Model, tracks: list[int], semitones: int | None, passing: bool
) -> tuple[int, int]:
    """The notes in the chord, of a region written over chords so many semitones higher; None: over no chords."""
    chords, bars = region_chords(score, first, semitones or 0)
    numbers = score.numbers()
    limits = sm.Limits() if semitones is None else sm.Limits(chords=tuple(bars), passing_notes=passing)
    region = generation.bars(int(numbers[first]), int(numbers[first + BARS - 1]))
    notes = generation.edit(score, [region], tracks, model, limits=limits, seed=1).finish()[0].notes
    return in_chord(notes["onset"], notes["pitch"], chords)


def region_of(events: GridEvents, rng: np.random.Generator) -> tuple[int, int]:
    """First bar of a region, and a slot with notes there."""
    at = int(rng.integers(0, len(events)))
    return int(events.bar[at]), int(events.slot[at])


def main() -> None:
    asked = arguments("store", "model", split="test", regions=2, written=30, name="chords")
    torch.set_num_threads(1)
    model = sm.load_model(asked.model, device="cpu")
    network = model.network
    assert isinstance(network, RegionTransformer)
    store, rng = NoteStore(asked.store), np.random.default_rng(0)
    costs: dict[str, float] = {}
    notes = dict[str, int]()
    pieces = store.splits[asked.split].tolist()
    for piece in pieces:
        score = store.music(piece)
        events = grid_events(score)
        scale = STEPS / score.ticks_per_quarter
        chords = [(round(tick * scale), name) for tick, name in sm.edits.chord_changes(score)]
        for _ in range(asked.regions):
            first, slot = region_of(events, rng)
            if events.slot_instruments[slot] >= 128:
                continue
            bars = (first, min(first + BARS, len(events.bar_starts)))
            span = events.edge(bars[0]), events.edge(bars[1])
            for name, layout in layouts(chords, key_around(events, [bars])).items():
                cost, count = nats(network, arrange_edit(events, [span], [slot], network.config.window, layout))
                costs[name], notes[name] = costs.get(name, 0.0) + cost, notes.get(name, 0) + count
    rows = [row(f"cost of a region, given {name}", cost / notes[name], "nats a note") for name, cost in costs.items()]
    systems = {
        "no chords": (None, False),
        "its chords, conditioned": (0, True),
        "its chords, conditioned and limited": (0, False),
        "chords a third higher, conditioned": (4, True),
    }
    counts = {name: np.zeros(2) for name in ("the song itself", *systems)}
    done = 0
    for piece in rng.permutation(pieces).tolist():
        score = store.music(piece)
        lines = score.bars()
        pitched = sorted(set(score.notes["track"][score.instruments < 128].tolist()))
        if len(lines) < 3 * BARS or len(pitched) < 2:
            continue
        first = int(rng.integers(BARS, len(lines) - 2 * BARS))
        span = (score.notes["onset"] >= lines[first]) & (score.notes["onset"] < lines[first + BARS])
        playing = sorted(set(score.notes["track"][span & (score.instruments < 128)].tolist()))
        if len(playing) < 2:
            continue
        try:
            found = {name: written(score, first, model, playing, *how) for name, how in systems.items()}
        except SymbolicMusicError as error:
            print(f"{store.piece(piece).source}: {error}")
            continue
        own = span & np.isin(score.notes["track"], playing)
        found["the song itself"] = in_chord(
            score.notes["onset"][own], score.notes["pitch"][own], region_chords(score, first, 0)[0]
        )
        for name, pair in found.items():
            counts[name] += pair
        done += 1
        if done == asked.written:
            break
    rows += [row(f"notes in the chord: {name}", good / total, "share") for name, (good, total) in counts.items()]
    write_result(asked.name, f"{notes['everything']} notes, {done} regions written", rows)


if __name__ == "__main__":
    main()
