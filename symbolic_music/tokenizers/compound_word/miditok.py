"""Compound words with the ids of MidiTok 3.1.0's CPWord."""

from __future__ import annotations

import numpy as np

from symbolic_music.io.midi.published_readers import as_symusic_reads
from symbolic_music.score import Score
from symbolic_music.tokenizers.bar_grid import miditok_decoding as steps
from symbolic_music.tokenizers.bar_grid import miditok_grid as grid
from symbolic_music.tokenizers.bar_grid.miditok_grid import Ints, MidiTokOptions, Stream, streams
from symbolic_music.tokenizers.base import Ids, Vocabulary
from symbolic_music.tokenizers.grammars.compound import WordGrammar
from symbolic_music.tokenizers.grammars.flat import START
from symbolic_music.tokenizers.remi import miditok as flat

IGNORE = len(flat.SPECIAL)
_FIRST = IGNORE + 1
METRIC, NOTE = IGNORE, IGNORE + 1


def field_names(options: MidiTokOptions) -> dict[str, tuple[str, ...]]:
    """Field -> names of its tokens, in order."""
    fields: dict[str, tuple[str, ...]] = {
        "time": ("Bar_None", *flat.position_names(options)),
        "pitch": (*flat.PITCH_NAMES, *flat.DRUM_NAMES),
        "velocity": flat.VELOCITY_NAMES,
        "duration": flat.DURATION_NAMES,
    }
    if options.use_programs:
        fields["program"] = flat.PROGRAM_NAMES
    if options.use_chords:
        fields["chord"] = flat.CHORD_NAMES
    if options.use_rests:
        fields["rest"] = flat.REST_NAMES
    if options.use_tempos:
        fields["tempo"] = flat.TEMPO_NAMES
    if options.use_time_signatures:
        fields["meter"] = flat.METER_NAMES
    full = {name: (*flat.SPECIAL, "Ignore_None", *names) for name, names in fields.items()}
    return {"family": (*flat.SPECIAL, "Family_Metric", "Family_Note"), **full}


class MidiTokCompound:
    """Vocabulary, grammar, encode and decode of CPWord under these options."""

    def __init__(self, options: MidiTokOptions) -> None:
        self.options = options
        self.per_track = not options.one_stream
        names = field_names(options)
        self.field = {name: i for i, name in enumerate(names)}
        self.vocabulary = Vocabulary(tuple(names.values()))
        self.grammar = _grammar(self.vocabulary, self.field, options)

    def encode(self, score: Score) -> Ids | list[Ids]:
        """Words of a score; a list of arrays where each track has its own."""
        sequences = [self._write(stream) for stream in streams(as_symusic_reads(score).without_hanging(), self.options)]
        return sequences[0] if self.options.one_stream else sequences

    def _write(self, s: Stream) -> Ids:
        field, items = self.field, s.items
        note = np.flatnonzero(~items.chord)
        note_at = s.item_at[note]
        counts = [np.bincount(at, minlength=len(s.time)) for at in (s.rest_at, s.bar_at)]
        lead = counts[0] + counts[1] + s.has_position
        notes = np.searchsorted(note_at, np.arange(len(s.time)))
        tick = np.append(0, np.cumsum(lead))[:-1] + notes
        words = np.full((int(lead.sum()) + len(note), len(field)), IGNORE, np.int32)
        words[:, 0] = METRIC

        if len(s.rest):
            nth = np.arange(len(s.rest)) - np.searchsorted(s.rest_at, s.rest_at)
            words[tick[s.rest_at] + nth, field["rest"]] = _FIRST + s.rest
        tick += counts[0]
        at = tick[s.bar_at] + np.arange(len(s.bar_at)) - np.searchsorted(s.bar_at, s.bar_at)
        words[at, field["time"]] = _FIRST
        if "meter" in field:
            words[at, field["meter"]] = _FIRST + s.bar_meter
        at = (tick + counts[1])[s.has_position]
        words[at, field["time"]] = _FIRST + 1 + s.position[s.has_position]
        if "tempo" in field:
            words[at, field["tempo"]] = _FIRST + s.tempo[s.has_position]
        if "chord" in field and len(items.time):
            # Only a chord that comes first at its tick is written: a tempo change or another part's notes hide it.
            head = np.searchsorted(s.item_at, s.item_at) == np.arange(len(s.item_at))
            shown = np.flatnonzero(items.chord & head & ~s.new_tempo[s.item_at])
            at = (tick + counts[1])[s.item_at[shown]]
            words[at, field["chord"]] = _FIRST + items.value[shown]
        at = np.cumsum(lead)[note_at] + np.arange(len(note))
        words[at, 0] = NOTE
        words[at, field["pitch"]] = _FIRST + items.value[note]
        words[at, field["velocity"]] = _FIRST + items.velocity[note]
        words[at, field["duration"]] = _FIRST + items.duration[note]
        if "program" in field:
            words[at, field["program"]] = _FIRST + items.program[note] % len(flat.PROGRAM_NAMES)  # -1 is last
        return words

    def decode(self, sequences: list[Ids]) -> Score:
        """The score of words that obey the grammar."""
        return steps.score_of([self._read(ids.astype(np.int64) - _FIRST) for ids in sequences], self.options)

    def _read(self, words: Ints) -> steps.Steps:
        field = self.field
        time, pitch = words[:, field["time"]], words[:, field["pitch"]]
        kind = np.full(len(words), steps.OTHER)
        value = np.zeros(len(words), np.int64)
        kind[time == 0] = steps.BAR
        kind[time > 0], value[time > 0] = steps.POSITION, time[time > 0] - 1
        kind[pitch >= 0], value[pitch >= 0] = steps.NOTE, words[pitch >= 0, field["duration"]]
        if "rest" in field:
            rest = words[:, field["rest"]] >= 0
            kind[rest], value[rest] = steps.REST, words[rest, field["rest"]]
        at = np.arange(len(words))
        bars = np.flatnonzero(kind == steps.BAR)
        if "meter" in field:
            # A bar word is two steps: the bar, and its meter.
            at += np.searchsorted(bars, at)
            kind = np.insert(kind, bars + 1, steps.METER_CHANGE)
            value = np.insert(value, bars + 1, words[bars, field["meter"]])
        notes = words[pitch >= 0]
        program = None
        if "program" in field:
            program = notes[:, field["program"]]
            program = np.where(program == len(flat.PROGRAM_NAMES) - 1, grid.DRUMS, program)
        tempo_at = tempo = np.zeros(0, np.int64)
        if "tempo" in field:
            rows = np.flatnonzero(time > 0)
            tempo = words[rows, field["tempo"]]
            fresh = np.append(True, tempo[1:] != tempo[:-1])[: len(tempo)]
            tempo_at, tempo = at[rows[fresh]], tempo[fresh]
        return steps.Steps(kind, value, notes[:, field["pitch"]], notes[:, field["velocity"]], program, tempo_at, tempo)


