"""Names of General MIDI Level 1: the 128 programs and the percussion key map."""

from __future__ import annotations

from symbolic_music.errors import OptionError

DRUM_CHANNEL = 9
# The drum kit, beside the programs 0 to 127.
DRUM_INSTRUMENT = 128

PROGRAMS = (
    "Acoustic Grand Piano", "Bright Acoustic Piano", "Electric Grand Piano", "Honky-tonk Piano", "Electric Piano 1",
    "Electric Piano 2", "Harpsichord", "Clavinet",
    "Celesta", "Glockenspiel", "Music Box", "Vibraphone", "Marimba", "Xylophone", "Tubular Bells", "Dulcimer",
    "Drawbar Organ", "Percussive Organ", "Rock Organ", "Church Organ", "Reed Organ", "Accordion", "Harmonica",
    "Tango Accordion",
    "Acoustic Guitar (nylon)", "Acoustic Guitar (steel)", "Electric Guitar (jazz)", "Electric Guitar (clean)",
    "Electric Guitar (muted)", "Overdriven Guitar", "Distortion Guitar", "Guitar Harmonics",
    "Acoustic Bass", "Electric Bass (finger)", "Electric Bass (pick)", "Fretless Bass", "Slap Bass 1", "Slap Bass 2",
    "Synth Bass 1", "Synth Bass 2",
    "Violin", "Viola", "Cello", "Contrabass", "Tremolo Strings", "Pizzicato Strings", "Orchestral Harp", "Timpani",
    "String Ensemble 1", "String Ensemble 2", "Synth Strings 1", "Synth Strings 2", "Choir Aahs", "Voice Oohs",
    "Synth Choir", "Orchestra Hit",
    "Trumpet", "Trombone", "Tuba", "Muted Trumpet", "French Horn", "Brass Section", "Synth Brass 1", "Synth Brass 2",
    "Soprano Sax", "Alto Sax", "Tenor Sax", "Baritone Sax", "Oboe", "English Horn", "Bassoon", "Clarinet",
    "Piccolo", "Flute", "Recorder", "Pan Flute", "Blown Bottle", "Shakuhachi", "Whistle", "Ocarina",
    "Lead 1 (square)", "Lead 2 (sawtooth)", "Lead 3 (calliope)", "Lead 4 (chiff)", "Lead 5 (charang)",
    "Lead 6 (voice)", "Lead 7 (fifths)", "Lead 8 (bass + lead)",
    "Pad 1 (new age)", "Pad 2 (warm)", "Pad 3 (polysynth)", "Pad 4 (choir)", "Pad 5 (bowed)", "Pad 6 (metallic)",
    "Pad 7 (halo)", "Pad 8 (sweep)",
    "FX 1 (rain)", "FX 2 (soundtrack)", "FX 3 (crystal)", "FX 4 (atmosphere)", "FX 5 (brightness)", "FX 6 (goblins)",
    "FX 7 (echoes)", "FX 8 (sci-fi)",
    "Sitar", "Banjo", "Shamisen", "Koto", "Kalimba", "Bagpipe", "Fiddle", "Shanai",
    "Tinkle Bell", "Agogo", "Steel Drums", "Woodblock", "Taiko Drum", "Melodic Tom", "Synth Drum", "Reverse Cymbal",
    "Guitar Fret Noise", "Breath Noise", "Seashore", "Bird Tweet", "Telephone Ring", "Helicopter", "Applause",
    "Gunshot",
)  # fmt: skip

# Eight programs each.
FAMILIES = (
    "piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass", "reed", "pipe",
    "synth lead", "synth pad", "synth effects", "ethnic", "percussive", "sound effects",
)  # fmt: skip

BASSES = range(32, 40)
PIANOS_AND_GUITARS = (*range(8), *range(24, 32))

