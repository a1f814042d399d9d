from __future__ import annotations

import json

import pytest


@pytest.fixture
def config(tmp_path):
    """A tiny run on three chorales of two bars."""
    chorale = [[72 + i // 4 % 3, 67, 64, 48 + i // 8] for i in range(32)]
    corpus = tmp_path / "chorales.json"
    corpus.write_text(json.dumps({"train": [chorale], "valid": [chorale], "test": [chorale]}))
    path = tmp_path / "tiny.yaml"
    path.write_text(
        f"""
name: tiny
out: {tmp_path / "runs"}
threads: 1
evaluate_every: 2
model: {{width: 16, layers: 1, heads: 2, hidden: 16, window: 128}}
data: {{path: {corpus}}}
optim: {{steps: 2, batch: 1, warmup: 1}}
"""
    )
    return path


def test_a_run_leaves_a_model_that_loads(run, config, tmp_path) -> None:
    from symbolic_music import load_model

    outcome = run("train", config, "seed=3", "--json")
    assert outcome.err == ""
    facts = json.loads(outcome.out)
    assert (facts["step"], facts["finished"]) == (2, True)
    assert facts["out"] == str(tmp_path / "runs" / "tiny" / "best")
    assert load_model(facts["out"]).card.name == "tiny"


def test_its_log_can_be_drawn(run, config, tmp_path) -> None:
    from symbolic_music import plotting

    run("train", config)
    rows = plotting.read_log(tmp_path / "runs" / "tiny" / "log.csv")
    assert {row["split"] for row in rows} == {"train", "valid"}
    assert "nats a token" in plotting.loss_curve(rows, tmp_path / "a.svg").read_text()


def test_a_run_goes_on_only_when_asked(run, mistake, config) -> None:
    assert "no" in mistake("train", config, "--resume")
    run("train", config)
    assert "--resume" in mistake("train", config)
    outcome = run("train", config, "--resume", "--json")
    assert json.loads(outcome.out)["step"] == 2


def test_an_interrupted_run_says_how_to_go_on(run, config, monkeypatch) -> None:
    from symbolic_music import training
    from symbolic_music.training.trainer import Result

    monkeypatch.setattr(training, "train", lambda settings, resume, report: Result(1, False, 9.0, settings.folder))
    outcome = run("train", config)
    assert outcome.code == 130
    assert outcome.out == "stopped at step 1; continue with --resume\n"
    assert not outcome.err


def test_mistakes(mistake, config, tmp_path) -> None:
    assert "cannot read config" in mistake("train", tmp_path / "missing.yaml")
    assert "unknown setting optim.stepz; did you mean steps?" in mistake("train", config, "optim.stepz=3")
    assert "key=value" in mistake("train", config, "fast")
    assert "data.path" in mistake("train", config, "data.path=[]")
    assert "missing.json" in mistake("train", config, f"data.path={tmp_path / 'missing.json'}")
