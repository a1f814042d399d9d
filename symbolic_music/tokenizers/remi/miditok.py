"""REMI with the ids of MidiTok 3.1.0."""

from __future__ import annotations

import numpy as np

from symbolic_music.io.midi.published_readers import as_symusic_reads
from symbolic_music.score import Score
from symbolic_music.tokenizers.bar_grid import miditok_decoding as steps
from symbolic_music.tokenizers.bar_grid import miditok_grid as grid
from symbolic_music.tokenizers.bar_grid.miditok_grid import Ints, MidiTokOptions, Stream, streams
from symbolic_music.tokenizers.bar_grid.miditok_rests import RESTS
from symbolic_music.tokenizers.base import Ids, Vocabulary
from symbolic_music.tokenizers.chords.miditok import QUALITIES
from symbolic_music.tokenizers.grammars.flat import START, FlatGrammar

SPECIAL = ("PAD_None", "BOS_None", "EOS_None", "MASK_None")
PITCH_NAMES = tuple(f"Pitch_{i}" for i in range(grid.PITCHES[0], grid.PITCHES[1] + 1))
DRUM_NAMES = tuple(f"PitchDrum_{i}" for i in range(grid.DRUM_PITCHES[0], grid.DRUM_PITCHES[1] + 1))
VELOCITY_NAMES = tuple(f"Velocity_{v}" for v in grid.VELOCITIES)
DURATION_NAMES = tuple("Duration_" + ".".join(map(str, d)) for d in grid.DURATIONS)
CHORD_NAMES = tuple(f"Chord_{name}" for name in QUALITIES)
REST_NAMES = tuple("Rest_" + ".".join(map(str, r)) for r in RESTS)
TEMPO_NAMES = tuple(f"Tempo_{tempo}" for tempo in grid.TEMPOS.tolist())
PROGRAM_NAMES = tuple(f"Program_{p}" for p in (*range(128), grid.DRUMS))
METER_NAMES = tuple(f"TimeSig_{n}/{d}" for n, d in grid.METERS)


def positions(options: MidiTokOptions) -> int:
    """Positions in the vocabulary: of the longest numerator in beats."""
    beats = max(n for n, _ in grid.METERS) if options.use_time_signatures else 4
    return beats * grid.POSITIONS_A_BEAT


def position_names(options: MidiTokOptions) -> tuple[str, ...]:
    """Names of all positions."""
    return tuple(f"Position_{i}" for i in range(positions(options)))


def capacity(meter: str) -> int:
    """Positions of a bar: 8 a beat, whatever the beat."""
    return int(meter.partition("/")[0]) * grid.POSITIONS_A_BEAT


