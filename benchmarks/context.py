"""Whether infilling listens: likelihood of the true notes by what is given; how written regions fit their surroundings.

python benchmarks/context.py STORE [MODEL] [--pieces N] [--split test]

Of each piece four bars are chosen, and in them one track. Likelihood: the same true notes given the past alone, the
past and the other tracks, and these and what follows. Fit: a region that the model writes, the true one, one retrieved
from the training split by its surroundings, and a random one of the same instrument. Opening: likelihood of all other
tracks beside the first one given, by the time since the piece began, without a lead-in and after one of five seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from arguments import parser_of
from result_file import row, write_result
from torch.nn import functional

import symbolic_music as sm
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.edit_examples import musical_events, rows
from symbolic_music.models import AnticipatoryTransformer, Model, load_model
from symbolic_music.models.architectures.anticipatory import EVENT, REST
from symbolic_music.score import Score

BARS, PAST, AHEAD = 4, 180, 500  # bars of a region, events before it, steps after it


@dataclass(frozen=True)
class Case:
    """A piece, the ticks of a region, and the track that is written in it."""

    score: Score
    first: int
    last: int
    track: int

    def notes(self) -> np.ndarray:
        """The true ones."""
        onset, track = self.score.notes["onset"], self.score.notes["track"]
        return self.score.notes[(onset >= self.first) & (onset < self.last) & (track == self.track)]

    def around(self) -> np.ndarray:
        """Those of the track within four bars to either side."""
        length = self.last - self.first
        onset, track = self.score.notes["onset"].astype(np.int64), self.score.notes["track"]
        near = (onset >= self.first - length) & (onset < self.last + length)
        return self.score.notes[near & ((onset < self.first) | (onset >= self.last)) & (track == self.track)]


def cases(store: NoteStore, split: str, count: int, seed: int, most: int = 1) -> list[Case]:
    """Regions of pieces of a split, in an order drawn from the seed; at most so many of a piece."""
    rng, found = np.random.default_rng(seed), list[Case]()
    for index in rng.permutation(store.splits[split]).tolist():
        score, own = store[index], 0
        bars = score.bars()
        for start in rng.permutation(np.arange(BARS, max(BARS, len(bars) - 2 * BARS))).tolist():
            first, last = int(bars[start]), int(bars[start + BARS])
            onset = score.notes["onset"]
            inside = score.notes[(onset >= first) & (onset < last)]
            inside = inside[score.instruments[(onset >= first) & (onset < last)] < 128]
            tracks, counts = np.unique(inside["track"], return_counts=True)
            full = tracks[(counts >= 8) & (counts < 100)]
            if len(full) and own < most and len(np.unique(inside["track"])) > 1:
                case = Case(score, first, last, int(rng.choice(full)))
                if len(case.around()) >= 8:
                    found.append(case)
                    own += 1
            if own == most:
                break
        if len(found) >= count:
            break
    return found[:count]


@torch.inference_mode()
def nats(model: Model, case: Case, others: bool, after: bool, alone: bool = True) -> dict[str, tuple[float, int]]:
    """Nats of the true notes in the region and their number, by part.

    Args:
        others: whether the other tracks are given in it.
        after: whether what follows is given.
        alone: whether one track is written; else all are, and `others` is of no use.
    """
    network, tempo = model.network, model.view.quarters_per_minute
    scale = 6000 / (tempo * case.score.ticks_per_quarter)
    events = musical_events(case.score, tempo)
    start, end = round(case.first * scale), round(case.last * scale)
    mine = np.ones(len(events), bool)
    if alone:
        where = case.score.notes["track"] == case.track
        own = musical_events(case.score.replace(notes=case.score.notes[where]), tempo)
        mine = np.isin(_key(events), _key(own))
    inside = (events[:, 0] >= start) & (events[:, 0] < end)
    past = np.flatnonzero(events[:, 0] < start)[-PAST:]
    kept = np.zeros(len(events), bool)
    kept[past] = True
    kept |= inside & (mine | others)
    if after:
        kept |= (events[:, 0] >= end) & (events[:, 0] <= end + AHEAD)
    control = kept & (events[:, 0] >= start) & ~(inside & mine)
    base = int(events[past[0], 0]) // 240 * 240
    chosen = events[kept] - np.array([base, 0, 0])
    table = torch.from_numpy(rows(chosen, control[kept], closes=False))[None]
    found, apart = network.losses(table), _instrument_nats(network, table)
    time, _, note, kind = table[0, 1:].unbind(-1)
    true = (kind == EVENT) & (time >= start - base) & (time < end - base)
    sounding = true & (note != REST)
    count = int(sounding.sum())
    out = {"time": float(found["time"][0][true].sum()), "duration": float(found["duration"][0][sounding].sum())}
    out["pitch"] = float((found["note"][0] - apart[0])[sounding].sum())
    out["instrument"] = float(apart[0][true].sum())
    out["whole"] = sum(float(found[part][0][true].sum()) for part in ("time", "duration", "note"))
    return {name: (value, count) for name, value in out.items()}


def _key(events: np.ndarray) -> np.ndarray:
    return (events[:, 0].astype(np.int64) << 32) + events[:, 2] * 1000 + events[:, 1]


def _instrument_nats(network: AnticipatoryTransformer, table: torch.Tensor) -> torch.Tensor:
    """The part of `losses`' note that is the instrument's."""
    states, _, now = network.states(table[:, :-1])
    time, duration, note, kind = table[:, 1:].unbind(-1)
    is_event = kind == EVENT
    gap = torch.where(is_event, time - now, 0)
    instrument = network._instruments(torch.where(is_event & (note != REST), note // 128, 129))
    logits = network.heads["instrument"](network._note_input(states, gap, duration))
    return functional.cross_entropy(logits.transpose(1, -1), instrument, reduction="none") * is_event


# -- fit ---------------------------------------------------------------------------------------------------


def classes(notes: np.ndarray) -> np.ndarray:
    """Share of each pitch class in what sounds."""
    shares = np.bincount(notes["pitch"] % 12, weights=notes["duration"].astype(float) + 1, minlength=12)
    return shares / max(shares.sum(), 1e-9)


def rhythm(notes: np.ndarray, origin: int, bar: float) -> np.ndarray:
    """Share of onsets on each sixteenth part of a bar."""
    places = np.floor((notes["onset"].astype(float) - origin) / bar * 16 + 0.5).astype(int) % 16
    shares = np.bincount(places, minlength=16).astype(float)
    return shares / max(shares.sum(), 1e-9)


def fit(case: Case, written: np.ndarray) -> dict[str, float]:
    """Agreement of notes, in the ticks of the case's score, with what surrounds its region."""
    onset = case.score.notes["onset"]
    pitched = case.score.instruments < 128
    others = case.score.notes[
        (onset >= case.first) & (onset < case.last) & pitched & (case.score.notes["track"] != case.track)
    ]
    around, bar = case.around(), (case.last - case.first) / BARS
    harmony = np.concatenate([others, around])
    if not len(written):
        return {"pitch classes": 0.0, "register": 24.0, "density": 4.0, "rhythm": 0.0}
    per_bar = len(around) / max(1, len(np.unique(((around["onset"].astype(np.int64) - case.first) // bar).astype(int))))
    return {
        "pitch classes": float(np.minimum(classes(written), classes(harmony)).sum()),
        "register": abs(float(np.median(written["pitch"])) - float(np.median(around["pitch"]))),
        "density": abs(math.log2(len(written) / BARS / per_bar)),
        "rhythm": float(np.minimum(rhythm(written, case.first, bar), rhythm(around, case.first, bar)).sum()),
    }


def laid(source: Case, target: Case) -> np.ndarray:
    """The true notes of one region, at the place of another and in its ticks."""
    notes = source.notes().copy()
    scale = (target.last - target.first) / (source.last - source.first)
    for name in ("onset", "duration"):
        notes[name] = np.rint((notes[name].astype(np.int64) - (source.first if name == "onset" else 0)) * scale)
    notes["onset"] += target.first
    return notes


def instrument(case: Case) -> int:
    """Program of the written track."""
    return int(case.notes()["program"][0])


def alike(case: Case, other: Case) -> float:
    """How near the surroundings of two regions are; what retrieval goes by."""
    harmonies = []
    for one in (case, other):
        onset = one.score.notes["onset"]
        near = (onset >= one.first) & (onset < one.last) & (one.score.instruments < 128)
        harmonies.append(classes(one.score.notes[near & (one.score.notes["track"] != one.track)]))
    density = abs(math.log2(len(case.around()) / len(other.around())))
    register = abs(float(np.median(case.around()["pitch"])) - float(np.median(other.around()["pitch"])))
    return float(np.minimum(*harmonies).sum()) - 0.2 * density - 0.02 * register


@torch.inference_mode()
def opening(model: Model, score: Score, lead_in: int) -> dict[str, tuple[float, int]]:
    """Nats of the notes given the first track, and their number, by five seconds of the model's clock.

    `lead_in`: steps at the beginning in which all tracks are given.
    """
    events = musical_events(score, model.view.quarters_per_minute)
    first = int(score.instruments[score.notes["track"] == score.notes["track"].min()][0])
    kept = (events[:, 2] // 128 == first) & (events[:, 0] >= lead_in)
    table = torch.from_numpy(rows(events, kept))[None]
    found = model.network.losses(table)
    time, _, note, kind = table[0, 1:].unbind(-1)
    out = {}
    for begin in range(0, 2000, 500):
        own = (kind == EVENT) & (time >= max(begin, lead_in)) & (time < begin + 500)
        whole = sum(float(found[part][0][own].sum()) for part in ("time", "duration", "note"))
        out[f"{begin // 100} to {begin // 100 + 5} s"] = (whole, int((own & (note != REST)).sum()))
    return out


def main() -> None:
    parser = parser_of("store", pieces=40, split="test", name="context")
    parser.add_argument("model", nargs="?", default="multitrack")
    asked = parser.parse_args()
    store, model = NoteStore(asked.store), load_model(asked.model)
    chosen = cases(store, asked.split, asked.pieces, seed=1)
    print(f"{len(chosen)} regions")
    table = []
    conditions = {
        "one track, past alone": (False, False, True),
        "one track, past and other tracks": (True, False, True),
        "one track, past, other tracks and what follows": (True, True, True),
        "all tracks, past alone": (False, False, False),
        "all tracks, past and what follows": (False, True, False),
    }
    for name, (others, after, alone) in conditions.items():
        sums: dict[str, list[float]] = {}
        for case in chosen:
            for part, (value, count) in nats(model, case, others, after, alone).items():
                total = sums.setdefault(part, [0.0, 0])
                total[0] += value
                total[1] += count
        parts = ("pitch", "duration") if alone else ("whole", "pitch")
        table += [row(f"{name}: {part}", sums[part][0] / sums[part][1], "nats/note") for part in parts]
    for name, lead_in in (("no lead-in", 0), ("lead-in of 5 s", 500)):
        spans: dict[str, list[float]] = {}
        for index in store.splits[asked.split].tolist():
            for span, (value, count) in opening(model, store[index], lead_in).items():
                total = spans.setdefault(span, [0.0, 0])
                total[0] += value
                total[1] += count
        for span, (value, count) in spans.items():
            if count:
                table.append(row(f"given the first track, {name}, {span}", value / count, "nats/note"))
    pool = cases(store, "train", 10 * asked.pieces, seed=2, most=2)
    rng, sums2 = np.random.default_rng(3), dict[str, dict[str, list[float]]]()
    for seed, case in enumerate(chosen):
        seconds = case.score.seconds([case.first, case.last])
        result = sm.infill(case.score, float(seconds[0]), float(seconds[1]), [case.track], model, seed=seed)
        same = [one for one in pool if instrument(one) == instrument(case)]
        same = same or [one for one in pool if instrument(one) // 8 == instrument(case) // 8] or pool
        found = {
            "the model": Case(result, case.first, case.last, case.track).notes(),
            "the truth": case.notes(),
            "retrieved": laid(max(same, key=lambda one: alike(case, one)), case),
            "random": laid(same[int(rng.integers(len(same)))], case),
        }
        for name, notes in found.items():
            for metric, value in fit(case, notes).items():
                sums2.setdefault(metric, {}).setdefault(name, []).append(value)
    units = {
        "pitch classes": "shared share",
        "register": "semitones apart",
        "density": "octaves apart",
        "rhythm": "shared share",
    }
    for metric, by in sums2.items():
        means = {name: float(np.mean(values)) for name, values in by.items()}
        table += [row(metric, means["the model"], units[metric], means[peer], peer)
                  for peer in ("the truth", "retrieved", "random")]  # fmt: skip
    write_result(asked.name, len(chosen), table, f"{torch.get_num_threads()} threads used")


if __name__ == "__main__":
    main()
