"""The benchmark of GPUs, at small sizes: each row is measured once, and stores travel in parts."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(not (BENCHMARKS / "gpu.py").is_file(), reason="the benchmarks are not installed")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_row_is_measured_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    gpu = script("gpu")
    arguments = ["gpu.py", "--small", "--device", "cpu", "--no-tests", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*arguments, "--minutes", "0"])
    gpu.main()
    assert not (tmp_path / "gpu_small.json").exists()
    monkeypatch.setattr(sys, "argv", arguments)
    gpu.main()
    rows = json.loads((tmp_path / "gpu_small.json").read_text())["rows"]
    assert len(rows) == 9
    assert all(row["ours"] > 0 for row in rows if "memory" not in row["metric"])
    path = tmp_path / "gpu_small.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "rows": rows[:-1]}))
    monkeypatch.setattr(gpu, "attention", lambda bench: bench.row(rows[0]["metric"], pytest.fail))
    gpu.main()
    again = json.loads(path.read_text())["rows"]
    assert again[:-1] == rows[:-1]
    assert again[-1]["metric"] == rows[-1]["metric"]


def test_stores_travel_in_parts(tmp_path: Path) -> None:
    parts = script("store_parts")
    (tmp_path / "a/segments").mkdir(parents=True)
    content = bytes(range(256)) * 50
    (tmp_path / "a/segments/0.bin").write_bytes(content)
    written = parts.pack([tmp_path / "a"], tmp_path / "parts", part=100)
    assert len(written) > 1
    assert max(path.stat().st_size for path in written) == 100
    for _ in range(2):
        (found,) = parts.unpack(tmp_path / "parts", tmp_path / "there")
    assert (found / "segments/0.bin").read_bytes() == content
