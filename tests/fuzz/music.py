"""Ways in for scores, ids and sound."""

from __future__ import annotations

import io
import random
import struct
import wave
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from symbolic_music import Score, read, tokenizers
from symbolic_music.errors import FileError
from symbolic_music.score import CONTROL, KEY, METER, TEMPO, Track, note_table
from tests.fuzz.target import Files, Target

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN"
 "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="3.1">
<part-list><score-part id="P1"><part-name>Flute</part-name>
<score-instrument id="I1"><instrument-name>Flute</instrument-name></score-instrument>
<midi-instrument id="I1"><midi-channel>1</midi-channel><midi-program>74</midi-program></midi-instrument>
</score-part></part-list>
<part id="P1"><measure number="1">
<attributes><divisions>4</divisions><key><fifths>-2</fifths></key>
<time><beats>4</beats><beat-type>4</beat-type></time>
<clef><sign>G</sign><line>2</line></clef></attributes>
<direction><sound tempo="96"/></direction>
<note><pitch><step>B</step><alter>-1</alter><octave>4</octave></pitch>
<duration>4</duration>
<tie type="start"/>
<type>quarter</type></note>
<note><pitch><step>B</step><alter>-1</alter><octave>4</octave></pitch>
<duration>4</duration>
<tie type="stop"/>
<type>quarter</type></note>
<note><rest/>
<duration>4</duration></note><backup>
<duration>8</duration></backup><forward>
<duration>4</duration></forward>
<note><chord/><pitch><step>D</step><octave>5</octave></pitch>
<duration>4</duration>
<type>quarter</type>
<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification></note></measure>
<measure number="2"><barline><repeat direction="backward"/></barline>
<note><grace/><pitch><step>C</step><octave>5</octave></pitch></note>
<note><pitch><step>C</step><octave>5</octave></pitch>
<duration>16</duration>
<type>whole</type></note></measure>
</part>
</score-partwise>
"""
ABC = """X:1
T:A tune
C:Nobody
M:6/8
L:1/8
Q:3/8=100
K:Dmix
V:1 clef=treble
|: A2B c2d | (3efg a4 | [1 G3 G2z :|[2 "D"[DFA]6 |]
w: la la la
"""
KERN = """!!!COM: Nobody
**kern\t**kern
*clefF4\t*clefG2
*k[b-]\t*k[b-]
*M3/4\t*M3/4
*MM90\t*MM90
=1-\t=1-
4F\t8cc 8a
4A\t8dd
.\t8ee
4c\t[4ff
=2\t=2
2.F\t2ff]
.\t4r
==\t==
*-\t*-
"""
MEI = """<?xml version="1.0" encoding="UTF-8"?>
<mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="4.0.0"><music><body><mdiv><score>
<scoreDef key.sig="1s" meter.count="3" meter.unit="4">
<staffGrp>
<staffDef n="1" lines="5" clef.shape="G" clef.line="2"/></staffGrp></scoreDef>
<section><measure n="1"><staff n="1">
<layer n="1"><note pname="g" oct="4" dur="4"/>
<chord dur="4"><note pname="b" oct="4"/><note pname="d" oct="5"/></chord>
<rest dur="4"/></layer>
</staff></measure></section>
</score></mdiv></body></music></mei>
"""


def tune() -> Score:
    """A little of everything that a score holds."""
    rows = [(i * 120, 110, 60 + i % 12, 60 + i, 0, 0, 0) for i in range(24)]
    rows += [(i * 240, 200, 40 + i % 5, 90, 33, 1, 1) for i in range(12)] + [
        (i * 480, 30, 36, 100, 0, 9, 2) for i in range(6)
    ]
    return Score(
        notes=note_table(rows),
        tempos=np.array([(0, 500_000), (960, 400_000)], TEMPO),
        meters=np.array([(0, 4, 4)], METER),
        keys=np.array([(0, 2, 0)], KEY),
        controls=np.array([(0, 64, 127, 0), (400, 64, 0, 0)], CONTROL),
        tracks=(Track("Piano", 0), Track("Bass", 33), Track("Drums", 0, True)),
    )  # fmt: skip


def midi_seeds() -> Sequence[Files]:
    """Format 1, written by us; format 0 with running status, texts, SysEx and tempo changes."""
    from symbolic_music.io import midi_bytes

    events = (
        b"\0\x90" + bytes([60 + i, 80]) + b"\x60" + bytes([60 + i, 0]) + b"\0\xb0\x40\x7f\0\xe0\0\x50"
        for i in range(12)
    )
    begin = b"\0\xff\x03\x04Lead\0\xff\x51\x03\x07\xa1\x20\0\xff\x58\x04\x04\x02\x18\x08"
    begin += b"\0\xf0\x05\x7e\x7f\x09\x01\xf7\0\xc0\x05"
    track = begin + b"".join(events) + b"\x83\x60\xff\x2f\0"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
    return [{"a.mid": midi_bytes(tune())}, {"a.mid": head + b"MTrk" + struct.pack(">I", len(track)) + track}]


def read_midi(folder: Path) -> None:
    """Read, and write again what was read."""
    from symbolic_music.io import midi_bytes

    midi_bytes(read(folder / "a.mid"))


def text(name: str, content: str) -> Target:
    """A format of notation that is text."""
    return Target(
        f"notation {name}", lambda: [{f"a.{name}": content.encode()}], lambda f: read(f / f"a.{name}"), seconds=20.0
    )


def zipped(files: Files, rng: random.Random) -> Files:
    """The files of a mutant as one MXL archive, which is damaged too in a third of the mutants."""
    from tests.fuzz.mutations import in_bytes

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    data = buffer.getvalue()
    return {"a.mxl": in_bytes(data, rng) if rng.random() < 1 / 3 else data}


def mxl_seeds() -> Sequence[Files]:
    """What an MXL archive holds."""
    container = b'<?xml version="1.0"?><container><rootfiles><rootfile full-path="a.musicxml"/></rootfiles></container>'
    return [{"META-INF/container.xml": container, "a.musicxml": XML.encode()}]


_IDS = ("anticipation", "performance", "remi", "compound")


def ids_seeds() -> Sequence[Files]:
    """Ids of several tokenizers, by names that tell which."""
    seeds = []
    for name in _IDS:
        buffer = io.BytesIO()
        np.save(buffer, tokenizers.get(name).encode(tune()), allow_pickle=False)
        seeds.append({f"{name}.npy": buffer.getvalue()})
    buffer = io.BytesIO()
    np.savez_compressed(buffer, ids=tokenizers.get("remi").encode(tune()))
    return [*seeds, {"remi.npz": buffer.getvalue()}]


def read_ids(folder: Path) -> None:
    """What `detokenize` does."""
    from symbolic_music.cli import main

    (path,) = folder.iterdir()
    try:
        main(["detokenize", str(path), "-t", path.stem, "-o", str(folder / "out.mid")])
    except SystemExit as end:
        if end.code == 2:
            raise FileError("exit 2") from None
        if end.code:
            raise AssertionError(f"exit {end.code}") from None


def tokenizer_seeds() -> Sequence[Files]:
    """Saved tokenizers."""
    import tempfile

    seeds = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("anticipation", "remi", "performance"):
            path = Path(folder, f"{name}.json")
            tokenizers.save(tokenizers.get(name), path)
            seeds.append({"t.json": path.read_bytes()})
    return seeds


def wav(seconds: float = 0.2, rate: int = 8_000, channels: int = 1) -> bytes:
    """A tone as a WAV file."""
    samples = (8_000 * np.sin(np.arange(int(seconds * rate)) / 5)).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(np.repeat(samples, channels).tobytes())
    return buffer.getvalue()


def sound_seeds() -> Sequence[Files]:
    """WAV of both kinds of channels, and FLAC."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.sin(np.arange(4_000) / 9), 16_000, format="FLAC")
    return [{"a.wav": wav()}, {"a.wav": wav(0.1, 44_100, 2)}, {"a.flac": buffer.getvalue()}]


def read_sound(folder: Path) -> None:
    """Read it, and bring it to a rate of its own, as what learns from sound does."""
    from symbolic_music.synthesis.audio import read_audio

    (path,) = folder.iterdir()
    read_audio(path)


def font(packed: bool = False) -> bytes:
    """A SoundFont of two presets and two instruments with ranges, global zones and loops."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data

    tone = (8_000 * np.sin(np.arange(2_000) * 2 * np.pi / 100)).astype("<i2")
    kind, parts = 1, [tone, tone]
    if packed:
        import soundfile

        buffer = io.BytesIO()
        soundfile.write(buffer, tone / 32768, 22_050, format="OGG", subtype="VORBIS")
        kind, parts = 0x11, [np.frombuffer(buffer.getvalue() + bytes(len(buffer.getvalue()) % 2), "<i2")] * 2
    samples, headers, at = b"", b"", 0
    for number, part in enumerate(parts):
        data = part.tobytes()
        start, end = (len(samples), len(samples) + len(data)) if packed else (at, at + len(part))
        loops = (100, 1_900) if packed else (at + 100, at + 1_900)
        headers += struct.pack("<20s5IBbHH", b"tone%d" % number, start, end, *loops, 22_050, 60, 0, 0, kind)
        samples, at = samples + data + (b"" if packed else bytes(92)), at + len(part) + 46
    headers += struct.pack("<20s5IBbHH", b"EOS", *[0] * 9)
    phdr = b"".join(
        struct.pack("<20sHHHIII", name, preset, bank, bag, 0, 0, 0)
        for name, preset, bank, bag in ((b"Piano", 0, 0, 0), (b"Kit", 0, 128, 2), (b"EOP", 0, 0, 3))
    )
    pbag = b"".join(struct.pack("<HH", generator, 0) for generator in (0, 1, 2, 4))
    pgen = b"".join(struct.pack("<HH", *pair) for pair in ((48, 10), (41, 0), (43, 20 | 100 << 8), (41, 1), (0, 0)))
    inst = b"".join(struct.pack("<20sH", name, bag) for name, bag in ((b"a", 0), (b"b", 3), (b"EOI", 4)))
    ibag = b"".join(struct.pack("<HH", generator, 0) for generator in (0, 1, 4, 7, 8))
    generators = ((43, 10 | 120 << 8), (43, 0 | 60 << 8), (54, 1), (53, 0), (43, 61 | 127 << 8), (58, 72), (53, 1))
    igen = b"".join(struct.pack("<HH", *pair) for pair in (*generators, (53, 0), (0, 0)))
    info = chunk(b"LIST", b"INFO" + chunk(b"ifil", struct.pack("<HH", 2, 4)))
    sdta = chunk(b"LIST", b"sdta" + chunk(b"smpl", samples))
    tables = zip((b"phdr", b"pbag", b"pmod", b"pgen", b"inst", b"ibag", b"imod", b"igen", b"shdr"),
                 (phdr, pbag, bytes(10), pgen, inst, ibag, bytes(10), igen, headers), strict=True)  # fmt: skip
    pdta = chunk(b"LIST", b"pdta" + b"".join(chunk(name, data) for name, data in tables))
    return chunk(b"RIFF", b"sfbk" + info + sdta + pdta)


def play_font(folder: Path) -> None:
    """Play a few notes of piano and drums."""
    from symbolic_music.synthesis import render

    (path,) = folder.iterdir()
    rows = [(i * 120, 100, 20 + 16 * i, 100, 0, 0, 0) for i in range(6)] + [(0, 100, 36, 100, 0, 9, 1)]
    render(Score(480, note_table(rows)), "soundfont", sample_rate=22_050, soundfont=path, reverb=0.0)


TARGETS = (
    Target("MIDI", midi_seeds, read_midi, seconds=5.0),
    text("musicxml", XML),
    text("abc", ABC),
    text("krn", KERN),
    text("mei", MEI),
    Target("notation mxl", mxl_seeds, lambda folder: read(folder / "a.mxl"), zipped, seconds=20.0),
    Target("ids", ids_seeds, read_ids),
    Target("tokenizer JSON", tokenizer_seeds, lambda folder: tokenizers.load(folder / "t.json")),
    Target("WAV and FLAC", sound_seeds, read_sound),
    Target("SoundFont", lambda: [{"a.sf2": font()}], play_font, seconds=20.0),
    Target("SoundFont, packed", lambda: [{"a.sf3": font(packed=True)}], play_font, seconds=20.0),
)
