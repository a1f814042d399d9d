from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbolic_music.errors import EvaluationError, OptionError
from symbolic_music.evaluation.listening import (
    Clip,
    bradley_terry,
    holm,
    judge,
    listening_page,
    read_answers,
    wilcoxon,
)

SYSTEMS = ("copy", "model", "reference")


def clips(items: tuple[str, ...] = ("a", "b"), systems: tuple[str, ...] = SYSTEMS) -> list[Clip]:
    return [Clip(item, system, f"{item} {system}".encode(), ".wav") for item in items for system in systems]


def shown_by(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="test" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize(("kind", "trials"), [("pairwise", 6), ("mos", 6), ("mushra", 2)])
def test_a_page_holds_its_audio_and_no_names(kind: Any, trials: int) -> None:
    page, key = listening_page(clips(), kind, question="Which </script> <!--<script> one?")
    test = shown_by(page)
    assert len(test["trials"]) == trials
    assert all(clip in test["audio"] for trial in test["trials"] for clip in trial["clips"])
    assert not any(re.search(rf"\b{name}\b", json.dumps(test["trials"])) for name in ("copy", "model"))
    assert "model" not in page.split('id="test"')[1].split("</script>")[0]
    assert sorted(map(tuple, key["clips"].values())) == sorted((c.item, c.system) for c in clips())
    assert test["question"] == "Which </script> <!--<script> one?"
    assert "<" not in page.split('id="test" type="application/json">')[1].split("</script>")[0]
    if kind == "mushra":
        opened = {trial["reference"] for trial in test["trials"]}
        assert not opened & key["clips"].keys()
        assert opened <= test["audio"].keys()


def test_what_makes_no_test_is_refused() -> None:
    with pytest.raises(OptionError):
        listening_page(clips(), "abx")  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match="reference"):
        listening_page(clips(systems=("copy", "model")), "mushra")
    with pytest.raises(EvaluationError, match="two systems"):
        listening_page(clips(systems=("copy",)), "pairwise")
    with pytest.raises(EvaluationError, match="'model' has 0"):
        listening_page(clips()[:4], "pairwise")
    with pytest.raises(EvaluationError, match="do not play"):
        listening_page([Clip("a", s, b"", ".aiff") for s in SYSTEMS], "mos")


def answered(page: str, key: dict[str, Any], listener: str, choose: Callable[[str, str], str | None]) -> dict[str, Any]:
    """Answers to a pairwise page: `choose` takes two systems and gives the better, or None."""
    test, names = shown_by(page), key["clips"]
    answers = []
    for trial in test["trials"]:
        of = {names[clip][1]: clip for clip in trial["clips"]}
        better = choose(*of)
        answers.append({"clips": trial["clips"], "better": None if better is None else of[better], "seconds": 3})
    return {"test": test["id"], "kind": "pairwise", "listener": listener, "answers": answers}


def test_answers_find_their_systems() -> None:
    page, key = listening_page(clips(), "pairwise")
    sheet = answered(page, key, "x", lambda one, other: "model" if "model" in (one, other) else None)
    rows = read_answers([sheet], key)
    assert {row["better"] for row in rows if not row["tie"]} == {"model"}
    assert sum(row["tie"] for row in rows) == 2
    found = judge(rows)
    assert (found.listeners, found.judgements) == (1, 6)
    assert found.means["model"].value == 1
    assert found.means["copy"].value == 0.25
    # It never loses: no finite strength.
    assert found.strengths == {}
    with pytest.raises(EvaluationError, match="do not belong"):
        read_answers([{**sheet, "test": "other"}], key)
    with pytest.raises(EvaluationError, match="no clip"):
        read_answers([{**sheet, "answers": [{"clips": ["no", "none"], "better": None}]}], key)
    with pytest.raises(EvaluationError, match="no answers"):
        judge([])


