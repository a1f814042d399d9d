"""Notation there and back, on music21's corpus, with music21 as the independent reader.

    python benchmarks/notation_round_trip.py [--kinds MusicXML kern ABC] [--seconds 3600] [--checked 1200] [--log FILE]

Of each file a few bars of one part are replaced by random notes, and the score is written again as MusicXML. Counted:
files that are read; files with as many bars as measures up to the last that sounds; files where the edited score comes
back exactly, note for note; measures of parts without an edit whose bytes are the document's. For as many files as
`--checked` seconds allow: files whose bar lines are those that music21 finds, and measures without an edit in which
music21 finds after all that it finds before: bar lines, pitches, ties, slurs, dynamics, lyrics, chord symbols,
articulations. Before is music21's reading of the file itself (for kern its own kern reader, which knows no slurs and
hairpins), after its reading of what we wrote. Files come in a shuffled order, as many as `--seconds` allow for each
kind. With `--log` the counts of each file are kept as JSON lines, and a later run of the same commit goes on where this
one stopped.
Results go to benchmarks/results/notation_round_trip.json, where those of other kinds stay, and with `--checked 0` those
that music21 checked.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from arguments import parser_of
from file_log import FileLog
from notation_facts import facts
from result_file import RESULTS, write_result

from symbolic_music import Score, read
from symbolic_music.errors import NotationError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io import musicxml_bytes
from symbolic_music.io.notation.source_document import NotationSource, parse_musicxml, parsed
from symbolic_music.score import note_table

KINDS = {"MusicXML": ("*.mxl", "*.xml", "*.musicxml"), "kern": ("*.krn",), "ABC": ("*.abc",)}
# music21 takes minutes for the longest files.
CHECKED_NOTES = 3000
ASPECTS = ("bar", "pitches", "ties", "slurs", "dynamics", "lyrics", "chord symbols", "articulations")


def edited(score: Score, rng: random.Random) -> Score:
    """One to three bars of one part with other notes."""
    track, bars = rng.randrange(len(score.tracks)), [*score.bars().tolist(), score.end]
    first = rng.randrange(len(bars) - 1)
    low, high = bars[first], bars[min(len(bars) - 1, first + rng.randrange(1, 4))]
    notes = score.notes
    own = notes[notes["track"] == track]
    channel = int(own["channel"][0]) if len(own) else 0
    quarter = score.ticks_per_quarter
    new = [
        (at, length, rng.randrange(48, 80), rng.choice((64, 80, 100)), score.tracks[track].program, channel, track)
        for at in range(low, high, quarter // 2)
        for length in [rng.choice((quarter // 4, quarter // 3, quarter // 2, quarter))]
        if rng.random() < 0.6 and at + length <= high
    ]
    kept = notes[~((notes["track"] == track) & (notes["onset"] >= low) & (notes["onset"] < high))]
    return score.replace(notes=np.concatenate([kept, note_table(new)]))


def table(score: Score) -> list[tuple[int, ...]]:
    """Notes in an order of their own. Of channels only drums count: a part that was silent had none."""
    names = ("onset", "duration", "pitch", "velocity", "program", "track")
    drums = (score.notes["channel"] == DRUM_CHANNEL).tolist()
    return sorted(zip(*(score.notes[name].tolist() for name in names), drums, strict=True))


def measures(document: bytes) -> dict[tuple[int, int], bytes]:
    """The bytes of each measure, by part and place."""
    root, spans, document = parsed(document)
    parts: list[Element] = root.findall("part")
    return {
        (part, place): document[slice(*spans[measure])]
        for part, element in enumerate(parts)
        for place, measure in enumerate(element.findall("measure"))
    }


def last_sounding(document: bytes) -> int:
    """The number of measures up to the last in which a note stands."""
    root, _, _ = parsed(document)
    parts: list[list[Element]] = [part.findall("measure") for part in root.findall("part")]
    return max(
        (place for part in parts for place, measure in enumerate(part, 1)
         if any(note.find("rest") is None for note in measure.findall("note"))),
        default=0,
    )  # fmt: skip


def checked(path: Path, document: bytes, same: set[tuple[int, int]], count: Counter[str]) -> None:
    """Add to the counts what music21 says of a file and of the document that we wrote."""
    try:
        bars, before = facts(str(path))
    except Exception:  # whatever music21's readers stumble on
        count["music21 does not read the file"] += 1
        return
    count["checked"] += 1
    score = read(path)
    ours = (score.bars(max(1, score.end)) / score.ticks_per_quarter).tolist()
    # A score ends with its last note; measures of rest behind it have no bar.
    bars = [bar for bar in bars if bar < score.end / score.ticks_per_quarter - 0.01]
    alike = len(ours) == len(bars) and bool(np.allclose(ours, bars, atol=0.01))
    count["bars"] += alike
    if not alike:
        print(f"{path.name}: bar lines {ours[:6]} ..., of music21 {bars[:6]} ..., {len(ours)} and {len(bars)}")
    with tempfile.NamedTemporaryFile(suffix=".musicxml") as file:
        file.write(document)
        file.flush()
        _, after = facts(file.name)
    for key in same & before.keys():
        for aspect in ASPECTS:
            rows = before[key].get(aspect, [])
            if rows:
                count[f"all {aspect}"] += 1
                lost = Counter(rows) - Counter(after.get(key, {}).get(aspect, []))
                count[f"same {aspect}"] += not lost
                if lost:
                    print(f"{path.name}: part and measure {key}: {aspect} {list(lost)[:4]}")


def one_file(path: Path, count: Counter[str], check: bool) -> None:
    """Read, edit, write, read again."""
    count["files"] += 1
    try:
        score = read(path)
    except NotationError as error:
        count["refused"] += 1
        print(f"{path.name}: {error}"[:160])
        return
    if not len(score) or not isinstance(score.source, NotationSource):
        return
    count["read"] += 1
    last = last_sounding(score.source.document)
    count["bars of measures"] += len(score.bars()) == last
    if len(score.bars()) != last:
        print(f"{path.name}: {len(score.bars())} bars, {last} measures to the last that sounds")
    rng = random.Random(path.name)
    edit = edited(score, rng)
    document = musicxml_bytes(edit)
    count["exact"] += table(parse_musicxml(document)) == table(edit)
    count["unedited identical"] += musicxml_bytes(score) == score.source.document
    before, after = measures(score.source.document), measures(document)
    same = {key for key, content in before.items() if after.get(key) == content}
    count["measures"] += len(before)
    count["measures identical"] += len(same)
    count["most changed"] = max(count["most changed"], len(before) - len(same))
    if check and len(score) <= CHECKED_NOTES:
        checked(path, document, same, count)


def share(metric: str, ours: int, of: int, unit: str = "files") -> dict[str, Any]:
    """A row: how many of how many."""
    print(f"{metric}: {ours} of {of}")
    ratio = round(ours / max(1, of), 4)
    return {"metric": metric, "ours": ours, "peer": of, "peer_name": "of", "ratio": ratio, "unit": unit}


def main() -> None:
    parser = parser_of(seconds=3600.0, checked=1200.0, log=Path)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    args = parser.parse_args()
    import music21

    log = FileLog(args.log)

    folder = Path(music21.__file__).parent / "corpus"
    rows = _not_measured(args.kinds, args.checked > 0)
    for kind in args.kinds:
        paths = sorted(path for pattern in KINDS[kind] for path in folder.rglob(pattern))
        random.Random(0).shuffle(paths)
        count: Counter[str] = Counter()
        begin = time.monotonic()
        # music21's reader of ABC has faults of its own: voices, overlays, inline fields.
        check_for = args.checked if kind != "ABC" else 0.0
        for path in paths:
            spent, name = time.monotonic() - begin, str(path.relative_to(folder))
            known = log.get(kind, name)
            own = None if known is None else Counter[str](known)
            if own is None and spent <= args.seconds:
                own = Counter[str]()
                one_file(path, own, spent < check_for)
                log.add(kind, name, own)
            most = max(count["most changed"], (own or count)["most changed"])
            count += own or Counter()
            count["most changed"] = most
        print(kind, dict(count))
        name = f"music21 corpus, {kind}"
        rows += [
            share(f"{name}: read", count["read"], count["files"]),
            share(f"{name}: written without an edit, the same bytes", count["unedited identical"], count["read"]),
            share(f"{name}: edited, written and read again, the same notes", count["exact"], count["read"]),
            share(f"{name}: measures of a part that an edit of at most three bars left byte for byte",
                  count["measures identical"], count["measures"], "measures"),
        ]  # fmt: skip
        rows.append(share(f"{name}: as many bars as measures up to the last note", count["bars of measures"],
                          count["read"]))  # fmt: skip
        if count["checked"]:
            rows.append(share(f"{name}: bar lines as music21's", count["bars"], count["checked"]))
        for aspect in ASPECTS:
            if count[f"all {aspect}"]:
                what = f"{name}: measures without an edit, {aspect} found again by music21"
                rows.append(share(what, count[f"same {aspect}"], count[f"all {aspect}"], "measures"))
        order = list(KINDS)
        rows.sort(key=lambda one: order.index(one["metric"].split(", ")[1].split(":")[0]))
        files = sum(one["peer"] for one in rows if one["metric"].endswith(": read"))
        write_result("notation_round_trip", files, rows)


def _not_measured(kinds: list[str], checked: bool) -> list[dict[str, Any]]:
    """The rows of the last run that this one does not measure; `checked`: whether it asks music21."""
    path = RESULTS / "notation_round_trip.json"
    known: list[dict[str, Any]] = json.loads(path.read_text())["rows"] if path.exists() else []
    return [
        one
        for one in known
        if not any(one["metric"].startswith(f"music21 corpus, {kind}:") for kind in kinds)
        or (not checked and ("found again by music21" in one["metric"] or "as music21's" in one["metric"]))
    ]


if __name__ == "__main__":
    main()
