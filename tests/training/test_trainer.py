from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from symbolic_music import read
from symbolic_music.errors import ConfigError, CorpusError, SymbolicMusicError, TrainingError
from symbolic_music.io.folder_lock import held
from symbolic_music.models import load_model
from symbolic_music.training import load_config, train
from symbolic_music.training.config import StoreEditsData, parse_config
from tests.training.tiny_runs import edits, grid


class Stop(Exception):
    pass


def stop_at(step: int) -> Any:
    def report(row: dict[str, float]) -> None:
        if row["step"] == step:
            raise Stop

    return report


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoint.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def losses(folder: Path) -> list[tuple[str, str, str]]:
    with (folder / "log.csv").open() as file:
        return [(row["step"], row["split"], row["nats_per_token"]) for row in csv.DictReader(file)]


def valid_losses(folder: Path) -> list[float]:
    return [float(nats) for _, split, nats in losses(folder) if split == "valid"]


def test_a_run_writes_a_model_a_log_and_curves(tmp_path: Path) -> None:
    result = train(parse_config(edits(tmp_path)))
    assert result.finished
    assert load_model(result.folder).card.name == "tiny"
    page = (result.folder / "CARD.md").read_text()
    assert "- **Data**: grid.json" in page
    assert f"valid nats per token {result.best:.4g}" in page
    assert (tmp_path / "runs/tiny/log.csv").read_text().count("\n") == 3
    assert (tmp_path / "runs/tiny/curves.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(TrainingError, match="--resume"):
        train(parse_config(edits(tmp_path)))


def test_learning_lowers_the_loss(tmp_path: Path) -> None:
    result = train(parse_config(grid(tmp_path, steps=40, learning_rate=1e-2)))
    found = valid_losses(tmp_path / "runs/tiny")
    assert found[-1] < found[0] - 0.5
    assert result.best == pytest.approx(min(found), abs=1e-5)
    assert load_model(result.folder).tokenizer.name == "grid"


@pytest.mark.parametrize("make", [edits, grid])
def test_an_interrupted_run_resumes_to_the_same_everything(make: Any, tmp_path: Path) -> None:
    train(parse_config(make(tmp_path / "a")))
    with pytest.raises(Stop):
        train(parse_config(make(tmp_path / "b")), report=stop_at(3))  # after the checkpoint of step 2
    train(parse_config(make(tmp_path / "b")), resume=True)
    assert same(*(weights(tmp_path / one / "runs/tiny") for one in "ab"))
    assert losses(tmp_path / "a/runs/tiny") == losses(tmp_path / "b/runs/tiny")


def test_a_run_that_was_killed_resumes_to_the_same_everything(tmp_path: Path) -> None:
    whole = grid(tmp_path / "a", steps=30) | {"checkpoint_every": 5, "evaluate_every": 10}
    train(parse_config(whole))
    tree = grid(tmp_path / "b", steps=30) | {"checkpoint_every": 5, "evaluate_every": 10}
    config = tmp_path / "b" / "config.yaml"
    config.write_text(yaml.safe_dump(tree))
    command = [sys.executable, "-m", "symbolic_music", "train", str(config)]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder = tmp_path / "b/runs/tiny"
    deadline = time.monotonic() + 120
    while not (folder / "checkpoint.safetensors").is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    run.kill()
    run.wait()
    subprocess.run([*command, "--resume"], check=True, capture_output=True)
    assert same(weights(tmp_path / "a/runs/tiny"), weights(folder))
    assert losses(tmp_path / "a/runs/tiny") == losses(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM cannot be caught there")
def test_sigterm_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(grid(tmp_path, steps=100_000) | {"checkpoint_every": 1_000_000}))
    command = [sys.executable, "-m", "symbolic_music", "train", str(config)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = tmp_path / "runs/tiny/log.csv"
    deadline = time.monotonic() + 120
    while not log.is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGTERM)
    out, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert "--resume" in out
    assert (tmp_path / "runs/tiny/checkpoint.safetensors").is_file()


def in_two(config: Path, *more: str) -> None:
    """Train with two processes of torchrun."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launch, "-m", "symbolic_music", "train", str(config), *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    noise = [line for line in done.stderr.splitlines() if "Starting with" in line or "deprecated" in line]
    assert not noise


def without_dropout(folder: Path, **engine: bool) -> dict[str, Any]:
    tree = grid(folder, steps=6, batch=4)
    return tree | {
        "model": {**tree["model"], "dropout": 0.0, "layers": 2},
        "evaluate_every": 1,
        "checkpoint_every": 3,
        "threads": 1,
        "engine": engine,
    }


@pytest.mark.parametrize("sharded", [False, True])
def test_two_processes_have_the_losses_of_one(sharded: bool, tmp_path: Path) -> None:
    for place in ("one", "two"):
        tree = without_dropout(tmp_path / place, sharded=sharded and place == "two")
        (tmp_path / place / "config.yaml").write_text(yaml.safe_dump(tree))
    train(load_config(tmp_path / "one/config.yaml"))
    in_two(tmp_path / "two/config.yaml")
    one, two = (valid_losses(tmp_path / place / "runs/tiny") for place in ("one", "two"))
    assert len(one) == 6
    assert one == pytest.approx(two, abs=1e-5)
    single, several = (weights(tmp_path / place / "runs/tiny") for place in ("one", "two"))
    kept = [name for name in single if not name.startswith("random.")]
    assert all(torch.allclose(single[name], several[name], atol=1e-4) for name in kept)
    load_model(tmp_path / "two/runs/tiny/best")


@pytest.mark.skipif(sys.platform == "win32", reason="two processes by gloo")
def test_no_process_holds_a_sharded_model_whole(tmp_path: Path) -> None:
    """Neither in a step nor in an evaluation: all that it has is its half, and a block at a time."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(without_dropout(tmp_path, sharded=True)))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    script = Path(__file__).with_name("sharded_sizes.py")
    done = subprocess.run(
        [*launch, str(script), str(tmp_path / "config.yaml")], capture_output=True, text=True, check=False,
        env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == 2
    for one in found:
        assert one["kept"] < 0.6 * one["whole"]
        assert one["kept"] <= one["evaluating"] < one["whole"]


def test_a_sharded_run_goes_on_where_it_was(tmp_path: Path) -> None:
    tree = without_dropout(tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(tree))
    with pytest.raises(Stop):
        train(load_config(config), report=stop_at(4))  # after the checkpoint of step 3
    in_two(config, "engine.sharded=true", "--resume")
    train(parse_config(without_dropout(tmp_path / "whole")))
    assert valid_losses(tmp_path / "runs/tiny") == pytest.approx(valid_losses(tmp_path / "whole/runs/tiny"), abs=1e-5)


def test_one_process_is_not_divided(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="torchrun"):
        train(parse_config(without_dropout(tmp_path, sharded=True)))


def test_parts_of_a_batch_add_up_to_it(tmp_path: Path) -> None:
    found = []
    for place, parts in (("one", 1), ("two", 2)):
        tree = grid(tmp_path / place, batch=4, accumulate=parts)
        train(parse_config({**tree, "model": {**tree["model"], "dropout": 0.0}}))
        found.append(valid_losses(tmp_path / place / "runs/tiny"))
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_recomputed_blocks_give_the_same_weights(tmp_path: Path) -> None:
    train(parse_config(grid(tmp_path / "a")))
    train(parse_config({**grid(tmp_path / "b"), "engine": {"recompute": True}}))
    one, other = (weights(tmp_path / place / "runs/tiny") for place in "ab")
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one if name.startswith("model."))


def test_a_broken_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    train(parse_config(grid(tmp_path / "a")))
    with pytest.raises(Stop):
        train(parse_config(grid(tmp_path / "b") | {"checkpoint_every": 1}), report=stop_at(4))
    (tmp_path / "b/runs/tiny/checkpoint.safetensors").write_bytes(b"half a file")
    train(parse_config(grid(tmp_path / "b")), resume=True)
    assert same(*(weights(tmp_path / place / "runs/tiny") for place in "ab"))


@pytest.mark.parametrize("state", ["{}", "[]", "null"])
def test_a_checkpoint_that_says_nothing_gives_way_too(state: str, tmp_path: Path) -> None:
    train(parse_config(grid(tmp_path)))
    folder = tmp_path / "runs/tiny"
    save_file(weights(folder), folder / "checkpoint.safetensors", metadata={"state": state})
    assert train(parse_config(grid(tmp_path)), resume=True).finished
    (folder / "checkpoint-before.safetensors").unlink()
    save_file(weights(folder), folder / "checkpoint.safetensors", metadata={"state": state})
    with pytest.raises(TrainingError, match="damaged"):
        train(parse_config(grid(tmp_path)), resume=True)


def test_a_checkpoint_with_one_bit_of_another_value_gives_way_to_the_one_before(tmp_path: Path, caplog) -> None:
    train(parse_config(grid(tmp_path)))
    folder, rng = tmp_path / "runs/tiny", random.Random(0)
    shutil.copytree(folder, tmp_path / "kept")
    for _ in range(3):
        damaged = bytearray((tmp_path / "kept/checkpoint.safetensors").read_bytes())
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        shutil.copytree(tmp_path / "kept", folder, dirs_exist_ok=True)
        (folder / "checkpoint.safetensors").write_bytes(damaged)
        caplog.clear()
        assert train(parse_config(grid(tmp_path)), resume=True).step == 4
        assert "using the previous checkpoint, of step 2" in caplog.text
        assert same(weights(tmp_path / "kept"), weights(folder))


@pytest.mark.parametrize(
    "change",
    [
        {"step": "4"}, {"step": -1}, {"step": None}, {"step": 1.5}, {"best": []}, {"worse": "x"}, {"seconds": {}},
        {"log": 3}, {"log": [1]}, {"log": [{"other": 1}]}, {"scaler": 3}, {"config": 3}, {"config": None},
        {"config": {"seed": 9}}, {"total": "x"}, {"since": []}, {"norms": {}},
    ],
)  # fmt: skip
def test_a_state_of_wrong_kinds_is_one_error(change: dict[str, Any], tmp_path: Path) -> None:
    train(parse_config(grid(tmp_path)))
    folder = tmp_path / "runs/tiny"
    data = (folder / "checkpoint.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    state = {**json.loads(header["__metadata__"]["state"]), "hashed": False, **change}
    save_file(weights(folder), folder / "checkpoint.safetensors", metadata={"state": json.dumps(state)})
    (folder / "checkpoint-before.safetensors").unlink()
    with pytest.raises(TrainingError):
        train(parse_config(grid(tmp_path)), resume=True)


def test_a_finished_run_goes_on_with_more_steps_and_says_what_the_schedule_is(tmp_path: Path, caplog) -> None:
    train(parse_config(grid(tmp_path)))
    with pytest.raises(TrainingError, match="has to be larger"):
        train(parse_config(grid(tmp_path, steps=3)), resume=True)
    with pytest.raises(TrainingError, match=r"trained with another optim\.warmup; keep it"):
        train(parse_config(grid(tmp_path, steps=6, warmup=2)), resume=True)
    longer = train(parse_config(grid(tmp_path, steps=6)), resume=True)
    assert (longer.step, longer.finished) == (6, True)
    assert "from step 4 on a run of 6 steps, which was one of 4" in caplog.text
    rows = list(csv.DictReader((tmp_path / "runs/tiny/log.csv").read_text().splitlines()))
    assert [row["step"] for row in rows if row["split"] == "train"] == ["4", "6"]
    assert all(float(row["gradient_norm"]) > 0 for row in rows if row["split"] == "train")
    assert [float(row["learning_rate"]) >= 0 for row in rows if row["split"] == "train"] == [True, True]
    # Whoever resumes it once more finds it finished.
    assert train(parse_config(grid(tmp_path, steps=6)), resume=True).step == 6


@pytest.mark.skipif(sys.platform == "win32", reason="no flock there")
def test_one_process_trains_in_a_folder(tmp_path: Path) -> None:
    train(parse_config(grid(tmp_path)))
    folder = tmp_path / "runs/tiny"
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with held(folder, ValueError()), pytest.raises(TrainingError, match="another process trains there"):
        train(parse_config(grid(tmp_path, steps=6)), resume=True)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert train(parse_config(grid(tmp_path, steps=6)), resume=True).step == 6


def test_a_loss_that_is_not_finite_stops_with_the_pieces(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"not finite, on chorales \d.*; begin another run with a lower") as caught:
        train(parse_config(grid(tmp_path, learning_rate=1e30, warmup=0, steps=20)))
    assert "init=" not in str(caught.value)  # there are no best weights yet


def test_early_stopping(tmp_path: Path) -> None:
    tree = grid(tmp_path, steps=200, learning_rate=1e-12, patience=2, average=0.0) | {"evaluate_every": 1}
    result = train(parse_config(tree))
    assert result.finished
    assert result.step < 200
    assert train(parse_config(tree), resume=True).step == result.step


def test_what_cannot_begin_leaves_nothing(tmp_path: Path) -> None:
    tree = grid(tmp_path)
    with pytest.raises(SymbolicMusicError):
        train(parse_config({**tree, "model": {**tree["model"], "width": 15}}))
    with pytest.raises(TrainingError, match="16-mixed"):
        train(parse_config({**tree, "engine": {"device": "cpu", "precision": "16-mixed"}}))
    with pytest.raises(TrainingError, match="too small for 3 parts"):
        train(parse_config(grid(tmp_path, accumulate=3)))
    with pytest.raises(TrainingError, match="no room"):
        train(parse_config({**tree, "model": {**tree["model"], "width": 2**31 - 2}}))
    for name in ("layers", "voice_layers"):
        with pytest.raises(SymbolicMusicError, match=f"at most 1,024 {name}"):
            train(parse_config({**tree, "model": {**tree["model"], name: 2_000_000_000}}))
    for make, splits in product([edits, grid], [{"train": [[[60, 55, 50, 45]] * 16]}, {"train": [], "valid": []}]):
        tree = make(tmp_path)
        Path(tree["data"]["path"]).write_text(json.dumps(splits))
        with pytest.raises(CorpusError, match="has no chorales in its split"):
            train(parse_config(tree))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "override",
    [
        "data.transpose=[5,-6]", "data.transpose=[-999999999999999999999,0]", "data.transpose=[0,128]", "name=..",
        "name=.", "seed=99999999999999999999", "threads=1000000000000", "optim.betas=[1.5,2]", "optim.betas=[-1,.nan]",
        "optim.learning_rate=.inf", "optim.weight_decay=.inf",
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(override: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(grid(tmp_path)))
    with pytest.raises(ConfigError, match=f"setting {override.partition('=')[0]}"):
        load_config(config, [override])


def test_stores_of_any_name_can_be_overridden(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(grid(tmp_path) | {"data": {"kind": "edits", "stores": {"a.store": 1.0}}}))
    data = load_config(config, ["data.stores.a.store=0.5", "data.stores.../b.c=2"]).data
    assert isinstance(data, StoreEditsData)
    assert data.stores == {"a.store": 0.5, "../b.c": 2.0}


def test_another_config_is_not_resumed(tmp_path: Path) -> None:
    train(parse_config(grid(tmp_path)))
    with pytest.raises(TrainingError, match=r"optim\.learning_rate"):
        train(parse_config(grid(tmp_path, learning_rate=5e-4)), resume=True)
    other = grid(tmp_path) | {"model": {**grid(tmp_path)["model"], "layers": 2}}
    with pytest.raises(TrainingError, match=r"another model\.layers"):
        train(parse_config(other), resume=True)
    with pytest.raises(TrainingError, match="nothing to resume"):
        train(parse_config({**grid(tmp_path), "name": "other"}), resume=True)


def test_a_misspelt_setting_names_the_nearest(tmp_path: Path) -> None:
    def refused(change: dict[str, Any]) -> str:
        with pytest.raises(ConfigError) as caught:
            parse_config(grid(tmp_path) | change)
        return str(caught.value)

    assert "did you mean learning_rate" in refused({"optim": {"learning_rat": 1}})
    assert "did you mean voice_hidden" in refused({"model": {"architecture": "frame-transformer", "voice_hiden": 1}})
    assert "did you mean rank" in refused({"lora": {"rnk": 8}})
    assert "did you mean transpose" in refused({"data": {"kind": "chorale-grid", "path": "x", "transposed": [0, 0]}})
    assert "model.architecture" in refused({"model": {"architecture": "nothing"}})
    assert "data" in refused({"data": {"kind": "nothing", "path": "x"}})


def test_overrides_reach_the_resolved_config(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(grid(tmp_path)))
    settings = load_config(config, ["optim.steps=2", "model.width=32", "seed=7"])
    train(settings)
    stored = json.loads((tmp_path / "runs/tiny/config.json").read_text())
    assert (stored["optim"]["steps"], stored["model"]["width"], stored["seed"]) == (2, 32, 7)


def test_tensorboard_gets_the_same_numbers(tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(parse_config({**grid(tmp_path), "engine": {"tensorboard": True}}))
    events = reading.EventAccumulator(str(tmp_path / "runs/tiny/tensorboard"))
    events.Reload()
    found = [event.value for event in events.Scalars("valid/nats_per_token")]
    assert found == pytest.approx(valid_losses(tmp_path / "runs/tiny"), abs=1e-6)


def test_samples_are_written_at_each_evaluation(tmp_path: Path) -> None:
    train(parse_config({**grid(tmp_path), "sample_seconds": 2}))
    score = read(tmp_path / "runs/tiny/samples/step-000004.mid")
    assert 0 < score.duration <= 2.01
    assert (tmp_path / "runs/tiny/samples/step-000004.png").is_file()