BROKEN: dict[str, Any] = {
    "a list": [],
    "a word": "x",
    "no answers": {"answers": None},
    "a number": {"answers": 3},
    "an empty answer": {"answers": [{}]},
    "one clip": {"answers": [{"clips": ["A"], "better": None}]},
    "another clip is better": {"answers": [{"clips": ["A", "B"], "better": "C"}]},
    "ratings in a test of pairs": {"answers": [{"clips": ["A"], "ratings": {"A": 3}}]},
    "a listener of several names": {"listener": ["x"]},
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers_are_refused(name: str) -> None:
    key = {"test": "t", "kind": "pairwise", "clips": {"A": ["1", "a"], "B": ["1", "b"], "C": ["2", "a"]}}
    sheet = {"test": "t", "kind": "pairwise", "listener": "x", "answers": [{"clips": ["A", "B"], "better": "A"}]}
    broken = BROKEN[name]
    with pytest.raises(EvaluationError):
        read_answers([{**sheet, **broken} if isinstance(broken, dict) else broken], key)
    assert len(read_answers([sheet], key)) == 1


@pytest.mark.parametrize("rating", ["bad", None, float("nan"), 0, 6, -1])
def test_ratings_that_the_page_cannot_give_are_refused(rating: Any) -> None:
    key = {"test": "t", "kind": "mos", "clips": {"A": ["1", "a"]}}
    sheet = {"test": "t", "listener": "x", "answers": [{"clips": ["A"], "ratings": {"A": rating}}]}
    with pytest.raises(EvaluationError):
        read_answers([sheet], key)


def test_a_sheet_counts_once_and_the_key_is_a_key() -> None:
    key = {"test": "t", "kind": "mos", "clips": {"A": ["1", "a"]}}
    sheet = {"test": "t", "listener": "x", "answers": [{"clips": ["A"], "ratings": {"A": 4}}]}
    assert judge(read_answers([sheet, {**sheet, "listener": "y"}], key)).listeners == 2
    with pytest.raises(EvaluationError, match="two sheets"):
        read_answers([sheet, sheet], key)
    for broken in ({}, [], {**key, "clips": {"A": "a"}}):
        with pytest.raises(EvaluationError, match="key"):
            read_answers([sheet], broken)  # type: ignore[arg-type]


def test_all_ties_have_no_winner() -> None:
    rows = [{"listener": f"{i}", "item": "1", "better": "a", "worse": "b", "tie": True} for i in range(4)]
    found = judge(rows)
    assert found.means["a"].value == found.means["b"].value == 0.5
    assert found.tests["a", "b"] == (1, 1)
    assert found.strengths["a"].value == pytest.approx(0)


def test_ratings_are_compared_in_pairs() -> None:
    page, key = listening_page(clips(items=tuple("abcdefgh")), "mushra")
    test, rng = shown_by(page), np.random.default_rng(0)
    level = {"reference": 90, "model": 60, "copy": 58}
    sheets = []
    for listener in range(6):
        shift = rng.normal(0, 8)
        answers = [
            {
                "clips": t["clips"],
                "ratings": {
                    c: float(np.clip(level[key["clips"][c][1]] + shift + rng.normal(0, 6), 0, 100)) for c in t["clips"]
                },
            }
            for t in test["trials"]
        ]
        sheets.append({"test": test["id"], "listener": str(listener), "answers": answers})
    found = judge(read_answers(sheets, key))
    assert found.means["reference"].value == pytest.approx(90, abs=8)
    assert found.means["reference"].n == 48
    assert found.tests["model", "reference"][1] < 0.001
    assert found.tests["copy", "model"][0] > 0.001
    assert all(corrected >= p for p, corrected in found.tests.values())


@pytest.mark.parametrize("ties", [False, True])
def test_wilcoxon_is_scipys(ties: bool) -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    for size in (5, 9, 24, 80):
        values = rng.normal(0.3, 1, size)
        if ties:
            values = np.rint(2 * values)
            method = {"method": "approx"}
        else:
            method = {"method": "exact" if size <= 50 else "approx"}
        assert wilcoxon(values) == pytest.approx(float(stats.wilcoxon(values, **method).pvalue), rel=1e-9)
    assert wilcoxon([0, 0]) == 1


def test_holms_correction() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_strengths_are_those_that_made_the_wins() -> None:
    true = {"a": -1.0, "b": 0.0, "c": 0.2, "d": 0.8}
    rng, held, wins = np.random.default_rng(2), 0, {}
    for _ in range(40):
        wins = {}
        for one, other in combinations(true, 2):
            count = rng.binomial(40, 1 / (1 + np.exp(true[other] - true[one])))
            wins[one, other], wins[other, one] = float(count), float(40 - count)
        found = bradley_terry(wins)
        held += sum(found[name].low <= value <= found[name].high for name, value in true.items())
    assert sum(one.value for one in found.values()) == pytest.approx(0, abs=1e-9)
    assert found["a"].n == 120
    assert 0.88 < held / 160 <= 1


def test_two_systems_have_the_log_odds_between_them() -> None:
    found = bradley_terry({("a", "b"): 30, ("b", "a"): 10})
    assert found["a"].value - found["b"].value == pytest.approx(np.log(3))
    with pytest.raises(EvaluationError):
        bradley_terry({("a", "b"): 3})


def test_the_verb(tmp_path: Path, run: Callable[..., Any], mistake: Callable[..., str], quartet: Any) -> None:
    for system in ("model", "copy"):
        (tmp_path / system).mkdir()
        (tmp_path / system / "one.wav").write_bytes(system.encode())
        (tmp_path / system / "two.wav").write_bytes(system.encode())
    page = tmp_path / "page.html"
    facts = json.loads(run("listening-test", tmp_path / "model", tmp_path / "copy", "-o", page, "--json").out)
    assert (facts["trials"], facts["clips"]) == (2, 4)
    key = json.loads((tmp_path / "page.key.json").read_text())
    sheet = tmp_path / "answers.json"
    sheet.write_text(json.dumps(answered(page.read_text(), key, "x", lambda one, other: "model")))
    found = json.loads(run("listening-test", sheet, "--key", tmp_path / "page.key.json", "--json").out)
    assert found["means"]["model"]["mean"] == 1
    assert found["tests"][0]["p"] == 0.5
    assert "model" in run("listening-test", sheet, "--key", tmp_path / "page.key.json").out
    assert "-o" in mistake("listening-test", tmp_path / "model")
    assert ".html" in mistake("listening-test", tmp_path / "model", "-o", tmp_path / "page.txt")
    assert "folder" in mistake("listening-test", sheet, "-o", tmp_path / "other.html")
    assert "JSON" in mistake("listening-test", page, "--key", tmp_path / "page.key.json")


def test_midi_files_are_rendered(tmp_path: Path, run: Callable[..., Any], quartet: Any) -> None:
    (tmp_path / "model").mkdir()
    quartet.write(tmp_path / "model" / "one.mid")
    page = tmp_path / "page.html"
    run("listening-test", tmp_path / "model", "-o", page, "--kind", "mos", "--sample-rate", "8000")
    audio = shown_by(page.read_text())["audio"]
    assert [address.startswith("data:audio/flac;base64,ZkxhQ") for address in audio.values()] == [True]
