"""`--engine ray`: the same store as without it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.errors import MissingExtraError
from symbolic_music.parallel import ray_engine
from tests.corpora.example_files import album, files, transposed, tune, write

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'symbolic-music-torch[ray]'"
)

# In a process of its own: Ray leaves threads and files open, which these tests take for mistakes of ours.
_RUN = """
import logging, sys
import ray
from symbolic_music.corpora.preparation.pipeline import prepare
ray.init(num_cpus=1, include_dashboard=False, logging_level=logging.ERROR, object_store_memory=80 << 20)
source, store, splits = sys.argv[1:]
prepare("folder", source, store, engine="ray", splits=splits, pieces=4)
"""


@needs_ray
@pytest.mark.parametrize("splits", ["90/5/5", "dedup"])
def test_ray_makes_the_same_store(tmp_path: Path, splits: str) -> None:
    source = album(tmp_path / "music", 10)
    write(source, {"copy.mid": transposed(tune(3), 2)})
    (source / "bad.mid").write_text("not music")
    done = subprocess.run(
        [sys.executable, "-c", _RUN, source, tmp_path / "ray", splits], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    prepare("folder", source, tmp_path / "here", splits=splits, pieces=4)
    assert files(tmp_path / "ray") == files(tmp_path / "here")


@needs_ray
def test_what_a_worker_of_ray_cannot_write_is_the_users_mistake(tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 10), tmp_path / "store"
    (store / "segments" / "00000.safetensors").mkdir(parents=True)  # it cannot be replaced by a file
    done = subprocess.run([sys.executable, "-c", _RUN, source, store, ""], capture_output=True, text=True, timeout=600)
    assert done.stderr.splitlines()[-1].startswith("symbolic_music.errors.FileError:")
    assert "Ray" not in done.stderr


def test_without_ray_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"symbolic-music-torch\[ray\]"):
        prepare("folder", album(tmp_path / "music", 3), tmp_path / "store", engine="ray")
    assert not (tmp_path / "store").exists()
