"""Small MusicXML documents, and what a score says in quarters."""

from __future__ import annotations

from symbolic_music.score import Score

Bars = list[str | tuple[str, str]]


def document(*parts: tuple[str, str, Bars]) -> bytes:
    """Parts are (name, instruments with {id}, bars); a bar is what it holds, or its attributes and what it holds."""
    heads, bodies = [], []
    for i, (name, instruments, bars) in enumerate(parts, 1):
        heads.append(
            f'<score-part id="P{i}"><part-name>{name}</part-name>{instruments.replace("{id}", f"P{i}")}</score-part>'
        )
        said = [bar if isinstance(bar, tuple) else (f'number="{k}"', bar) for k, bar in enumerate(bars, 1)]
        inner = "\n".join(f"<measure {attributes}>{held}</measure>" for attributes, held in said)
        bodies.append(f'<part id="P{i}">\n{inner}\n</part>'.replace("{id}", f"P{i}"))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<score-partwise version="4.0"><part-list>'
        f"{''.join(heads)}</part-list>{''.join(bodies)}</score-partwise>"
    ).encode()


def start(beats: int = 4, kind: int = 4, more: str = "", divisions: int = 2) -> str:
    """The attributes of a first bar."""
    time = f"<time><beats>{beats}</beats><beat-type>{kind}</beat-type></time>"
    return f"<attributes><divisions>{divisions}</divisions><key><fifths>0</fifths></key>{time}{more}</attributes>"


def note(name: str, eighths: int = 2, inside: str = "", before: str = "", sounds: str = "") -> str:
    """A note such as C4 or F#3, or a rest (r). `before` stands in front of the pitch, `inside` behind the voice."""
    if name == "r":
        pitch = "<rest/>"
    else:
        alter = {"#": "<alter>1</alter>", "b": "<alter>-1</alter>"}.get(name[1:-1], "")
        pitch = f"<pitch><step>{name[0]}</step>{alter}<octave>{name[-1]}</octave></pitch>"
    duration = "" if "<grace" in before else f"<duration>{eighths}</duration>"
    return f"<note>{before}{pitch}{duration}{sounds}<voice>1</voice>{inside}</note>"


def line(names: str, eighths: int = 2) -> str:
    """Notes one after the other."""
    return "".join(note(name, eighths) for name in names.split())


def instrument(program: int) -> str:
    """An instrument with a program, from 0."""
    return (
        '<score-instrument id="{id}-I1"><instrument-name>x</instrument-name></score-instrument>'
        f'<midi-instrument id="{{id}}-I1"><midi-program>{program + 1}</midi-program></midi-instrument>'
    )


def drums(*keys: int) -> str:
    """Instruments that strike these keys."""
    names = "".join(
        f'<score-instrument id="{{id}}-K{k}"><instrument-name>x</instrument-name></score-instrument>' for k in keys
    )
    return names + "".join(
        f'<midi-instrument id="{{id}}-K{k}"><midi-channel>10</midi-channel><midi-unpitched>{k + 1}</midi-unpitched>'
        "</midi-instrument>"
        for k in keys
    )


def drum(key: int, place: str = "C5", eighths: int = 2) -> str:
    """A drum stroke on a place of the staff."""
    return (
        f"<note><unpitched><display-step>{place[0]}</display-step><display-octave>{place[1]}</display-octave>"
        f'</unpitched><duration>{eighths}</duration><instrument id="{{id}}-K{key}"/><voice>1</voice></note>'
    )


def played(score: Score, track: int | None = None) -> list[tuple[float, float, int]]:
    """(onset and length in quarters, pitch), in order."""
    notes = score.notes if track is None else score.notes[score.notes["track"] == track]
    quarter = score.ticks_per_quarter
    rows = zip(notes["onset"].tolist(), notes["duration"].tolist(), notes["pitch"].tolist(), strict=True)
    return sorted((round(onset / quarter, 3), round(length / quarter, 3), pitch) for onset, length, pitch in rows)


def lines(score: Score) -> list[float]:
    """Bar lines in quarters."""
    return [line / score.ticks_per_quarter for line in score.bars().tolist()]