def _grammar(vocabulary: Vocabulary, field: dict[str, int], options: MidiTokOptions) -> WordGrammar:
    def form(family: str, **fields: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [(f"Family_{family}",), *(fields.get(name, ("Ignore",)) for name in list(field)[1:])]

    pitched = tuple(f"Program_{p}" for p in range(128))
    note = {"velocity": ("Velocity",), "duration": ("Duration",)}
    forms: dict[str, list[tuple[str, ...]]] = {
        "Bar": form("Metric", time=("Bar",), meter=("TimeSig",)),
        "Position": form("Metric", time=("Position",), tempo=("Tempo",), chord=("Chord", "Ignore")),
        "Note": form("Note", pitch=("Pitch",), program=pitched, **note),
        "Drum": form("Note", pitch=("PitchDrum",), program=("Program_-1",), **note),
        "BOS": [("BOS",)] * len(field),
        "EOS": [("EOS",)] * len(field),
        "PAD": [("PAD",)] * len(field),
    }
    if options.use_rests:
        forms["Rest"] = form("Metric", rest=("Rest",))
    after = tuple(f for f in ("Position", "Bar", "Rest", "EOS") if f in forms)
    follows = dict.fromkeys(("Position", "Note", "Drum"), ("Note", "Drum", *after))
    # A rest may stand where the first bar would, unless that bar has a meter to name.
    first = after if options.use_rests and not options.use_time_signatures else ("Bar", "EOS")
    follows |= {START: ("BOS", *first), "BOS": first, "Bar": after, "EOS": ("PAD",), "PAD": ("PAD",)}
    if options.use_rests:
        follows["Rest"] = after
    constant = flat.positions(options)
    timed = options.use_time_signatures
    return WordGrammar(
        vocabulary,
        forms,
        follows,
        time_field=field["time"],
        capacity=flat.capacity if timed else constant,
        meter_field=field["meter"] if timed else None,
        resets=("Bar", "Rest"),
        # A rest may cross a bar line with a meter change, which then is not written.
        loosens=("Rest",),
        # As in `remi.miditok`.
        repeats=True,
    )
