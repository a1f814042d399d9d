"""Export a piece: MIDI, MusicXML, audio, stems, a picture."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from symbolic_music.errors import OptionError
from symbolic_music.io.atomic import replacing
from symbolic_music.score import Score, track_title

# Suffix -> media type.
KINDS = {
    "mid": "audio/midi",
    "musicxml": "application/vnd.recordare.musicxml+xml",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "stems.zip": "application/zip",
    "png": "image/png",
}


def export(score: Score, folder: Path, state: int, kind: str, synth: str = "ddsp") -> Path:
    """A file of a state, made when it is not there yet.

    Raises:
        OptionError: for a kind that is none of `KINDS`.
        SymbolicMusicError: as `Score.write`, `synthesis.render_file` and `plotting.save_piano_roll`.
    """
    if kind not in KINDS:
        raise OptionError(f"cannot save as {kind!r}: choose from {', '.join(KINDS)}")
    if synth not in ("ddsp", "soundfont", "midi-ddsp"):
        raise OptionError(f"no synth {synth!r}")
    path = folder / f"{state:04}-{synth}.{kind}"
    if path.is_file():
        return path
    if kind in ("mid", "musicxml"):
        score.write(path)
    elif kind == "png":
        from symbolic_music import plotting

        plotting.save_piano_roll(score, path)
    elif kind == "stems.zip":
        _stems(score, path, synth)
    else:
        from symbolic_music.synthesis import render_file

        render_file(score, path, synth)
    return path


def _stems(score: Score, path: Path, synth: str) -> None:
    from symbolic_music.synthesis import render_stems

    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for number, audio in render_stems(score, synth).items():
            name = "".join(c if c.isalnum() or c in " -_" else "_" for c in track_title(score, number))[:40]
            digest = hashlib.sha256(f"{path}{number}".encode()).hexdigest()[:8]
            wave = audio.write(path.with_name(f".{digest}.wav"))
            archive.write(wave, f"{number + 1:02} {name}.wav")
            wave.unlink()
