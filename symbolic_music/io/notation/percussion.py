"""Drums on a staff: staff lines and note heads of General MIDI's percussion keys.

Source: N. Weinberg, Guide to Standardized Drumset Notation (1998), which most notation programs follow.
"""

from __future__ import annotations

from symbolic_music.general_midi import DRUMS

# Side stick: what is struck where nothing says what.
_UNKNOWN = 37
# (step and octave as in a treble clef, whether the head is a cross or the like): key
_PLACES = {
    ("D4", True): 44, ("F4", False): 36, ("E4", False): 35, ("G4", False): 43, ("A4", False): 41, ("B4", False): 45,
    ("C5", False): 38, ("C5", True): 37, ("D5", False): 47, ("E5", False): 48, ("F5", False): 50, ("F5", True): 51,
    ("G5", True): 42, ("A5", True): 49, ("B5", True): 55, ("E5", True): 56, ("D5", True): 53, ("G5", False): 50,
    ("B4", True): 54,
}  # fmt: skip
# Where each key is written, for writing: the first place of a key, and for the others the nearest in kind.
_LIKE = {40: 38, 39: 37, 46: 42, 52: 49, 57: 49, 59: 51}
_WORDS = {
    "bass drum": 36, "kick": 36, "snare": 38, "side stick": 37, "rim": 37, "closed hi": 42, "open hi": 46,
    "pedal hi": 44, "hi-hat": 42, "hi hat": 42, "hihat": 42, "crash": 49, "ride": 51, "splash": 55, "china": 52,
    "cowbell": 56, "tambourine": 54, "triangle": 81, "clap": 39, "claves": 75, "wood block": 76, "woodblock": 76,
    "maracas": 70, "shaker": 70, "cabasa": 69, "conga": 63, "bongo": 60, "timbale": 65, "agogo": 67, "guiro": 73,
    "vibraslap": 58, "cymbal": 49, "floor tom": 43, "low tom": 45, "mid tom": 47, "high tom": 50, "tom": 47,
    "tam-tam": 52, "gong": 52, "drum": 38,
}  # fmt: skip
_BY_NAME = {name.lower(): key for key, name in DRUMS.items()}


def drum_of_name(name: str) -> int | None:
    """The key of a drum that is named so, or whose name says what kind it is."""
    name = name.lower().strip()
    if name in _BY_NAME:
        return _BY_NAME[name]
    return next((key for word, key in _WORDS.items() if word in name), None)


def drum_of_place(step: str, octave: int | None, head: str, name: str) -> int:
    """The key of an unpitched note: by its instrument's name, else by its place and note head, else a side stick."""
    named = drum_of_name(name)
    if named is not None:
        return named
    cross = head in ("x", "cross", "circle-x", "diamond", "triangle", "circled", "slash")
    place = f"{step}{octave}"
    return _PLACES.get((place, cross), _PLACES.get((place, not cross), _UNKNOWN))


def place_of_drum(key: int) -> tuple[str, int, str]:
    """(step, octave, note head) at which a key is written; keys off the drum set stand on the middle line."""
    key = _LIKE.get(key, key)
    for (place, cross), found in _PLACES.items():
        if found == key:
            return place[0], int(place[1]), "x" if cross else "normal"
    return "C", 5, "triangle"
