"""The live views of the course, in a browser: each appears, and computes what the library computes."""

from __future__ import annotations

import functools
import html
import http.server
import json
import re
import runpy
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import symbolic_music as sm
from symbolic_music.codec.language_models.patterns import PATTERNS, get
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation.originality import open_index, originality
from symbolic_music.evaluation.statistics import mean
from symbolic_music.models.architectures.anticipatory import table_of_ids
from symbolic_music.score import METER, TEMPO, note_table
from symbolic_music.tokenizers.anticipation.events import interleave
from tests.browsers import until

LIVE = Path(__file__).resolve().parent.parent / "docs" / "live"
VIEWS = (
    "spectrum", "tokens", "surprise", "skew", "order", "sampling", "harmonics", "rvq", "patterns", "flow", "intervals",
    "passages",
)  # fmt: skip
COURSE = LIVE.parent / "how-it-works"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with all views; an error in it, or a request to another host, fails the tests."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copytree(LIVE, folder / "live")
    shutil.copytree(LIVE.parent / "katex", folder / "katex")
    places = "".join(f'<div data-live="{view}"></div>' for view in VIEWS)
    places += "".join(f'<span data-tex="{html.escape(tex)}"><math></math></span>' for tex in formulas())
    script = '<script type="module" src="live/live.js"></script>'
    (folder / "index.html").write_text(f"<!doctype html><meta charset=utf-8>{places}{script}", encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    wrong: list[str] = []
    opened = browser.new_page(viewport={"width": 900, "height": 800})
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda one: wrong.append(one.url) if not one.url.startswith((address, "blob:")) else None)
    opened.goto(address)
    until(lambda: opened.locator("[data-ready]").count() == len(VIEWS), "all views")
    yield opened
    opened.close()
    server.shutdown()
    server.server_close()
    assert wrong == []


