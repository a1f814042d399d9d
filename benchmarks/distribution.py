"""Build wheel and sdist into dist/, check them, use the wheel in an empty environment, and write its size by content.

    python benchmarks/distribution.py [--no-isolation] [--without-trial] [--borrow]

--borrow takes the dependencies of the trial from the environment that runs this script, which is quick and
needs no network: its site-packages are visible, the library of the checkout is not. Needs the extra `release`. Writes
benchmarks/results/wheel.json.
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
import zipfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"


def run(*words: str | Path, folder: Path = ROOT, **environment: str) -> str:
    """Run a command, stop at its failure, return what it printed."""
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, check=False, capture_output=True, text=True,
        env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, **environment},
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def built(isolation: bool) -> Path:
    """The wheel, built from the sdist as an index would have it."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, *([] if isolation else ["--no-isolation"]), ROOT)
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(DIST.iterdir()))
    return next(DIST.glob("*.whl"))


def content(name: str) -> str:
    """What a file of the wheel belongs to."""
    parts = name.split("/")
    if parts[0].endswith(".dist-info"):
        return "metadata and licences"
    if "weights" in parts:
        return f"weights: {parts[2]}"
    return "studio page" if "static" in parts else "code"


def sizes(wheel: Path) -> dict[str, float]:
    """Compressed megabytes by content, the largest first."""
    found = Counter[str]()
    with zipfile.ZipFile(wheel) as packed:
        for one in packed.infolist():
            found[content(one.filename)] += one.compress_size
    return {name: size / 1e6 for name, size in found.most_common()}


def trial(wheel: Path, borrowed: bool) -> None:
    """Install the wheel into an empty environment and run the demo from there, outside of the checkout."""
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
            run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
        else:
            run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", f"{wheel}[demo]")
        where = run(python, "-c", "import symbolic_music; print(symbolic_music.__file__)", folder=folder).strip()
        if not Path(where).resolve().is_relative_to(folder.resolve()):
            sys.exit(f"the trial used {where}, not the wheel")
        run(python, "-m", "symbolic_music", "demo", "--out", "demo", folder=folder)
        found = json.loads(run(python, "-m", "symbolic_music", "info", "demo/original.mid", "--json", folder=folder))
        print(f"installed, demo made; original.mid has {found['notes']} notes")


def main() -> None:
    """Build, check, measure, try."""
    options = argparse.ArgumentParser(description="wheel and sdist, checked and tried")
    options.add_argument("--no-isolation", action="store_true", help="build with the setuptools that is installed")
    options.add_argument("--without-trial", action="store_true", help="build, check and measure only")
    options.add_argument("--borrow", action="store_true", help="try with the dependencies of this environment")
    chosen = options.parse_args()
    wheel = built(not chosen.no_isolation)
    found = sizes(wheel)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    for name, size in found.items():
        print(f"  {size:6.2f} MB  {name}")
    commit = run("git", "rev-parse", "--short", "HEAD").strip()
    rows = [{"metric": "the wheel", "ours": wheel.stat().st_size / 1e6, "unit": "MB"}]
    rows += [{"metric": name, "ours": size, "unit": "MB"} for name, size in found.items()]
    result = {
        "name": "wheel",
        "command": "make dist",
        "commit": commit,
        "machine": platform.system(),
        "n": 1,
        "rows": rows,
    }
    (ROOT / "benchmarks" / "results" / "wheel.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if not chosen.without_trial:
        trial(wheel, chosen.borrow)


if __name__ == "__main__":
    main()
