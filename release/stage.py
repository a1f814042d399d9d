"""The two source trees that are published, made from the checkout: the library, and the package of the larger weights.

A checkout installs with all weights (`pip install .`). On the index the library has those of `symbolic_music.bundled`
that are kept in it, and its licence names those alone.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

from symbolic_music import bundled
from symbolic_music.version import __version__

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "symbolic_music" / "weights"
# As the cards spell a licence -> as SPDX does.
SPDX = {
    "Apache-2.0": "Apache-2.0",
    "CC BY 3.0": "CC-BY-3.0",
    "CC BY 4.0": "CC-BY-4.0",
    "CC BY-NC-SA 4.0": "CC-BY-NC-SA-4.0",
}
_LICENCE = re.compile(r"\*\*Licence\*\*: (CC [\w-]+ \d\.\d|Apache-2\.0)")
_LINK = re.compile(r"(\]\()(?!\w+:|#)([^)\s]+\))")


def licence_of(card: Path) -> str:
    """The SPDX name of the licence on a card."""
    found = _LICENCE.search(card.read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{card} names no licence")
    return SPDX[found[1]]


def licences(root: Path, code: str = "") -> str:
    """The SPDX expression of all weights in a folder, after that of the code."""
    names = sorted({licence_of(card) for card in root.glob("*/CARD.md")} - {code})
    return " AND ".join([code, *names] if code else names)


def source_address() -> str:
    """The address of the repository, which `[project.urls]` has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address: str = project["urls"]["Source"]
    return address


def stage_library(folder: Path) -> Path:
    """The library with the weights that stay in it. Links of its README become those of the repository."""

    def left_out(at: str, names: list[str]) -> set[str]:
        return _caches(at, names) | ({*names} - {*bundled.KEPT, *bundled.MEASURED} if Path(at) == WEIGHTS else set())

    shutil.copytree(ROOT / "symbolic_music", folder / "symbolic_music", ignore=left_out)
    shutil.copy(ROOT / "LICENSE", folder)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    readme = _LINK.sub(rf"\g<1>{source_address()}/\g<2>", readme)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    expression = licences(folder / "symbolic_music" / "weights", "Apache-2.0")
    text, count = re.subn(r'^license = ".*"$', f'license = "{expression}"', text, flags=re.MULTILINE)
    if count != 1:
        raise SystemExit("pyproject.toml has not one line of a licence")
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def stage_models(folder: Path) -> Path:
    """The package of the larger weights."""
    shutil.copytree(ROOT / "release" / "models", folder, ignore=_caches)
    weights = folder / bundled.MODULE / "weights"
    for name in bundled.ELSEWHERE:
        shutil.copytree(WEIGHTS / name, weights / name)
    readme = folder / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace("SOURCE", source_address()), encoding="utf-8")
    path, urls = folder / "pyproject.toml", (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace("0.0.0", __version__).replace("LICENSES", licences(weights))
    table = re.search(r"^\[project\.urls\]\n(?:\w+ = .*\n)+", urls, flags=re.MULTILINE)
    if table is None:
        raise SystemExit("pyproject.toml has no [project.urls]")
    path.write_text(text.replace("[project.urls]\n", table[0]), encoding="utf-8")
    return folder


def _caches(_: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__"}