def formulas() -> list[str]:
    """TeX of all pages."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(COURSE.glob("*.md"))]
    pages = [re.sub(r"^```.*?^```|`[^`]*`", "", text, flags=re.DOTALL | re.MULTILINE) for text in texts]
    return [tex.strip() for page in pages for tex in re.findall(r"(?<!\$)\$\$?(?![\s$])([^$]+)\$", page)]


def computed(page: Any, module: str, call: str) -> Any:
    """What a module of the page computes."""
    return page.evaluate(f"import('/live/{module}.js').then((m) => {call})")


def score_of(notes: list[tuple[int, int, int]]) -> sm.Score:
    """Notes (sixteenth, length, pitch) at 100 quarters a minute."""
    notes = sorted(notes, key=lambda note: (note[0], note[2]))
    rows = [(onset * 120, length * 120, pitch, 80, 0, 0, 0) for onset, length, pitch in notes]
    return sm.Score(
        notes=note_table(rows), tempos=np.array([(0, 600_000)], TEMPO), meters=np.array([(0, 4, 4)], METER),
        tracks=(sm.Track("Piano"),),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["performance", "remi", "anticipation"])
def test_tokens_are_those_of_the_library(page: Any, name: str) -> None:
    draw = np.random.default_rng(5)
    tokenizer = sm.tokenizers.get(name)
    for _ in range(8):
        # No pitch twice, so that no note cuts another.
        notes = [(int(draw.integers(0, 28)), int(draw.integers(1, 5)), int(pitch))
                 for pitch in draw.permutation(24)[:7] + 55]  # fmt: skip
        given = json.dumps([{"onset": onset, "length": length, "pitch": pitch} for onset, length, pitch in notes])
        shown = computed(page, "tokens", f"m.ENCODINGS.{name}({given}).map((one) => one[0])")
        assert shown == [tokenizer.vocabulary.name(int(i)) for i in tokenizer.encode(score_of(notes))]


def test_a_note_is_moved_by_key_and_by_pointer(page: Any) -> None:
    note = page.locator('[data-live="tokens"] [data-note="0"]')
    note.focus()
    page.keyboard.press("ArrowUp")
    tokens = page.locator(".live-token")
    assert tokens.all_inner_texts()[1] == "NoteOn_65"
    box = page.locator('[data-live="tokens"] [data-note="7"]').bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + 4, box["y"] - 60, steps=4)
    page.mouse.up()
    assert "NoteOn_62" not in tokens.all_inner_texts()
    assert page.locator('[data-live="tokens"] .live-note').first.inner_text().endswith("for 8 notes")


@pytest.mark.parametrize("length", [2, 5, 8])
def test_the_skew_ends_at_the_definition(page: Any, length: int) -> None:
    last = computed(page, "skew", f"m.steps({length}).at(-1).table")
    assert last == [[f"q{i}·e{i - j}" if j <= i else "–" for j in range(length)] for i in range(length)]


@pytest.mark.parametrize(
    "settings",
    [{"temperature": 0.5}, {"topK": 3}, {"topP": 0.8}, {"minP": 0.1}, {"temperature": 1.7, "topK": 6, "topP": 0.9}],
)
def test_probabilities_are_those_of_the_sampler(page: Any, settings: dict[str, float]) -> None:
    from symbolic_music.generation.decoding.sampling import Sampling, filtered

    names = {"topK": "top_k", "topP": "top_p", "minP": "min_p"}
    sampling = Sampling(**{"top_p": 1.0, **{names.get(key, key): value for key, value in settings.items()}})  # type: ignore[arg-type]
    for moment in json.loads((LIVE / "data" / "logits.json").read_text(encoding="utf-8"))["moments"]:
        assert moment["true"] in moment["names"]
        logits = np.array(moment["logits"])
        shown = computed(page, "sampling", f"m.probabilities({logits.tolist()}, {json.dumps(settings)})")
        assert shown == pytest.approx(filtered(logits[None], sampling)[0].tolist(), abs=1e-9)


def test_sliders_change_what_is_shown(page: Any) -> None:
    def said(view: str) -> str:
        return str(page.locator(f'[data-live="{view}"] .live-note').first.inner_text())

    before = said("sampling")
    page.locator('[aria-label="temperature"]').fill("0.1")
    assert said("sampling") != before
    page.locator('[data-live="rvq"] [aria-label="codebooks"]').fill("1")
    assert said("rvq").startswith("1 codebook: 0.75 kb/s")
    assert page.locator('[data-live="rvq"] audio').first.get_attribute("src").endswith("rvq-1.mp3")
    page.locator('[aria-label="window"]').fill("8")
    until(lambda: "A window of 256 samples lasts 12 ms" in said("spectrum"), "the spectrogram")


def test_a_bank_of_harmonics(page: Any) -> None:
    wave = computed(page, "harmonics", "m.period([1, 0.5], 64)")
    turns = 2 * np.pi * np.arange(64) / 64
    expected = np.sin(turns) + 0.5 * np.sin(2 * turns)
    assert wave == pytest.approx((expected / np.abs(expected).max()).tolist())
    button = page.locator('[data-live="harmonics"] button', has_text="Play")
    button.click()
    page.locator('[data-live="harmonics"] button', has_text="Stop").click()


def test_the_transform_is_numpys(page: Any) -> None:
    signal = np.random.default_rng(1).standard_normal(128)
    shown = computed(page, "fft", f"Array.from(m.magnitudes({signal.tolist()}))")
    assert shown == pytest.approx(np.abs(np.fft.rfft(signal))[:64].tolist())


def test_every_page_of_the_course_has_a_figure_and_a_view() -> None:
    pages = [file.read_text(encoding="utf-8") for file in sorted(COURSE.glob("*.md")) if file.name != "index.md"]
    assert len(pages) == 12
    assert all(re.search(r"^!\[.+\]\(\.\./images/\S+\.png\)$", page, re.MULTILINE) for page in pages)
    assert sorted(re.findall(r'data-live="(\w+)"', "".join(pages))) == sorted(VIEWS)
    assert all(page.count("data-live=") == 1 for page in pages)


def data_of(name: str) -> Any:
    """Data of a view."""
    return json.loads((LIVE / "data" / f"{name}.json").read_text(encoding="utf-8"))


def test_the_cost_of_notes_is_that_of_the_bundled_model(page: Any) -> None:
    module = runpy.run_path(str(LIVE.parent / "make" / "live_data.py"))
    model, ids, _ = module["chorale_ids"]()
    with torch.no_grad():
        parts = model.network.losses(table_of_ids(ids))
    nats = torch.stack([parts[name][0] for name in ("time", "duration", "note")], 1).numpy()
    notes = data_of("surprise")["notes"]
    assert np.array([note["nats"] for note in notes]) == pytest.approx(nats, abs=2e-3)
    for note in notes:
        p = dict(note["expected"])
        assert p.get(note["name"], np.exp(-note["nats"][2])) == pytest.approx(np.exp(-note["nats"][2]), abs=1e-3)
    view = page.locator('[data-live="surprise"]')
    view.locator('[data-note="3"]').click()
    assert (
        view.locator(".live-note")
        .last.inner_text()
        .startswith(f"Note 4: the bass has {notes[3]['name'][2:]}. It costs")
    )


@pytest.mark.parametrize("delta", [0, 3, 5, 8])
def test_controls_stand_where_the_library_puts_them(page: Any, delta: int) -> None:
    draw = np.random.default_rng(delta)
    events, controls = (np.sort(draw.integers(0, 40, size)) for size in (9, 6))
    tables = [
        np.array([(time, 1, number) for number, time in enumerate(part)], np.int32) for part in (events, controls)
    ]
    merged, is_control = interleave(*tables, delta=delta)
    given = [[{"time": int(time), "i": i} for i, time in enumerate(part)] for part in (events, controls)]
    shown = computed(page, "order", f"m.interleave({json.dumps(given[0])}, {json.dumps(given[1])}, {delta})")
    assert [(one["time"], one["i"]) for one in shown] == [(int(row[0]), int(row[2])) for row in merged]
    assert is_control.sum() == 6


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_are_those_of_the_library(page: Any, name: str) -> None:
    for codebooks, frames in ((1, 3), (4, 6), (8, 5)):
        pattern = get(name, codebooks, frames)
        arguments = f"'{name}', {codebooks}, {frames}"
        assert computed(page, "patterns", f"m.places({arguments})") == pattern.places.tolist()
        assert computed(page, "patterns", f"m.length({arguments})") == pattern.length


def test_noise_flows_to_the_data(page: Any) -> None:
    draw = np.random.default_rng(4)
    targets, x, t = draw.standard_normal((30, 2)), draw.standard_normal(2), 0.6
    # The mean over the lines that pass through x: targets weighted by the density of the noise that leads there.
    noise = (x - t * targets) / (1 - t)
    weight = np.exp(-(noise**2).sum(1) / 2)
    expected = (weight[:, None] * (targets - noise)).sum(0) / weight.sum()
    assert computed(page, "flow", f"m.velocity({x.tolist()}, {t}, {targets.tolist()})") == pytest.approx(
        expected.tolist()
    )
    start = draw.standard_normal((20, 2))
    given = f"{start.tolist()}, {targets.tolist()}"

    def reached(steps: int) -> str:
        return f"m.paths({given}, {steps}).map((path) => path.at(-1))"

    ends = [computed(page, "flow", f"m.distance({reached(steps)}, {targets.tolist()})") for steps in (1, 4, 60)]
    assert ends[0] > ends[1] > ends[2]
    assert ends[2] < 0.01
    one = computed(page, "flow", reached(1))
    assert np.array(one) == pytest.approx(np.tile(targets.mean(0), (20, 1)))


def test_intervals_over_pieces_are_those_of_the_bootstrap(page: Any) -> None:
    pieces = data_of("intervals")["pieces"]
    share, half = computed(page, "intervals", f"m.interval({pieces}, true)")
    values = np.concatenate([np.repeat([1.0, 0.0], [hits, notes - hits]) for hits, notes in pieces])
    found = mean(values, np.repeat([str(i) for i in range(len(pieces))], [notes for _, notes in pieces]).tolist())
    assert share == pytest.approx(found.value)
    assert 2 * half == pytest.approx(found.high - found.low, rel=0.1)
    assert computed(page, "intervals", f"m.interval({pieces}, false)")[1] < half / 2


def test_a_disguised_copy_is_found_as_originality_finds_it(page: Any, tmp_path: Path) -> None:
    melody = data_of("passages")["melody"]
    moved = {"20": -1, "45": 1}
    own = computed(page, "passages", f"m.disguised({melody}, 5, 1.25, {json.dumps(moved)})")
    (tmp_path / "corpus").mkdir()
    for name, notes in (("corpus/there.mid", melody), ("here.mid", own)):
        rows = [(round(960 * onset), round(960 * length), pitch, 80, 73, 0, 0) for onset, pitch, length in notes]
        sm.Score(notes=note_table(rows), tracks=(sm.Track("Flute", 73),)).write(tmp_path / name)
    sm.corpora.prepare("folder", tmp_path / "corpus", tmp_path / "store", splits="100/0/0")
    found = originality(sm.read(tmp_path / "here.mid"), open_index(NoteStore(tmp_path / "store")))
    shown = computed(page, "passages", f"m.runs({melody}, {own}, true)")
    assert (sum(shown["found"]), shown["longest"]) == (found.copied, found.longest)
    assert computed(page, "passages", f"m.runs({melody}, {own}, false).longest") == 0


def test_every_formula_is_set_by_the_local_katex(page: Any) -> None:
    places = page.locator("[data-tex]")
    assert places.count() > 30
    until(lambda: page.locator("[data-tex] .katex-html").count() == places.count(), "all formulas")
    assert page.locator(".katex-error").count() == 0
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Math'))")
