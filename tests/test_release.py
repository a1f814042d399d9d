"""The trees that are published have every file once, fit the size, and name the licences of what is in them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from release import sizes, stage
from symbolic_music import __version__, bundled

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("trees")
    return stage.stage_library(folder / "library"), stage.stage_models(folder / "models")


def files(root: Path) -> set[str]:
    return {str(one.relative_to(root)) for one in root.rglob("*") if one.is_file() and "__pycache__" not in one.parts}


def project(tree: Path) -> dict[str, object]:
    table: dict[str, object] = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def test_nothing_is_lost_and_nothing_is_twice(trees: tuple[Path, Path]) -> None:
    library, models = trees
    kept = files(library / "symbolic_music")
    moved = {name for name in files(models / bundled.MODULE) if name.startswith("weights/")}
    assert not kept & moved
    assert kept | moved == files(ROOT / "symbolic_music")
    assert {name.split("/")[1] for name in moved} == {*bundled.ELSEWHERE}


def test_the_weights_of_the_library_leave_room_in_its_wheel(trees: tuple[Path, Path]) -> None:
    """Weights hardly compress; code and page take less than 3 of the 15 MB."""
    assert sum(one.stat().st_size for one in (trees[0] / "symbolic_music" / "weights").rglob("*.*")) < 12e6


def test_the_table_of_sizes_is_not_out_of_date(trees: tuple[Path, Path]) -> None:
    """`make dist` writes it; what has changed by more than 0.1 MB and more than a twentieth asks for another run."""
    rows = json.loads((ROOT / "benchmarks" / "results" / "wheel.json").read_text(encoding="utf-8"))["rows"]
    split = next(i for i, row in enumerate(rows) if row["metric"] == "the wheel of the larger weights")
    packages = (trees[0] / "symbolic_music", trees[1] / bundled.MODULE)
    for tree, part in zip(packages, (rows[:split], rows[split:]), strict=True):
        written = {row["metric"]: row["ours"] for row in part[1:] if row["metric"] != "metadata and licences"}
        assert sizes.of_package(tree) == pytest.approx(written, rel=0.05, abs=0.1), "run make dist"
    page = (ROOT / "docs" / "start" / "install.md").read_text(encoding="utf-8")
    for row in (rows[0], rows[split]):
        assert f"({row['ours']:.0f} MB)" in page


def test_each_names_the_licences_of_its_weights(trees: tuple[Path, Path]) -> None:
    library, models = map(project, trees)
    assert library["license"] == "Apache-2.0 AND CC-BY-3.0 AND CC-BY-4.0"
    assert models["license"] == "CC-BY-4.0 AND CC-BY-NC-SA-4.0"
    for tree, table in zip(trees, (library, models), strict=True):
        carried = {one for pattern in table["license-files"] for one in tree.glob(pattern)}
        assert set(tree.rglob("CARD.md")) <= carried


def test_the_models_have_the_version_and_the_address_of_the_library(trees: tuple[Path, Path]) -> None:
    library, models = map(project, trees)
    assert models["name"] == bundled.DISTRIBUTION
    assert models["version"] == __version__
    assert models["dependencies"] == [f"{library['name']}>={__version__}"]
    assert models["urls"] == library["urls"]
    assert models["requires-python"] == library["requires-python"]
    assert library["optional-dependencies"]["models"] == [bundled.DISTRIBUTION]


def test_links_of_the_published_readme_lead_to_the_repository(trees: tuple[Path, Path]) -> None:
    for tree in trees:
        text = (tree / "README.md").read_text(encoding="utf-8")
        assert stage.source_address() in text
        assert "](docs/" not in text
        assert "](symbolic_music/" not in text
