"""How the parts of a band fit each other that a region model writes: one after another, at once, and in the songs.

python benchmarks/bands.py STORE MODEL [--songs 20] [--tasks accompanied,added] [--apart] [--name bands]

Songs of the validation and test splits with drums and three to eight tracks. Four bars of all tracks are rewritten;
eight bars are added after an excerpt; sixteen bars are written around the highest track. Parts are written at once
where limits count their notes together: a limit of 128 notes at once limits nothing else; `--apart` leaves that out.
Each written track is measured by itself, as edits in context are. Of accompaniments it is also measured how thick they
are and what the bass plays, and of drums and a bass that are added to the whole song over eight bars how they end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from arguments import arguments
from band_measures import BASSES, at_the_end, bass_line, thickness
from result_file import row, write_result
from task_pages import kept_track, within
from tqdm import tqdm

import symbolic_music as sm
from symbolic_music import generation
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.evaluation.context import Case, EditRegion
from symbolic_music.evaluation.context.metrics import measure
from symbolic_music.generation import Region
from symbolic_music.score import Score

REWRITTEN, ADDED, AROUND = 4, 8, 16
SYSTEMS = {"one after another": sm.Limits(), "at once": sm.Limits(polyphony=128)}
FIGURES = {
    "pitched": {
        "in_chord": "in chord", "clashes": "clash", "likeness_rhythm": "rhythm like", "likeness_rhythm_pitch":
        "rhythm and pitches like",
    },
    "drums": {"likeness": "drums like"},
}  # fmt: skip
Writes = Callable[[sm.Limits], Score]


def songs(store: NoteStore, count: int) -> Iterator[tuple[Score, int]]:
    """Songs, and a bar, from 1, in their middle."""
    rng, found = np.random.default_rng(0), 0
    for piece in rng.permutation([*store.splits["validation"].tolist(), *store.splits["test"].tolist()]).tolist():
        song = store.music(piece)
        if len(song.bars()) < 40:
            continue
        first = int(rng.integers(13, len(song.bars()) - 20))
        part = within(song, first, first + REWRITTEN)
        tracks = np.unique(part.notes["track"]).tolist()
        if 3 <= len(tracks) <= 8 and any(song.tracks[track].is_drum for track in tracks) and len(part) >= 30:
            yield song, first
            found += 1
            if found == count:
                return


def tasks(song: Score, first: int, model: sm.models.Model, seed: int) -> dict[str, tuple[Score, int, int, Writes]]:
    """By name: the piece as it is, first bar and number of the bars that are measured, from 1, and what writes them."""
    prompt, around = within(song, 1, first), within(song, first, first + AROUND)
    lines = song.bars(song.end + 1)
    region = Region(*(int(lines[first - 1 + at]) / song.ticks_per_quarter for at in (0, REWRITTEN)), "beats")

    def rewritten(limits: sm.Limits) -> Score:
        session = generation.edit(song, [region], None, model, seed=seed, limits=limits, best_of=None)
        return session.finish()[0].score

    def continued(limits: sm.Limits) -> Score:
        return generation.continue_bars(prompt, ADDED, model=model, seed=seed, limits=limits)

    def accompanied(limits: sm.Limits) -> Score:
        return sm.accompany(around, [kept_track(around, 5)], model, seed=seed, limits=limits)

    return {
        "rewritten": (song, first, REWRITTEN, rewritten),
        "continued": (song, first, ADDED, continued),
        "accompanied": (around, 5, AROUND // 2, accompanied),
    }


def of_the_band(score: Score, original: Score) -> dict[str, float]:
    """Figures of an accompaniment of the highest track, in its middle bars."""
    kept, lines = kept_track(original, 5), original.bars(original.end + 1)[4:][: AROUND // 2 + 1]
    others = [track for track in range(len(score.tracks)) if track != kept]
    return {**thickness(score, lines, kept), **bass_line(score, lines, kept), **at_the_end(score, lines, others)}


def of_added(song: Score, first: int, model: sm.models.Model, seed: int) -> Iterator[tuple[str, str, str, float]]:
    """Task, system, figure and value of drums and of a bass that are added, and of those of the song."""
    lines = song.bars(song.end + 1)[first - 1 : first + ADDED]
    region = [sm.bars(first, first + ADDED - 1)]
    for role in ("drums", "bass"):
        is_own = [x.is_drum if role == "drums" else not x.is_drum and x.program in BASSES for x in song.tracks]
        own = np.flatnonzero(is_own).tolist()
        new = sm.add_track(song, role=role, regions=region, model=model, seed=seed)
        for name, score, tracks in (("the songs", song, own), ("one after another", new, [len(song.tracks)])):
            found = at_the_end(score, lines, tracks)
            if role == "bass":
                melody = kept_track(song, first)
                found |= bass_line(_without(score, own) if score is new else score, lines, melody)
            for figure, value in found.items():
                yield f"{role} added", name, figure, value


def _without(score: Score, tracks: list[int]) -> Score:
    return score.replace(notes=score.notes[~np.isin(score.notes["track"], tracks)])


def measured(score: Score, original: Score, first: int, bars: int) -> list[tuple[str, str, float]]:
    """Kind, figure and value of each track that the original has in some bars."""
    lines = original.bars(original.end + 1)
    start, end = int(lines[first - 1]), int(lines[min(first - 1 + bars, len(lines) - 1)])
    own = (original.notes["onset"] >= start) & (original.notes["onset"] < end)
    out = []
    for track in np.unique(original.notes["track"][own]).tolist():
        found = measure(Case(score, EditRegion(start, end, (track,))), score)
        kind = "drums" if original.tracks[track].is_drum else "pitched"
        out += [(kind, name, found.get(name, np.nan)) for name in FIGURES[kind]]
        written = (score.notes["onset"] >= start) & (score.notes["onset"] < end) & (score.notes["track"] == track)
        ratio = (written.sum() + 1) / ((own & (original.notes["track"] == track)).sum() + 1)
        out.append((kind, "density", float(0.5 <= ratio <= 2)))
    return out


def main() -> None:
    asked = arguments(
        "store", "model", songs=20, name="bands", tasks="rewritten,continued,accompanied,added", apart=False
    )
    model, store, chosen = sm.load_model(asked.model), NoteStore(asked.store), asked.tasks.split(",")
    systems = {name: limits for name, limits in SYSTEMS.items() if name != "at once" or not asked.apart}
    values = dict[tuple[str, str, str], list[float]]()
    done = 0
    for seed, (song, first) in enumerate(tqdm(songs(store, asked.songs), total=asked.songs)):
        try:
            found = list(of_added(song, first, model, seed)) if "added" in chosen else []
            for task, (original, bar, bars, write) in tasks(song, first, model, seed).items():
                if task not in chosen:
                    continue
                results = {"the songs": original, **{name: write(limits) for name, limits in systems.items()}}
                for name, score in results.items():
                    for kind, figure, value in measured(score, original, bar, bars):
                        found.append((task, name, FIGURES[kind].get(figure, "half to twice the notes"), value))
                    if task == "accompanied":
                        found += [(task, name, *one) for one in of_the_band(score, original).items()]
        except SymbolicMusicError as error:
            print(f"song {seed}: {error}")
            continue
        for *key, value in found:
            values.setdefault((key[0], key[1], key[2]), []).append(value)
        done += 1
    rows = [row(f"{task}, {name}: {figure}", float(np.nanmean(v))) for (task, name, figure), v in values.items()]
    write_result(asked.name, f"{done} songs", rows)


if __name__ == "__main__":
    main()
