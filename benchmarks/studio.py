"""The studio in a real browser: frames a second, the first sound, the cursor beside the sound.

python benchmarks/studio.py

A headless Chromium (its pictures are drawn by the processor) shows 20 tracks of 2,500 notes in lanes of 1,360 by 860
pixels. Frames are counted while the lanes scroll by 12 pixels a frame for five seconds, near (four bars wide) and far
(the whole piece); a paint is the time that the page's own code takes for one. The first sound is the time from a
click to the first sample, in the middle of the piece, once the server has played before. The cursor is compared with
the samples that leave the page's mixer: strokes on a drum, one a second.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from result_file import row, write_result

from symbolic_music.score import METER, TEMPO, Score, Track, note_table

TRACKS, NOTES, SECONDS = 20, 2500, 5
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--autoplay-policy=no-user-gesture-required"]
SCROLL = """([perQuarter, seconds]) => new Promise((done) => {
    const roll = studio.lanes;
    roll.perQuarter = perQuarter;
    roll.scrollTo(0, 0);
    const times = [], paints = [], paint = roll.paint;
    roll.paint = function () {
        const begun = performance.now();
        paint.call(roll);
        paints.push(performance.now() - begun);
    };
    const begun = performance.now();
    const step = (now) => {
        times.push(now);
        if (performance.now() - begun > 1000 * seconds) { roll.paint = paint; done([times, paints]); return; }
        roll.scrollTo(roll.scrollX + 12);
        if (roll.scrollX * 1.02 > roll.piece.end * roll.tickScale - 1000) roll.scrollX = 0;
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
})"""
STROKE = """async (from) => {
    const { sound } = studio;
    const context = sound.open();
    const ear = new AnalyserNode(context, { fftSize: 32768 });
    sound.out.connect(ear);
    await studio.transport.play({}, from);
    const heard = new Float32Array(32768);
    for (;;) {
        await new Promise((r) => setTimeout(r, 20));
        const before = context.currentTime;
        ear.getFloatTimeDomainData(heard);
        // Where the clock moved on meanwhile, it does not say when these samples were.
        if (context.currentTime !== before) continue;
        const at = heard.findIndex((x) => Math.abs(x) > 0.02);
        if (at >= 0 && sound.startedAt !== null) {
            const time = before - (heard.length - at) / context.sampleRate;
            const error = 1000 * (sound.timeOf(Math.ceil(from)) - time);
            const first = sound.firstSoundMs;
            studio.transport.stop();
            sound.out.disconnect(ear);
            return [error, first];
        }
    }
}"""


def orchestra() -> Score:
    """Twenty tracks of 2,500 notes, the last of them drums."""
    rng = np.random.default_rng(0)
    count = TRACKS * NOTES
    track = np.arange(count) % TRACKS
    drums = track == TRACKS - 1
    notes = note_table(
        onset=np.sort(rng.integers(0, NOTES * 240, count)), duration=rng.integers(60, 500, count),
        pitch=rng.integers(36, 90, count), velocity=rng.integers(40, 110, count), track=track,
        program=np.where(drums, 0, 5 * track), channel=np.where(drums, 9, 0),
    )  # fmt: skip
    parts = tuple(Track("", 5 * i if i < TRACKS - 1 else 0, i == TRACKS - 1) for i in range(TRACKS))
    return Score(notes=notes, tracks=parts, meters=np.array([(0, 4, 4)], METER))


def strokes() -> Score:
    """A side stick every second for a minute."""
    rows = [(960 * second, 60, 37, 120, 0, 9, 0) for second in range(60)]
    return Score(notes=note_table(rows), tempos=np.array([(0, 500_000)], TEMPO), tracks=(Track("", 0, True),))


def opened(browser: Any, address: str) -> Any:
    """A page that shows the session."""
    page = browser.new_page(viewport={"width": 1360, "height": 860})
    page.goto(address)
    while not page.evaluate("Boolean(window.studio?.lanes?.layout?.painted)"):
        time.sleep(0.1)
    return page


def measure() -> dict[str, float]:
    """All figures."""
    from playwright.sync_api import sync_playwright

    from symbolic_music.studio import background, studio

    found: dict[str, float] = {}
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        made = studio(Path(folder))
        many, sticks = (made.context.sessions.create_from(s, n) for s, n in ((orchestra(), "many"), (strokes(), "one")))
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        with background(made):
            page = opened(browser, made.address(many))
            for name, width in (("near", 60.0), ("far", 2.0)):
                page.evaluate(SCROLL, [width, 1])
                times, paints = page.evaluate(SCROLL, [width, SECONDS])
                gaps = np.diff(times)
                found[f"{name}: frames"] = 1000 / float(np.mean(gaps))
                found[f"{name}: paint, median"] = float(np.median(paints))
                found[f"{name}: paint, 95 of 100"] = float(np.percentile(paints, 95))
            first = []
            for bar in (100, 130, 160, 190, 220, 250):
                page.evaluate(f"studio.transport.play({{}}, {bar} * 0.5)")
                while page.evaluate("studio.sound.startedAt") is None:
                    time.sleep(0.02)
                first.append(page.evaluate("studio.sound.firstSoundMs"))
                page.evaluate("studio.transport.stop()")
                time.sleep(0.3)
            found["first sound, 20 tracks"] = statistics.median(first[1:])
            page.close()
            page = opened(browser, made.address(sticks))
            results = [page.evaluate(STROKE, start) for start in (0.5, 3.5, 7.25, 20.5, 31.75, 41.6)]
            found["cursor, largest error"] = max(abs(error) for error, _ in results)
            found["first sound, 1 track"] = statistics.median(first for _, first in results[1:])
            browser.close()
    return found


def main() -> None:
    found = measure()
    rows = [row(name, value, "a second" if name.endswith("frames") else "ms") for name, value in found.items()]
    write_result("studio", {"tracks": TRACKS, "notes": TRACKS * NOTES}, rows, "Chromium headless without a GPU")


if __name__ == "__main__":
    main()
