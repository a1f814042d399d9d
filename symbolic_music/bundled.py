"""Where the weights that come with the library are: in it, or in a package of their own that holds the larger ones.

A checkout has all weights in `symbolic_music/weights`. `make dist` builds two wheels from it: the library's has `KEPT`,
the other, of the distribution `DISTRIBUTION`, has the rest as the package `symbolic_music_models`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from symbolic_music.deprecation import warn_of_old_name
from symbolic_music.errors import MissingWeightsError

DISTRIBUTION = "symbolic-music-torch-models"
MODULE = "symbolic_music_models"
ROOT = Path(__file__).resolve().parent / "weights"
# What the demo and the synthesizer need, and what transcribes: it is small.
KEPT = ("chorales", "transcription", "voices")
# What a synthesizer was measured from: no model, and kept too.
MEASURED = ("partials",)
ELSEWHERE = ("codec", "codec-depth", "flow", "multitrack", "piano", "song")
# Names of bundled weights that others have replaced.
REPLACED = {"codec-lm": "codec-depth"}


def bundled_folders(of: str = "config.json") -> dict[str, Path]:
    """Name -> folder of the weights that are installed; the library's own come before those of the other package.

    Args:
        of: the file that all of a kind have: models and codecs have a config.json, voices a voices.json.
    """
    found: dict[str, Path] = {}
    for root in (*_others(), ROOT):
        if root.is_dir():
            found |= {path.name: path for path in root.iterdir() if (path / of).is_file()}
    return dict(sorted(found.items()))


def bundled_folder(name: str, of: str = "config.json") -> Path | None:
    """The folder of bundled weights; None for a name that none of this kind have.

    The name of weights that others have replaced gives those, with a DeprecationWarning.

    Raises:
        MissingWeightsError: when the package that holds them is not installed.
    """
    if name in REPLACED and not Path(name).is_dir():
        warn_of_old_name(f"the bundled model {name}", REPLACED[name])
        name = REPLACED[name]
    folder = bundled_folders(of).get(name)
    if folder is None and name in ELSEWHERE:
        raise MissingWeightsError(name, DISTRIBUTION)
    return folder


def not_installed() -> list[str]:
    """Names of the bundled models whose package is not installed."""
    return [name for name in ELSEWHERE if name not in bundled_folders()]


def _others() -> list[Path]:
    """The folder of weights in the other package, if it is installed."""
    if find_spec(MODULE) is None:
        return []
    return [Path(str(import_module(MODULE).__file__)).parent / "weights"]
