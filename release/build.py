"""Build wheels and sdists of the library and of its larger weights into dist/, check, try and measure them.

    python release/build.py [--no-isolation] [--without-trial] [--borrow]

--borrow takes the dependencies of the trial from the environment that runs this script, which is quick and
needs no network: its site-packages are visible, the library of the checkout is not. Needs the extra `release`. Writes
benchmarks/results/wheel.json and from it the tables of the docs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sizes import of_wheel
from stage import stage_library, stage_models

from symbolic_music import bundled

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
# Of the library's wheel, in megabytes.
MOST = 15.0


def clean() -> dict[str, str]:
    """The environment without a path to the checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(*words: str | Path, folder: Path = ROOT) -> str:
    """Run a command, stop at its failure, return what it printed."""
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, check=False, capture_output=True, text=True,
        env=clean(),
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def built(isolation: bool) -> tuple[Path, Path]:
    """The wheels of the library and of the models, each built from its sdist as an index would have it."""
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        for tree in (stage_library(Path(temporary) / "library"), stage_models(Path(temporary) / "models")):
            run(sys.executable, "-m", "build", "--outdir", DIST, *([] if isolation else ["--no-isolation"]), tree)
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(DIST.iterdir()))
    models = next(DIST.glob("*_models-*.whl"))
    return next(one for one in DIST.glob("*.whl") if one != models), models


def rows_of(wheel: Path, name: str) -> list[dict[str, Any]]:
    """A wheel's size and that of its contents, as rows of a result."""
    found = {name: wheel.stat().st_size / 1e6, **of_wheel(wheel)}
    return [{"metric": metric, "ours": size, "unit": "MB"} for metric, size in found.items()]


def trial(library: Path, models: Path, borrowed: bool) -> None:
    """Install the library alone into an empty environment, run the demo from there; then add the models and edit."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run(sys.executable, "-m", "venv", folder / "user")
        python = folder / "user" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        if borrowed:
            import numpy

            # What is installed there comes first; the library itself is not found there, since .pth files of a folder
            # that a .pth file adds are not read.
            (site / "borrowed.pth").write_text(str(Path(numpy.__file__).parent.parent) + "\n", encoding="utf-8")
            run(python, "-m", "pip", "install", "--quiet", "--no-deps", library)
        else:
            run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", f"{library}[demo]")
        where = run(python, "-c", "import symbolic_music; print(symbolic_music.__file__)", folder=folder).strip()
        if not Path(where).resolve().is_relative_to(folder.resolve()):
            sys.exit(f"the trial used {where}, not the wheel")
        command = (python, "-m", "symbolic_music")
        run(*command, "demo", "--out", "demo", folder=folder)
        found = json.loads(run(*command, "info", "demo/original.mid", "--json", folder=folder))
        print(f"installed, demo made; original.mid has {found['notes']} notes")
        shutil.copy(ROOT / "docs" / "files" / "song.mid", folder)
        edit = (*command, "infill", "song.mid", "--at", "bars:9-12", "--tracks", "bass", "-o", "new.mid")
        refused = subprocess.run(edit, cwd=folder, check=False, capture_output=True, text=True, env=clean())
        if refused.returncode != 2 or not refused.stderr.endswith(f"run: pip install {bundled.DISTRIBUTION}\n"):
            sys.exit(f"without the models, an edit ended with {refused.returncode}: {refused.stderr}")
        print(refused.stderr.strip())
        run(python, "-m", "pip", "install", "--quiet", *(["--no-deps"] if borrowed else []), models)
        run(*edit, folder=folder)
        listed = json.loads(run(*command, "models", "--json", folder=folder))
        if {one["name"] for one in listed} != {*bundled.KEPT, *bundled.ELSEWHERE}:
            sys.exit(f"with the models, only these are found: {listed}")
        print(f"models installed, song edited; {len(listed)} models and voices are listed")


def main() -> None:
    """Build, check, measure, try."""
    options = argparse.ArgumentParser(description="wheel and sdist, checked and tried")
    options.add_argument("--no-isolation", action="store_true", help="build with the setuptools that is installed")
    options.add_argument("--without-trial", action="store_true", help="build, check and measure only")
    options.add_argument("--borrow", action="store_true", help="try with the dependencies of this environment")
    chosen = options.parse_args()
    library, models = built(not chosen.no_isolation)
    rows = [*rows_of(library, "the library's wheel"), *rows_of(models, "the wheel of the larger weights")]
    for row in rows:
        print(f"{row['ours']:8.2f} MB  {row['metric']}")
    result = {
        "name": "wheel",
        "command": "make dist",
        "commit": run("git", "rev-parse", "--short", "HEAD").strip(),
        "machine": platform.system(),
        "n": 1,
        "rows": rows,
    }
    (ROOT / "benchmarks" / "results" / "wheel.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    run(sys.executable, "benchmarks/tables.py")
    if rows[0]["ours"] >= MOST:
        sys.exit(f"the library's wheel has {rows[0]['ours']:.1f} MB; it must stay below {MOST:g}")
    if not chosen.without_trial:
        trial(library, models, chosen.borrow)


if __name__ == "__main__":
    main()
