"""Directions of MusicXML: tempo, dynamics, hairpins, pedal, words and jumps."""

from __future__ import annotations

from fractions import Fraction
from xml.etree.ElementTree import Element

from symbolic_music.io.notation.checked_numbers import number
from symbolic_music.io.notation.written_music import Measure, Part, Written

# Velocities of the marks, in equal steps around mf = 80, which is also what is played where nothing is written.
MARKS = {
    "pppppp": 4, "ppppp": 7, "pppp": 10, "ppp": 16, "pp": 32, "p": 48, "mp": 64, "mf": 80, "f": 96, "ff": 112,
    "fff": 124, "ffff": 126, "fffff": 127, "ffffff": 127, "n": 1,
}  # fmt: skip
# Marks of one note only, which is played so; fp and sfp go on as piano.
_SUDDEN = {"sf": 112, "sfz": 112, "sffz": 124, "fz": 112, "rf": 108, "rfz": 108, "sfzp": 112, "sfp": 112, "sfpp": 112,
           "fp": 96, "pf": 48}  # fmt: skip
_AFTER = {"fp": 48, "sfp": 48, "sfzp": 48, "sfpp": 32, "pf": 96}
_QUARTERS = {
    "breve": Fraction(8), "whole": Fraction(4), "half": Fraction(2), "quarter": Fraction(1), "eighth": Fraction(1, 2),
    "16th": Fraction(1, 4), "32nd": Fraction(1, 8), "64th": Fraction(1, 16),
}  # fmt: skip
_JUMPS = ("segno", "coda", "dacapo", "dalsegno", "tocoda", "fine")


def read_direction(direction: Element, at: int, measure: Measure, part: Part, out: Written) -> None:
    """Add what a `direction` element says to a measure, at this tick of it."""
    sound = direction.find("sound")
    tempo_said = sound is not None and sound.get("tempo") is not None
    loudness_said = sound is not None and number(sound.get("dynamics")) is not None
    for kind in direction.iterfind("direction-type"):
        for mark in kind:
            if mark.tag == "dynamics":
                for level in mark:
                    if not loudness_said or level.tag in _SUDDEN:
                        _dynamics(level, at, measure)
            elif mark.tag == "wedge":
                rising = {"crescendo": 1, "diminuendo": -1, "stop": 0}.get(mark.get("type", ""))
                if rising is not None:
                    measure.hairpins.append((at, rising))
            elif mark.tag == "metronome" and not tempo_said:
                tempo = _metronome(mark)
                if tempo is not None:
                    measure.tempos.append((at, tempo))
            elif mark.tag in ("rehearsal", "words"):
                text = " ".join((mark.text or "").split())
                if text:
                    measure.texts.append((at, text, "marker" if mark.tag == "rehearsal" else "text", 1))
            elif mark.tag == "pedal":
                pressed = {"start": (127,), "stop": (0,), "change": (0, 127), "resume": (127,), "discontinue": (0,)}
                measure.pedals += [(at, value) for value in pressed.get(mark.get("type", ""), ())]
            elif mark.tag in ("segno", "coda"):
                measure.jumps.add(mark.tag)
            elif mark.tag in ("harp-pedals", "scordatura", "accordion-registration"):
                out.miss(mark.tag.replace("-", " "))
    if sound is not None:
        read_sound(sound, at, measure, part)


def read_sound(sound: Element, at: int, measure: Measure, part: Part) -> None:
    """Add what a `sound` element says: tempo, loudness, jumps, instruments of the part."""
    tempo, loudness = number(sound.get("tempo")), number(sound.get("dynamics"))
    if tempo is not None and tempo > 0:
        measure.tempos.append((at, float(tempo)))
    if loudness is not None and loudness >= 0:
        measure.dynamics.append((at, max(1, min(127, round(loudness * Fraction(9, 10))))))
    for jump in _JUMPS:
        if sound.get(jump) is not None:
            measure.jumps.add(jump)
    pedal = sound.get("damper-pedal")
    if pedal in ("yes", "no"):
        measure.pedals.append((at, 127 if pedal == "yes" else 0))


def _dynamics(level: Element, at: int, measure: Measure) -> None:
    name = (level.text or "").strip() if level.tag == "other-dynamics" else level.tag
    if name in MARKS:
        measure.dynamics.append((at, MARKS[name]))
    elif name in _SUDDEN:
        measure.dynamics.append((at, -_SUDDEN[name]))
        if name in _AFTER:
            measure.dynamics.append((at + 1, _AFTER[name]))


def _metronome(mark: Element) -> float | None:
    """Quarters a minute; None for a metric modulation, or a text in the place of the number."""
    units = [_QUARTERS.get((unit.text or "").strip()) for unit in mark.iterfind("beat-unit")]
    speed = number(mark.findtext("per-minute"))
    if len(units) != 1 or units[0] is None or speed is None or speed <= 0:
        return None
    length = units[0]
    for dot in range(len(mark.findall("beat-unit-dot"))):
        length += units[0] / 2 ** (dot + 1)
    return float(speed * length)