class MidiTokRemi:
    """Vocabulary, grammar, encode and decode of REMI under these options."""

    def __init__(self, options: MidiTokOptions) -> None:
        self.options = options
        self.per_track = not options.one_stream
        blocks = {
            "special": SPECIAL,
            "bar": ("Bar_None",),
            "pitch": PITCH_NAMES,
            "velocity": VELOCITY_NAMES,
            "duration": DURATION_NAMES,
            "position": position_names(options),
            "drum": DRUM_NAMES,
            "chord": CHORD_NAMES if options.use_chords else (),
            "rest": REST_NAMES if options.use_rests else (),
            "tempo": TEMPO_NAMES if options.use_tempos else (),
            "program": PROGRAM_NAMES if options.use_programs else (),
            "meter": METER_NAMES if options.use_time_signatures else (),
        }
        self.vocabulary = Vocabulary((sum(blocks.values(), ()),))
        first = np.cumsum([0, *(len(block) for block in blocks.values())]).tolist()
        self.first = dict(zip(blocks, first, strict=False))
        self._names = [name for name, block in blocks.items() if block]
        self._starts = np.array([self.first[name] for name in self._names])
        self._kind = np.array([_KINDS.get(name, steps.OTHER) for name in self._names])
        self._pitch = np.append(
            self.first["pitch"] + np.arange(len(PITCH_NAMES)), self.first["drum"] + np.arange(len(DRUM_NAMES))
        )
        self.grammar = _grammar(self.vocabulary, options)

    def encode(self, score: Score) -> Ids | list[Ids]:
        """Ids of a score; a list of them where each track has its own."""
        sequences = [self._write(stream) for stream in streams(as_symusic_reads(score).without_hanging(), self.options)]
        return sequences[0] if self.options.one_stream else sequences

    def _write(self, s: Stream) -> Ids:
        first, options = self.first, self.options
        per_bar = 2 if options.use_time_signatures else 1
        names_program = int(options.use_programs)
        # Tokens of each tick before its items, and of each item.
        lead = np.bincount(s.rest_at, minlength=len(s.time))
        rest_count = lead
        lead = lead + per_bar * np.bincount(s.bar_at, minlength=len(s.time))
        lead = lead + s.orphan + s.has_position + s.new_tempo
        size = np.where(s.items.chord, 1, 3) + names_program
        before = np.append(0, np.cumsum(size))
        tick = np.append(0, np.cumsum(lead))[:-1] + before[np.searchsorted(s.item_at, np.arange(len(s.time)))]
        out = np.empty(int(lead.sum() + before[-1]), np.int32)

        if len(s.rest):
            nth = np.arange(len(s.rest)) - np.searchsorted(s.rest_at, s.rest_at)
            out[tick[s.rest_at] + nth] = first["rest"] + s.rest
        tick += rest_count
        nth = np.arange(len(s.bar_at)) - np.searchsorted(s.bar_at, s.bar_at)
        at = tick[s.bar_at] + per_bar * nth
        out[at] = first["bar"]
        if options.use_time_signatures:
            out[at + 1] = first["meter"] + s.bar_meter
        tick += per_bar * np.bincount(s.bar_at, minlength=len(s.time))
        out[tick[s.orphan]] = first["meter"] + s.meter[s.orphan]
        tick += s.orphan
        out[tick[s.has_position]] = first["position"] + s.position[s.has_position]
        tick += s.has_position
        out[tick[s.new_tempo]] = first["tempo"] + s.tempo[s.new_tempo]

        at = before[:-1] + np.cumsum(lead)[s.item_at]
        if names_program:
            out[at] = first["program"] + s.items.program % len(PROGRAM_NAMES)  # -1 is last
            at += 1
        if options.use_chords:
            chord = s.items.chord
            out[at[chord]] = first["chord"] + s.items.value[chord]
            note = ~chord
            at, value = at[note], s.items.value[note]
            velocity, duration = s.items.velocity[note], s.items.duration[note]
        else:
            value, velocity, duration = s.items.value, s.items.velocity, s.items.duration
        out[at] = self._pitch[value]
        out[at + 1] = first["velocity"] + velocity
        out[at + 2] = first["duration"] + duration
        return out

    def decode(self, sequences: list[Ids]) -> Score:
        """The score of sequences that obey the grammar. An unfinished note at the end is left out."""
        return steps.score_of([self._read(ids.astype(np.int64)) for ids in sequences], self.options)

    def _read(self, ids: Ints) -> steps.Steps:
        first = self.first
        block = np.searchsorted(self._starts, ids, side="right") - 1
        kind = self._kind[block]
        value = ids - self._starts[block]
        notes = np.flatnonzero(kind == steps.NOTE)
        # The last note may lack its duration: a Duration token is the note's step.
        pitch = ids[notes - 2]
        pitch = np.where(pitch >= first["drum"], pitch - first["drum"] + len(PITCH_NAMES), pitch - first["pitch"])
        program = None
        if self.options.use_programs:
            program = ids[notes - 3] - first["program"]
            program = np.where(program == len(PROGRAM_NAMES) - 1, grid.DRUMS, program)
        tempo_at = np.zeros(0, np.int64)
        if self.options.use_tempos:
            tempo_at = np.flatnonzero(block == self._names.index("tempo"))
        return steps.Steps(
            kind=kind,
            value=value,
            pitch=pitch,
            velocity=ids[notes - 1] - first["velocity"],
            program=program,
            tempo_at=tempo_at,
            tempo=value[tempo_at],
        )


_KINDS = {
    "bar": steps.BAR,
    "meter": steps.METER_CHANGE,
    "position": steps.POSITION,
    "rest": steps.REST,
    "duration": steps.NOTE,
}


def _grammar(vocabulary: Vocabulary, options: MidiTokOptions) -> FlatGrammar:
    pitches = ("Pitch", "PitchDrum")
    items = ("Program",) if options.use_programs else (*pitches, "Chord")
    after = ("Position", "Bar", "Rest", "EOS")
    # A rest may stand where the first bar would, unless that bar has a meter to name.
    first = after if options.use_rests and not options.use_time_signatures else ("Bar", "EOS")
    follows = {
        START: ("BOS", *first),
        "BOS": first,
        "Bar": ("TimeSig",) if options.use_time_signatures else after,
        "TimeSig": after,
        "Rest": ("TimeSig", *after),
        "Position": ("Tempo", *items),
        "Tempo": (*items, *after),
        "Program": (*pitches, "Chord"),
        "Chord": (*items, *after),
        "Pitch": ("Velocity",),
        "PitchDrum": ("Velocity",),
        "Velocity": ("Duration",),
        "Duration": (*items, *after),
        "EOS": ("PAD",),
        "PAD": ("PAD",),
    }
    constant = positions(options)
    # MidiTok keeps the finer ticks of a meter in eighths that another meter overrules at its own tick. Two ticks are
    # then one position, which may be named twice.
    return FlatGrammar(
        vocabulary,
        follows,
        capacity if options.use_time_signatures else constant,
        repeats=True,
        by_program=options.use_programs,
    )