# Percussion by MIDI pitch, 35 to 81.
DRUMS = dict(enumerate((
    "Acoustic Bass Drum", "Bass Drum", "Side Stick", "Snare", "Hand Clap", "Electric Snare", "Low Floor Tom",
    "Closed Hi-Hat", "High Floor Tom", "Pedal Hi-Hat", "Low Tom", "Open Hi-Hat", "Low-Mid Tom", "High-Mid Tom",
    "Crash 1", "High Tom", "Ride 1", "Chinese Cymbal", "Ride Bell", "Tambourine", "Splash", "Cowbell", "Crash 2",
    "Vibraslap", "Ride 2", "High Bongo", "Low Bongo", "Mute High Conga", "Open High Conga", "Low Conga",
    "High Timbale", "Low Timbale", "High Agogo", "Low Agogo", "Cabasa", "Maracas", "Short Whistle", "Long Whistle",
    "Short Guiro", "Long Guiro", "Claves", "High Wood Block", "Low Wood Block", "Mute Cuica", "Open Cuica",
    "Mute Triangle", "Open Triangle",
), start=35))  # fmt: skip


# What a family's name asks for.
_TYPICAL = {
    "piano": 0, "chromatic percussion": 11, "organ": 16, "guitar": 25, "bass": 33, "strings": 48, "ensemble": 48,
    "brass": 61, "reed": 65, "pipe": 73, "synth lead": 80, "lead": 80, "synth pad": 89, "pad": 89,
    "drums": DRUM_INSTRUMENT,
}  # fmt: skip


def instrument_number(name: str) -> int:
    """A program by its number, its name or that of its family; 128 for drums.

    Raises:
        OptionError: for another name.

    Examples:
        >>> [sm.general_midi.instrument_number(name) for name in ("bass", "violin", "12", "drums")]
        [33, 40, 12, 128]
    """
    wanted = " ".join(name.split()).casefold()
    if wanted.isdecimal() and int(wanted) <= DRUM_INSTRUMENT:
        return int(wanted)
    if wanted in _TYPICAL:
        return _TYPICAL[wanted]
    names = [program.casefold() for program in PROGRAMS]
    # The shortest name that holds it: "violin" is no "synth violin".
    found = sorted((len(other), number) for number, other in enumerate(names) if wanted and wanted in other)
    if not found:
        raise OptionError(f"no instrument {name!r}: 0 to 128, a name of General MIDI, or {', '.join(_TYPICAL)}")
    return found[0][1]


def instrument_name(instrument: int) -> str:
    """Name of a program, or "Drums" for 128.

    Examples:
        >>> sm.general_midi.instrument_name(73)
        'Flute'
    """
    return "Drums" if instrument == DRUM_INSTRUMENT else PROGRAMS[instrument]


def family_name(instrument: int) -> str:
    """Name of a program's family, or "drums" for 128.

    Examples:
        >>> sm.general_midi.family_name(33)
        'bass'
    """
    return "drums" if instrument == DRUM_INSTRUMENT else FAMILIES[instrument // 8]


def drum_name(pitch: int) -> str:
    """Name of the percussion sound on this key, or "Key N" outside General MIDI's map.

    Examples:
        >>> sm.general_midi.drum_name(38)
        'Snare'
    """
    return DRUMS.get(pitch, f"Key {pitch}")


# Of MIDI 1.0, and of General MIDI 2 what it calls otherwise.
CONTROLLERS = {
    0: "bank", 1: "modulation", 2: "breath", 4: "foot pedal", 5: "portamento time", 6: "data entry", 7: "volume",
    8: "balance", 10: "pan", 11: "expression", 32: "bank, low byte", 38: "data entry, low byte", 64: "sustain pedal",
    65: "portamento", 66: "sostenuto pedal", 67: "soft pedal", 68: "legato", 69: "hold", 71: "resonance",
    72: "release time", 73: "attack time", 74: "brightness", 75: "decay time", 76: "vibrato rate", 77: "vibrato depth",
    78: "vibrato delay", 84: "portamento from", 91: "reverb", 92: "tremolo", 93: "chorus", 94: "detune", 95: "phaser",
    96: "data up", 97: "data down", 98: "unregistered parameter, low byte", 99: "unregistered parameter",
    100: "registered parameter, low byte", 101: "registered parameter", 120: "all sound off",
    121: "reset of controllers", 122: "local keyboard", 123: "all notes off", 124: "omni off", 125: "omni on",
    126: "mono", 127: "poly",
}  # fmt: skip


def controller_name(number: int) -> str:
    """What a controller is for, or "controller N" where MIDI says nothing of it.

    Examples:
        >>> sm.general_midi.controller_name(64)
        'sustain pedal'
    """
    return CONTROLLERS.get(number, f"controller {number}")
