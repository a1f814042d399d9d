"""General MIDI programs from instrument names in the languages of printed scores."""

from __future__ import annotations

import re

from symbolic_music.general_midi import PROGRAMS

_EXACT = {name.lower(): program for program, name in enumerate(PROGRAMS)}
# Longer names first where one contains another.
_WORDS = (
    ("english horn", 69), ("cor anglais", 69), ("englischhorn", 69), ("french horn", 60), ("bass clarinet", 71),
    ("contrabassoon", 70), ("kontrafagott", 70), ("bassoon", 70), ("fagott", 70), ("clarinet", 71), ("klarinette", 71),
    ("piccolo", 72), ("recorder", 74), ("blockfl", 74), ("flute", 73), ("flauto", 73), ("flöte", 73), ("flauti", 73),
    ("oboe", 68), ("hautbois", 68), ("trumpet", 56), ("tromba", 56), ("trompet", 56), ("trombone", 57), ("posaune", 57),
    ("tuba", 58), ("horn", 60), ("corno", 60), ("soprano sax", 64), ("alto sax", 65), ("tenor sax", 66),
    ("baritone sax", 67), ("sax", 65), ("contrabass", 43), ("kontrabass", 43), ("double bass", 43), ("violoncell", 42),
    ("cello", 42), ("viola", 41), ("bratsche", 41), ("violin", 40), ("violon", 40), ("geige", 40), ("fiddle", 110),
    ("harpsichord", 6), ("cembalo", 6), ("clavecin", 6), ("celesta", 8), ("glockenspiel", 9), ("vibraphone", 11),
    ("marimba", 12), ("xylophone", 13), ("tubular bell", 14), ("timpani", 47), ("pauken", 47), ("harp", 46),
    ("electric guitar", 27), ("electric bass", 33), ("bass guitar", 33), ("guitar", 24), ("gitarre", 24),
    ("organ", 19), ("orgel", 19), ("accordion", 21), ("harmonica", 22), ("banjo", 105), ("ukulele", 24),
    ("mandolin", 25), ("lute", 24), ("piano", 0), ("klavier", 0), ("keyboard", 0), ("strings", 48), ("soprano", 52),
    ("mezzo", 52), ("alto", 52), ("tenor", 52), ("baritone", 52), ("bass voice", 52), ("voice", 52), ("vocal", 52),
    ("choir", 52), ("chorus", 52), ("cantus", 52), ("canto", 52), ("sopran", 52), ("bassus", 52), ("superius", 52),
)  # fmt: skip


def program_of_name(name: str) -> int | None:
    """The program that an instrument or part of this name plays; None where the name says nothing."""
    name = re.sub(r"[^\w ()]+", " ", name.lower()).strip()
    if name in _EXACT:
        return _EXACT[name]
    return next((program for word, program in _WORDS if word in name), None)
