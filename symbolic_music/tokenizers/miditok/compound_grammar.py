"""Grammars of MidiTok's encodings with several fields: CPWord, Octuple and MuMIDI.

What is promised: each word is of a form that MidiTok writes (bar, position, note, ...), forms follow each other as in
what it writes, positions do not fall within a bar (in Octuple bars do not), and PitchDrum goes with Program -1. What is
not: MuMIDI's position encodings (fields 1 and 2) may disagree with the bars and positions before; decoding does not
look at them. Special tokens but BOS, EOS and PAD do not occur.
"""

from __future__ import annotations

from typing import Any

from symbolic_music.tokenizers.base import Vocabulary
from symbolic_music.tokenizers.grammars.compound import WordGrammar
from symbolic_music.tokenizers.grammars.flat import START

_DRUMS = "Program_-1"


def word_grammar(tokenizer: Any, vocabulary: Vocabulary) -> WordGrammar:
    """The grammar of one of MidiTok's tokenizers of several vocabularies."""
    build = {"CPWord": _cpword, "Octuple": _octuple, "MuMIDI": _mumidi}[type(tokenizer).__name__]
    return build(tokenizer, vocabulary)


def _types(vocabulary: Vocabulary) -> list[set[str]]:
    """Types of the tokens of each field."""
    return [{name.partition("_")[0] for name in names} for names in vocabulary.fields]


def _specials(fields: int) -> dict[str, list[tuple[str, ...]]]:
    return {name: [(name,)] * fields for name in ("BOS", "EOS", "PAD")}


def _programs(tokenizer: Any) -> tuple[str, ...]:
    return tuple(f"Program_{program}" for program in tokenizer.config.programs if program >= 0)


def _cpword(tokenizer: Any, vocabulary: Vocabulary) -> WordGrammar:
    types = _types(vocabulary)

    def form(family: str, *wanted: str | tuple[str, ...]) -> list[tuple[str, ...]]:
        """The tokens of each field: those of the wanted tokens that it has, else Ignore."""
        fields: list[tuple[str, ...]] = [(f"Family_{family}",)]
        for known in types[1:]:
            found: list[str] = []
            for want in wanted:
                names = (want,) if isinstance(want, str) else want
                if names and names[0].partition("_")[0] in known:
                    found += names
            fields.append(tuple(found) or ("Ignore",))
        return fields

    note = ("Velocity", "Duration")
    forms = {
        "Bar": form("Metric", "Bar", "TimeSig"),
        "Position": form("Metric", "Position", "Tempo", ("Chord", "Ignore")),
        "Note": form("Note", "Pitch", *note, _programs(tokenizer)),
        **_specials(len(types)),
    }
    if tokenizer.config.use_pitchdrum_tokens:
        forms["Drum"] = form("Note", "PitchDrum", *note, (_DRUMS,))
    else:
        forms["Note"] = form("Note", "Pitch", *note, "Program")
    rests, meters = tokenizer.config.use_rests, tokenizer.config.use_time_signatures
    if rests:
        forms["Rest"] = form("Metric", "Rest")
    notes = tuple(name for name in ("Note", "Drum") if name in forms)
    after = tuple(name for name in ("Position", "Bar", "Rest", "EOS") if name in forms)
    first = after if rests and not meters else ("Bar", "EOS")
    follows: dict[str, tuple[str, ...]] = dict.fromkeys(("Position", *notes), (*notes, *after))
    follows |= {START: ("BOS", *first), "BOS": first, "Bar": after, "EOS": ("PAD",), "PAD": ("PAD",)}
    if rests:
        follows["Rest"] = after
    per_beat = tokenizer.config.max_num_pos_per_beat
    return WordGrammar(
        vocabulary,
        forms,
        follows,
        time_field=1,
        capacity=(lambda meter: int(meter.partition("/")[0]) * per_beat) if meters else 4 * per_beat,
        meter_field=next(i for i, known in enumerate(types) if "TimeSig" in known) if meters else None,
        resets=("Bar", "Rest"),
        loosens=("Rest",),
        repeats=True,
    )


def _octuple(tokenizer: Any, vocabulary: Vocabulary) -> WordGrammar:
    types = _types(vocabulary)
    whole = [tuple(sorted(known - {"PAD", "BOS", "EOS", "MASK"})) for known in types]
    # Fields that hold nothing but special tokens of the user look the same as these; a note has none of them.
    added = {name.partition("_")[0] for name in tokenizer.special_tokens}
    whole = [tuple(kind for kind in kinds if kind not in added) for kinds in whole]
    forms = {"Note": whole, **_specials(len(types))}
    if "PitchDrum" in types[0] and any("Program" in known for known in types):
        for name, pitch, programs in (("Note", "Pitch", _programs(tokenizer)), ("Drum", "PitchDrum", (_DRUMS,))):
            forms[name] = [(pitch,), *(programs if kinds == ("Program",) else kinds for kinds in whole[1:])]
    notes = tuple(name for name in ("Note", "Drum") if name in forms)
    return WordGrammar(
        vocabulary,
        forms,
        {
            START: ("BOS", *notes, "EOS"),
            "BOS": (*notes, "EOS"),
            **dict.fromkeys(notes, (*notes, "EOS")),
            "EOS": ("PAD",),
            "PAD": ("PAD",),
        },
        time_field=2,
        time_types=("Bar",),
        capacity=tokenizer.config.additional_params["max_bar_embedding"],
        resets=(),
        repeats=True,
    )


def _mumidi(tokenizer: Any, vocabulary: Vocabulary) -> WordGrammar:
    types = _types(vocabulary)

    def form(first: str | tuple[str, ...], *more: str, at_bar: bool = False) -> list[tuple[str, ...]]:
        fields: list[tuple[str, ...]] = [(first,) if isinstance(first, str) else first, ("BarPosEnc",)]
        positions = [n for n in vocabulary.fields[2] if n.startswith("PositionPosEnc") and n != "PositionPosEnc_None"]
        fields.append(("PositionPosEnc_None",) if at_bar else tuple(positions))
        for known in types[3:]:
            named = [kind for kind in ("Tempo", *more) if kind in known]
            fields.append(tuple(named) or ("PAD",))
        return fields

    forms = {
        "Bar": form("Bar", at_bar=True),
        "Position": form("Position"),
        "Program": form(_programs(tokenizer)),
        "DrumProgram": form((_DRUMS,)),
        "Note": form("Pitch", "Velocity", "Duration"),
        "Drum": form("PitchDrum", "Velocity", "Duration"),
        **_specials(len(types)),
    }
    chords = ("Chord",) if tokenizer.config.use_chords else ()
    if chords:
        forms["Chord"] = form("Chord")
    after = ("Program", "DrumProgram", "Bar", "Position", "EOS")
    return WordGrammar(
        vocabulary,
        forms,
        {
            START: ("BOS", "Bar", "EOS"),
            "BOS": ("Bar", "EOS"),
            "Bar": ("Bar", "Position", "EOS"),
            "Position": ("Program", "DrumProgram"),
            "Program": ("Note", *chords),
            "DrumProgram": ("Drum",),
            "Note": ("Note", *after),
            "Drum": ("Drum", *after),
            **({"Chord": ("Chord", "Note")} if chords else {}),
            "EOS": ("PAD",),
            "PAD": ("PAD",),
        },
        time_field=0,
        capacity=4 * tokenizer.config.max_num_pos_per_beat,
    )
