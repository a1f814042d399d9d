"""The parameters of a voice, and one voice for each of the 128 General MIDI programs.

Levels of partials of piano, strings, winds and brass are measured on recordings (`measured_partials`). All else was
set by hand, by the usual rules of the instruments' families (spectral slope, formants, decay times).
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Voice:
    """How one instrument turns a note into harmonics, noise and envelopes. Levels in dB, times in seconds.

    A time to silence is the time of a fall by 60 dB.

    Examples:
        >>> glass = sm.synthesis.Voice("glass", slope=-6.0, pluck=0.2, decay=4.0)
        >>> glass.partials
        64
    """

    name: str
    level: float = 0.0

    # Spectrum. Harmonic k of a note at f0 has slope * log2(k) dB, plus what follows.
    slope: float = -9.0  # dB an octave
    even: float = 0.0  # dB added to the even harmonics: -20 for a closed tube
    drawbars: tuple[float, ...] = ()  # dB of harmonics 1, 2, ...; beyond them nothing
    formants: tuple[tuple[float, float, float], ...] = ()  # (Hz, dB, width in octaves)
    cutoff: float = 9000.0  # Hz, where a low-pass of 12 dB an octave begins
    pluck: float = 0.0  # where a string is plucked, as a part of its length: a comb; 0 for none
    brightness: float = 5.0  # dB an octave more from the softest to the hardest note
    ratios: tuple[float, ...] = ()  # partials over f0 that are no harmonics (bars, bells, drums); with drawbars
    inharmonicity: float = 0.0  # B of f_k = k f0 sqrt(1 + B k^2) at A3, doubling every 8 semitones up
    partials: int = 64  # at most
    measured: str = (
        ""  # levels and decays (`measured_partials`) in place of slope, even, formants, cutoff, pluck, damping
    )
    measured_at: float = 0.75  # the velocity, 0 to 1, at which the levels hold

    # Envelope.
    attack: float = 0.03
    decay: float = 0.0  # time to silence of a held A3; 0: sustains
    decay_pitch: float = 0.5  # how many times shorter an octave up: 2 ** decay_pitch
    damping: float = 0.0  # partials at 1 kHz decay 1 + damping times faster, at 2 kHz 1 + 2 damping
    aftersound: float = 0.0  # part of the sound that decays at a third of the speed (piano strings)
    release: float = 0.15  # time to silence after the note's end
    bloom: float = 0.0  # dB an octave missing at the very start, as brass and bows open up
    bloom_time: float = 0.08

    sympathy: float = -100.0  # dB of the other strings' sound at a note's onset, while the pedal lifts their dampers
    undamped: int = 128  # from this pitch up no damper ends a note

    # Movement.
    vibrato: float = 0.0  # cents, either way
    vibrato_rate: float = 5.5  # Hz
    vibrato_delay: float = 0.25
    tremolo: float = 0.0  # dB, either way
    tremolo_rate: float = 5.5
    drift: float = 0.5  # dB of slow wandering of the loudness
    unison: tuple[float, ...] = (0.0,)  # cents of the strings or players that sound together

    # Noise.
    breath: float = -100.0  # dB of steady noise under the tone
    strike: float = -100.0  # dB of the noise at the start
    strike_time: float = 0.03  # its time to silence
    noise_centre: float = 2500.0  # Hz
    noise_width: float = 2.0  # octaves


_PIANO = Voice(
    "piano", level=3.0, measured="piano", measured_at=0.3, brightness=7.0, inharmonicity=2.4e-4, attack=0.0015,
    decay=11.0, decay_pitch=0.55, aftersound=0.3, release=0.28, unison=(0.0,), drift=0.0, strike=-12.0,
    strike_time=0.28, noise_centre=300.0, noise_width=1.7, sympathy=-42.0, undamped=90,
)  # fmt: skip
_EPIANO = Voice(
    "electric piano", slope=-13.0, drawbars=(0, -16, -24, -34, -36, -44, -46, -52), ratios=(1, 2, 3, 4, 7.1, 8, 14.2,
            20),
    brightness=9.0, attack=0.002, decay=7.0, decay_pitch=0.4, damping=1.2, release=0.2, tremolo=1.2, tremolo_rate=4.5,
    strike=-34.0, strike_time=0.05,
)  # fmt: skip
_HARPSICHORD = Voice(
    "harpsichord", slope=-3.5, cutoff=9000.0, pluck=0.11, brightness=1.5, inharmonicity=1e-4, attack=0.001, decay=5.0,
    decay_pitch=0.5, damping=0.7, aftersound=0.2, release=0.12, drift=0.0, strike=-26.0, strike_time=0.04,
    noise_centre=3500.0, level=-2.0,
)  # fmt: skip
_MALLET = Voice(
    "mallet", drawbars=(0, -14, -26, -36), ratios=(1.0, 3.98, 9.2, 16.5), brightness=8.0, attack=0.001, decay=1.3,
    decay_pitch=0.6, damping=0.9, release=0.5, drift=0.0, strike=-24.0, strike_time=0.03, noise_centre=1500.0,
)  # fmt: skip
_BELL = replace(
    _MALLET, name="bell", drawbars=(0, -8, -12, -20, -26), ratios=(1.0, 2.756, 5.404, 8.933, 13.34), decay=4.0,
    decay_pitch=0.3, damping=0.15, release=1.5, strike=-34.0, noise_centre=6000.0,
)  # fmt: skip
_ORGAN = Voice(
    "organ", drawbars=(0, -2, -4, -8, -100, -12, -100, -14), brightness=0.5, attack=0.012, release=0.09, drift=0.15,
    strike=-34.0, strike_time=0.04, noise_centre=3000.0, cutoff=8000.0,
)  # fmt: skip
_CHURCH_ORGAN = Voice(
    "church organ", slope=-6.0, drawbars=(0, -3, -9, -8, -20, -14, -26, -12, -28, -22, -30, -20, -34, -32, -34, -22),
    brightness=0.5, attack=0.035, release=0.35, drift=0.2, unison=(-2.0, 1.5), breath=-52.0, strike=-34.0,
    strike_time=0.12, noise_centre=2200.0, cutoff=6500.0,
)  # fmt: skip
_REED_ORGAN = Voice(
    "reed organ", slope=-6.5, formants=((900.0, 4.0, 0.8),), brightness=2.0, attack=0.045, release=0.12, drift=0.4,
    unison=(-4.0, 4.0), cutoff=4500.0, breath=-50.0,
)  # fmt: skip
_GUITAR = Voice(
    "nylon guitar", slope=-8.0, formants=((110.0, 3.0, 0.6), (220.0, 4.0, 0.7)), cutoff=4000.0, pluck=0.22,
    brightness=9.0, inharmonicity=4e-5, attack=0.002, decay=5.0, decay_pitch=0.6, damping=1.3, aftersound=0.15,
    release=0.25, drift=0.0, strike=-26.0, strike_time=0.05, noise_centre=1800.0,
)  # fmt: skip
_STEEL_GUITAR = replace(
    _GUITAR, name="steel guitar", slope=-6.0, cutoff=6500.0, pluck=0.14, decay=7.0, damping=0.8, inharmonicity=1e-4,
    unison=(-1.0, 1.0), noise_centre=3500.0,
)  # fmt: skip
_ELECTRIC_GUITAR = replace(
    _GUITAR, name="electric guitar", slope=-7.0, formants=((500.0, 2.0, 1.0), (2600.0, 4.0, 0.7)), cutoff=5000.0,
    pluck=0.17, decay=9.0, damping=0.6, strike=-36.0,
)  # fmt: skip
_DISTORTED_GUITAR = replace(
    _ELECTRIC_GUITAR, name="distorted guitar", slope=-3.0, cutoff=4200.0, pluck=0.0, brightness=3.0, decay=25.0,
    damping=0.1, attack=0.004, inharmonicity=0.0, unison=(-3.0, 3.0), breath=-44.0, level=-3.0, vibrato=6.0,
    vibrato_delay=0.5,
)  # fmt: skip
_BASS = Voice(
    "bass", slope=-7.5, cutoff=2600.0, pluck=0.18, brightness=9.0, inharmonicity=6e-5, attack=0.003, decay=6.0,
    decay_pitch=0.4, damping=1.8, release=0.12, drift=0.0, strike=-30.0, strike_time=0.04, noise_centre=1200.0,
    level=1.0,
)  # fmt: skip
_SYNTH_BASS = replace(
    _BASS, name="synth bass", slope=-6.0, cutoff=1800.0, pluck=0.0, inharmonicity=0.0, decay=8.0, damping=2.5,
    unison=(-4.0, 4.0), strike=-60.0,
)  # fmt: skip
_VIOLIN = Voice(
    "violin", measured="violin", slope=-6.5, formants=((480.0, 3.0, 0.5), (1100.0, 2.0, 0.6), (2700.0, 6.0, 0.7)),
    cutoff=7500.0, brightness=5.0, attack=0.055, release=0.16, bloom=5.0, bloom_time=0.1, vibrato=14.0,
    vibrato_rate=5.7, drift=1.0, breath=-42.0, strike=-32.0, strike_time=0.12, noise_centre=4000.0,
)  # fmt: skip
_CELLO = replace(
    _VIOLIN, name="cello", measured="cello", formants=((220.0, 3.0, 0.5), (600.0, 3.0, 0.6), (1500.0, 4.0, 0.8)),
    cutoff=5000.0, attack=0.07, vibrato=12.0, vibrato_rate=5.2, noise_centre=2500.0, release=0.2,
)  # fmt: skip
_STRINGS = replace(
    _VIOLIN, name="string ensemble", measured="", slope=-7.0, cutoff=5200.0, attack=0.11, release=0.45,
    unison=(-8.0, 1.0, 9.0), vibrato=7.0, breath=-40.0, strike=-60.0, drift=0.8,
)  # fmt: skip
_PIZZICATO = Voice(
    "pizzicato", slope=-8.0, formants=((300.0, 4.0, 0.8),), cutoff=3500.0, pluck=0.15, brightness=8.0, attack=0.002,
    decay=0.9, decay_pitch=0.5, damping=1.5, release=0.35, drift=0.0, strike=-24.0, strike_time=0.04,
)  # fmt: skip
_HARP = replace(_GUITAR, name="harp", decay=4.5, pluck=0.4, release=1.6, cutoff=3500.0, formants=(), strike=-34.0)
_TIMPANI = Voice(
    "timpani", ratios=(1.0, 1.504, 1.742, 2.0, 2.245, 2.494, 2.8, 3.2), drawbars=(0, -3, -14, -8, -18, -14, -22, -24),
    brightness=7.0, attack=0.002, decay=2.2, decay_pitch=0.2, damping=2.0, release=1.2, drift=0.0, strike=-12.0,
    strike_time=0.09, noise_centre=250.0, level=2.0,
)  # fmt: skip
_CHOIR = Voice(
    "choir", slope=-8.0, formants=((750.0, 10.0, 0.35), (1180.0, 7.0, 0.3), (2850.0, 9.0, 0.25), (3500.0, 5.0, 0.3)),
    cutoff=4500.0, brightness=4.0, attack=0.09, release=0.3, bloom=3.0, vibrato=14.0, vibrato_rate=5.3,
    unison=(-9.0, 2.0, 8.0), drift=1.0, breath=-40.0, noise_centre=2800.0,
)  # fmt: skip
_TRUMPET = Voice(
    "trumpet", measured="trumpet", slope=-4.0, formants=((1200.0, 6.0, 1.0),), cutoff=6000.0, brightness=12.0,
    attack=0.028, release=0.1, bloom=11.0, bloom_time=0.05, vibrato=6.0, vibrato_delay=0.5, drift=0.5, breath=-48.0,
    strike=-30.0, strike_time=0.06,
)  # fmt: skip
_HORN = replace(
    _TRUMPET, name="french horn", measured="french-horn", slope=-9.0, formants=((450.0, 4.0, 0.9),), cutoff=2500.0,
    attack=0.045, release=0.16, bloom=7.0, vibrato=0.0, noise_centre=1200.0,
)  # fmt: skip
_TROMBONE = replace(
    _TRUMPET, name="trombone", measured="", slope=-5.5, formants=((550.0, 5.0, 1.0),), cutoff=3800.0, attack=0.04,
    noise_centre=1500.0,
)  # fmt: skip
_BRASS = replace(
    _TRUMPET, name="brass section", measured="", slope=-5.0, unison=(-6.0, 0.0, 7.0), vibrato=4.0, attack=0.035,
    cutoff=5000.0, level=-1.0,
)  # fmt: skip
_SAX = Voice(
    "saxophone", measured="alto-saxophone", slope=-6.0, formants=((700.0, 5.0, 0.8), (1800.0, 3.0, 0.7)), cutoff=5000.0,
    brightness=8.0, attack=0.03, release=0.11, bloom=6.0, bloom_time=0.05, vibrato=10.0, vibrato_rate=5.2,
    vibrato_delay=0.35, drift=0.8, breath=-40.0, strike=-26.0, strike_time=0.06, noise_centre=3000.0,
)  # fmt: skip
_OBOE = Voice(
    "oboe", measured="oboe", slope=-5.0, formants=((1100.0, 9.0, 0.6), (2800.0, 5.0, 0.6)), cutoff=6000.0,
    brightness=4.0, attack=0.03, release=0.1, bloom=4.0, vibrato=8.0, vibrato_delay=0.3, drift=0.5, breath=-46.0,
    strike=-34.0, strike_time=0.05, noise_centre=3500.0,
)  # fmt: skip
_BASSOON = replace(
    _OBOE, name="bassoon", measured="", slope=-6.5, formants=((460.0, 9.0, 0.6), (1200.0, 4.0, 0.6)), cutoff=3000.0,
    noise_centre=1200.0,
)  # fmt: skip
_CLARINET = Voice(
    "clarinet", measured="clarinet", slope=-7.0, even=-22.0, formants=((1500.0, 4.0, 0.9),), cutoff=5000.0,
    brightness=7.0, attack=0.035, release=0.1, bloom=6.0, drift=0.4, breath=-46.0, strike=-34.0, strike_time=0.05,
)  # fmt: skip
_FLUTE = Voice(
    "flute", measured="alto-flute", slope=-13.0, cutoff=5000.0, brightness=6.0, attack=0.045, release=0.12, bloom=3.0,
    vibrato=8.0, vibrato_rate=5.0, vibrato_delay=0.3, tremolo=0.8, tremolo_rate=5.0, drift=0.8, breath=-31.0,
    strike=-20.0, strike_time=0.1, noise_centre=2600.0, noise_width=1.6,
)  # fmt: skip
_PIPE = replace(_FLUTE, name="pipe", measured="", slope=-14.0, vibrato=5.0, attack=0.03, strike=-24.0)
_BLOWN = replace(_PIPE, name="blown bottle", slope=-18.0, breath=-22.0, strike=-14.0, attack=0.05)
_LEAD = Voice(
    "synth lead", slope=-6.0, cutoff=6500.0, brightness=4.0, attack=0.006, release=0.12, vibrato=6.0,
    vibrato_delay=0.35, unison=(-5.0, 5.0), drift=0.1, level=-2.0,
)  # fmt: skip
_SQUARE = replace(_LEAD, name="square lead", even=-60.0)
_PAD = Voice(
    "synth pad", slope=-8.0, cutoff=3500.0, brightness=4.0, attack=0.22, release=0.9, unison=(-9.0, 0.0, 10.0),
    drift=1.5, vibrato=4.0, vibrato_rate=4.6, level=-1.0,
)  # fmt: skip
_ETHNIC = replace(
    _STEEL_GUITAR, name="plucked", slope=-4.5, pluck=0.1, decay=3.0, cutoff=7000.0, release=0.3, unison=(0.0,)
)
_EFFECT = Voice(
    "effect", slope=-18.0, attack=0.05, release=0.6, breath=-3.0, strike=-30.0, noise_centre=1500.0, noise_width=2.0,
    partials=8,
)  # fmt: skip

# In the order of General MIDI, eight programs a line of its sixteen families.
PROGRAMS: tuple[Voice, ...] = (
    # Piano
    _PIANO, replace(_PIANO, name="bright piano", measured_at=0.2),
    replace(_PIANO, name="electric grand", measured_at=0.55, strike=-36.0, decay=9.0),
    replace(_PIANO, name="honky-tonk", unison=(-7.0, 8.0)),
    _EPIANO,
    replace(_EPIANO, name="FM piano", drawbars=(0, -20, -30, -30, -30, -40, -28, -40), tremolo=0.0, damping=0.7),
    _HARPSICHORD,
    replace(_HARPSICHORD, name="clavinet", slope=-5.0, pluck=0.2, decay=3.0, release=0.06, brightness=8.0),
    # Chromatic percussion
    replace(_BELL, name="celesta", decay=2.2, drawbars=(0, -18, -28, -36, -44)),
    replace(_BELL, name="glockenspiel", decay=3.0),
    replace(_BELL, name="music box", decay=2.2, drawbars=(0, -12, -16, -30, -40)),
    replace(_MALLET, name="vibraphone", decay=6.0, decay_pitch=0.4, damping=0.5, tremolo=2.5, release=0.4,
            strike=-34.0),
    replace(_MALLET, name="marimba"),
    replace(_MALLET, name="xylophone", ratios=(1.0, 3.0, 6.1, 10.2), drawbars=(0, -9, -16, -26), decay=0.8,
            strike=-18.0),
    replace(_BELL, name="tubular bells", ratios=(0.5, 1.0, 1.5, 2.0, 2.6, 3.3), drawbars=(-12, 0, -6, -3, -9, -14),
            decay=5.0),
    replace(_STEEL_GUITAR, name="dulcimer", pluck=0.1, decay=4.0, unison=(-3.0, 3.0), release=1.0),
    # Organ
    _ORGAN, replace(_ORGAN, name="percussive organ", strike=-24.0, drawbars=(0, -3, -2, -20)),
    replace(_ORGAN, name="rock organ", drawbars=(0, -1, -2, -4, -8, -8, -100, -6), tremolo=1.5, vibrato=5.0,
            vibrato_delay=0.0, vibrato_rate=6.5),
    _CHURCH_ORGAN, _REED_ORGAN, replace(_REED_ORGAN, name="accordion", slope=-5.0, unison=(-7.0, 6.0)),
    replace(_REED_ORGAN, name="harmonica", slope=-5.5, unison=(0.0,), vibrato=8.0, tremolo=1.5),
    replace(_REED_ORGAN, name="bandoneon", slope=-5.0),
    # Guitar
    _GUITAR, _STEEL_GUITAR, replace(_ELECTRIC_GUITAR, name="jazz guitar", cutoff=2200.0),
    _ELECTRIC_GUITAR, replace(_ELECTRIC_GUITAR, name="muted guitar", decay=0.5, damping=3.0, strike=-24.0),
    replace(_DISTORTED_GUITAR, name="overdriven guitar", slope=-5.0), _DISTORTED_GUITAR,
    replace(_BELL, name="guitar harmonics", ratios=(2.0, 4.0, 6.0), drawbars=(0, -16, -26), decay=4.0, release=0.3),
    # Bass
    replace(_BASS, name="acoustic bass", slope=-9.5, cutoff=1500.0, decay=3.0, strike=-26.0), _BASS,
    replace(_BASS, name="picked bass", pluck=0.1, cutoff=4000.0, strike=-24.0),
    replace(_BASS, name="fretless bass", slope=-9.0, attack=0.012, vibrato=6.0, inharmonicity=0.0),
    replace(_BASS, name="slap bass", pluck=0.08, cutoff=5500.0, slope=-6.0, strike=-18.0),
    replace(_BASS, name="popped bass", pluck=0.06, cutoff=6500.0, slope=-5.5, strike=-16.0),
    _SYNTH_BASS, replace(_SYNTH_BASS, name="soft synth bass", slope=-9.0),
    # Strings
    _VIOLIN,
    replace(_VIOLIN, name="viola", formants=((350.0, 3.0, 0.5), (900.0, 3.0, 0.6), (2000.0, 4.0, 0.7))), _CELLO,
    replace(_CELLO, name="contrabass", attack=0.09, vibrato=8.0, cutoff=3000.0),
    replace(_STRINGS, name="tremolo strings", tremolo=5.0, tremolo_rate=11.0), _PIZZICATO, _HARP, _TIMPANI,
    # Ensemble
    _STRINGS, replace(_STRINGS, name="slow strings", attack=0.3, release=0.7),
    replace(_STRINGS, name="synth strings", vibrato=3.0, slope=-6.5),
    replace(_STRINGS, name="soft synth strings", slope=-9.0),
    _CHOIR,
    replace(_CHOIR, name="voice oohs", formants=((350.0, 9.0, 0.5), (850.0, 3.0, 0.4), (2700.0, 4.0, 0.3)),
            slope=-11.0),
    replace(_CHOIR, name="synth voice", vibrato=5.0, breath=-60.0),
    replace(_BRASS, name="orchestra hit", decay=1.2, attack=0.004, breath=-30.0, strike=-12.0, strike_time=0.25),
    # Brass
    _TRUMPET, _TROMBONE, replace(_TROMBONE, name="tuba", slope=-9.0, cutoff=1500.0, formants=((250.0, 4.0, 1.0),)),
    replace(_TRUMPET, name="muted trumpet", measured="", formants=((1600.0, 10.0, 0.5), (400.0, -8.0, 0.8)),
            level=-4.0), _HORN,
            _BRASS,
    replace(_BRASS, name="synth brass", vibrato=3.0, slope=-6.0, bloom=8.0),
    replace(_BRASS, name="soft synth brass", vibrato=3.0, slope=-8.0, attack=0.06),
    # Reed
    replace(_SAX, name="soprano saxophone"), _SAX, replace(_SAX, name="tenor saxophone", cutoff=4200.0),
    replace(_SAX, name="baritone saxophone", cutoff=3500.0), _OBOE, replace(_OBOE, name="english horn", cutoff=4500.0),
    _BASSOON, _CLARINET,
    # Pipe
    replace(_FLUTE, name="piccolo", breath=-34.0), _FLUTE,
    replace(_PIPE, name="recorder", slope=-12.0, vibrato=0.0, breath=-38.0),
    replace(_FLUTE, name="pan flute", breath=-24.0, strike=-12.0), _BLOWN,
    replace(_FLUTE, name="shakuhachi", breath=-25.0, vibrato=16.0),
    replace(_PIPE, name="whistle", slope=-24.0, vibrato=14.0),
    replace(_PIPE, name="ocarina", slope=-20.0),
    # Synth lead
    _SQUARE, _LEAD, replace(_PIPE, name="calliope lead", strike=-16.0), replace(_LEAD, name="chiff lead", strike=-16.0),
    replace(_DISTORTED_GUITAR, name="charang lead"), replace(_CHOIR, name="voice lead", attack=0.03),
    replace(_LEAD, name="fifths lead", ratios=(1.0, 1.5, 2.0, 3.0, 4.0, 4.5, 6.0), drawbars=(0, -2, -6, -8, -12, -14,
            -18),
            vibrato=0.0),
    replace(_LEAD, name="bass lead", slope=-7.5, cutoff=3500.0),
    # Synth pad
    replace(_PAD, name="new age pad", slope=-9.5, strike=-30.0), replace(_PAD, name="warm pad", slope=-11.0),
    replace(_PAD, name="polysynth pad", attack=0.03, slope=-6.5),
    replace(_CHOIR, name="choir pad", attack=0.2, release=0.9),
    replace(_STRINGS, name="bowed pad", attack=0.25, release=0.9),
    replace(_PAD, name="metallic pad", slope=-5.0, even=-8.0),
    replace(_PAD, name="halo pad", slope=-8.5, formants=((900.0, 6.0, 0.6),)),
    replace(_PAD, name="sweep pad", bloom=9.0, bloom_time=0.8),
    # Synth effects
    replace(_PAD, name="rain", decay=3.0, attack=0.005, slope=-6.0), replace(_PAD, name="soundtrack", attack=0.3),
    replace(_BELL, name="crystal", decay=5.0, unison=(-4.0, 4.0)),
    replace(_PAD, name="atmosphere", decay=6.0, attack=0.008),
    replace(_PAD, name="brightness", slope=-4.5, cutoff=8000.0),
    replace(_PAD, name="goblins", bloom=8.0, bloom_time=0.6, vibrato=16.0),
    replace(_PAD, name="echoes", decay=5.0, attack=0.03), replace(_PAD, name="sci-fi", vibrato=20.0, slope=-5.5),
    # Ethnic
    replace(_ETHNIC, name="sitar", slope=-3.5, decay=5.0, unison=(-2.0, 3.0)),
    replace(_ETHNIC, name="banjo", decay=1.6),
    replace(_ETHNIC, name="shamisen", decay=1.4, strike=-18.0), replace(_ETHNIC, name="koto", decay=3.5, release=1.0),
    replace(_MALLET, name="kalimba", ratios=(1.0, 5.4, 11.0), drawbars=(0, -22, -32), decay=1.6),
    replace(_OBOE, name="bagpipe", attack=0.02, vibrato=0.0, brightness=0.5), replace(_VIOLIN, name="fiddle"),
    replace(_OBOE, name="shanai", measured="", slope=-4.0, vibrato=16.0),
    # Percussive
    replace(_BELL, name="tinkle bell", decay=1.8),
    replace(_BELL, name="agogo", decay=0.7, ratios=(1.0, 2.1, 3.6, 5.1), drawbars=(0, -6, -10, -16)),
    replace(_MALLET, name="steel drums", ratios=(1.0, 2.0, 3.01, 4.1), drawbars=(0, -5, -12, -18), decay=1.8,
            unison=(-3.0, 3.0)),
    replace(_MALLET, name="woodblock", decay=0.18, decay_pitch=0.1, ratios=(1.0, 2.6, 4.2), drawbars=(0, -8, -16),
            strike=-10.0),
    replace(_TIMPANI, name="taiko", decay=1.2, strike=-8.0),
    replace(_TIMPANI, name="melodic tom", decay=0.9, level=0.0),
    replace(_TIMPANI, name="synth drum", decay=0.7, ratios=(1.0, 1.6), drawbars=(0, -12)),
    replace(_EFFECT, name="reverse cymbal", attack=1.2, noise_centre=8000.0, release=0.1),
    # Sound effects
    replace(_EFFECT, name="fret noise", decay=0.25, attack=0.01, noise_centre=4000.0),
    replace(_EFFECT, name="breath", attack=0.2),
    replace(_EFFECT, name="seashore", attack=0.7, tremolo=6.0, tremolo_rate=0.3, release=1.5),
    replace(_PIPE, name="bird", slope=-24.0, vibrato=80.0, vibrato_rate=14.0, vibrato_delay=0.0),
    replace(_SQUARE, name="telephone", tremolo=12.0, tremolo_rate=20.0),
    replace(_EFFECT, name="helicopter", noise_centre=300.0, tremolo=12.0, tremolo_rate=12.0),
    replace(_EFFECT, name="applause", noise_centre=2000.0, attack=0.2),
    replace(_EFFECT, name="gunshot", decay=0.8, attack=0.001, noise_centre=600.0),
)  # fmt: skip
