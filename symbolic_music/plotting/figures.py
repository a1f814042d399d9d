"""What all figures share: printable text, and files written whole."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font

from symbolic_music.errors import FileError
from symbolic_music.io.atomic import write_bytes

FORMATS = (".png", ".pdf", ".svg")
FONT = "DejaVu Sans"


def drawable(text: str, longest: int = 60) -> str:
    """The text with what the font cannot draw as question marks, cut to a length."""
    known = get_font(findfont(FONT)).get_char_index
    text = "".join(c if known(ord(c)) else "?" for c in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def figure_bytes(figure: Figure, suffix: str = ".png", dpi: float = 150) -> bytes:
    """The picture as the bytes of a PNG, PDF or SVG file."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix.removeprefix("."), dpi=dpi)
    return buffer.getvalue()


def check_picture(path: str | Path) -> Path:
    """The path, when its suffix is one that can be drawn; FileError when it is not."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise FileError(f"cannot draw {path.suffix or 'a file without suffix'}: name it .png, .pdf or .svg")
    return path


def save(figure: Figure, path: str | Path, dpi: float = 150) -> Path:
    """Write the picture whole or not at all. FileError for an unknown suffix or a folder that is missing.

    Examples:
        >>> figure = sm.plotting.piano_roll(song)
        >>> sm.plotting.save_figure(figure, "roll.png").name
        'roll.png'
    """
    path = check_picture(path)
    write_bytes(path, figure_bytes(figure, path.suffix.lower(), dpi))
    return path
