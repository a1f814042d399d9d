"""The page in a real browser: open, drag, ask, hear, keep, undo, save; hostile names; a server that dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbolic_music as sm
from tests.browsers import until
from tests.studio.conftest import Running, band
from tests.studio.test_server import BAR, outside


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page in which an error fails the test."""
    errors: list[str] = []
    opened = browser.new_page(viewport={"width": 1360, "height": 860}, accept_downloads=True)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()
    assert errors == []


def open_piece(page: Any, running: Running) -> None:
    """Open the address and wait until the piece is drawn."""
    page.goto(running.address)
    until(lambda: page.evaluate("Boolean(window.studio?.lanes?.layout?.painted)"), "the piece")


def drag(page: Any, first_bar: int, last_bar: int, first_track: int, last_track: int) -> None:
    """Drag over bars (from 1, both included) and tracks (from 0) in the lanes."""
    box = page.locator(".lanes-roll canvas").bounding_box()
    bar_tick = "studio.piece.timeline.barTick"
    left, right = page.evaluate(
        f"[studio.lanes.x({bar_tick}({first_bar - 1})), studio.lanes.x({bar_tick}({last_bar}))]"
    )
    top, height = page.evaluate("[studio.lanes.top, studio.lanes.laneHeight]")
    ys = [box["y"] + top + height * (track + 0.5) for track in (first_track, last_track)]
    page.mouse.move(box["x"] + left + 4, ys[0])
    page.mouse.down()
    page.mouse.move(box["x"] + (left + right) / 2, sum(ys) / 2, steps=3)
    page.mouse.move(box["x"] + right - 6, ys[1], steps=3)
    page.mouse.up()


def ask(page: Any, count: int) -> None:
    """So many alternatives of what is chosen, drawn to the end."""
    page.evaluate(f"studio.ask.count = {count}; studio.ask.seed = '5'; studio.ask.label()")
    page.click("button.go")
    # A short region can be drawn between two looks.
    begun = "studio.alternatives.isDrawing || studio.alternatives.cards.length > 0"
    until(lambda: page.evaluate(begun), "the drawing to begin")
    notes = "!studio.alternatives.isDrawing || studio.alternatives.cards.some((card) => card.roll.live.length > 0)"
    until(lambda: page.evaluate(notes), "notes")
    until(lambda: page.evaluate("!studio.alternatives.isDrawing"), "the drawing to end")


def test_a_region_is_rewritten_heard_kept_undone_and_saved(
    page: Any, launch: Callable[..., Running], band_file: Path, tmp_path: Path
) -> None:
    running = launch(str(band_file))
    open_piece(page, running)
    drag(page, 3, 4, 1, 1)
    assert page.evaluate("studio.selection") == {"first": 2 * BAR, "last": 4 * BAR, "tracks": [1]}
    assert page.inner_text(".asked") == "Bars 3 to 4 · Bass"
    ask(page, 2)
    cards = page.locator(".card:not([data-alternative=original])")
    assert cards.count() == 2
    fits = page.evaluate("studio.alternatives.listed.map((one) => one.fit)")
    assert fits == sorted(fits, reverse=True)
    assert cards.nth(0).locator(".facts").inner_text().startswith(f"fit {round(100 * fits[0])} %")

    cards.nth(0).locator("button").first.click()
    began = until(lambda: page.evaluate("studio.sound.playing && studio.sound.position()"), "sound")
    until(lambda: page.evaluate("studio.sound.position() ?? 0") > began + 0.3, "the music to go on")
    assert page.evaluate("studio.sound.context.currentTime") > 0.3
    page.keyboard.press("2")  # the second from the left, whatever its letter
    until(
        lambda: page.evaluate("studio.alternatives.heardNumber === studio.alternatives.listed[1].number"), "the second"
    )

    number = int(cards.nth(0).get_attribute("data-alternative"))
    cards.nth(0).locator("button.keep").click()
    until(lambda: page.evaluate("studio.session.current") == 2, "the kept state")
    with page.expect_download() as download:
        page.click("button.save")
        page.click(".menu button[data-kind=mid]")
    download.value.save_as(tmp_path / "saved.mid")
    saved, original, place = sm.read(tmp_path / "saved.mid"), sm.read(band_file), (2 * BAR, 4 * BAR, [1])
    assert (outside(saved, *place) == outside(original, *place)).all()
    assert saved != original
    alternative = running.client.get(f"/sessions/{page.evaluate('studio.session.id')}/edits/1/alternatives/{number}")
    assert saved.notes["pitch"].tolist() == alternative["notes"]["pitch"]

    page.keyboard.press("Control+z")
    until(lambda: page.evaluate("studio.session.current") == 1, "the undo")
    with page.expect_download() as download:
        page.click("button.save")
        page.click(".menu button[data-kind=mid]")
    download.value.save_as(tmp_path / "undone.mid")
    assert (tmp_path / "undone.mid").read_bytes() == band_file.read_bytes()


def test_notes_are_drawn_moved_and_deleted_by_hand(page: Any, launch: Callable[..., Running], band_file: Path) -> None:
    open_piece(page, launch(str(band_file)))
    box = page.locator(".notes-roll canvas").bounding_box()
    height = "studio.notes.top + studio.notes.layout.note(0, pitch)[0] - studio.notes.scrollY + 5"
    place = f"((tick, pitch) => [studio.notes.x(tick), {height}])"
    page.evaluate("studio.notes.zoom(3, 64); studio.tools.setTool('pencil')")
    x, y = page.evaluate(f"{place}(500, 72)")
    page.mouse.move(box["x"] + x + 2, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + x + 30, box["y"] + y, steps=4)
    page.mouse.up()
    until(lambda: page.evaluate("studio.session.current") == 2, "the new note")
    found = "[...studio.piece.sounding(0, 480, 960)].filter((row) => studio.piece.pitch[row] === %d)"
    assert page.evaluate(f"{found % 72}.map((row) => studio.piece.onset[row])") == [480]
    page.evaluate("studio.tools.setTool('select')")
    x, y = page.evaluate(f"{place}(490, 72)")
    up = page.evaluate("studio.notes.layout.rowHeight") * 2
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + x, box["y"] + y - up, steps=4)
    page.mouse.up()
    until(lambda: page.evaluate("studio.session.current") == 3, "the moved note")
    assert page.evaluate(f"{found % 74}.length") == 1
    x, y = page.evaluate(f"{place}(490, 74)")
    page.mouse.click(box["x"] + x, box["y"] + y)
    # Keys that follow each other fast wait for each other, and the note stays chosen.
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    until(lambda: page.evaluate("studio.session.current") == 5, "two semitones")
    until(lambda: page.evaluate("studio.notes.chosen.size") == 1, "the chosen note")
    assert page.evaluate("[...studio.notes.chosen].map((row) => studio.piece.pitch[row])") == [76]
    page.keyboard.press("Delete")
    until(lambda: page.evaluate("studio.session.current") == 6, "the deletion")
    assert page.evaluate("studio.piece.count") == len(band())
    # Two keys of a MIDI keyboard at once are a chord of two notes.
    page.evaluate("studio.tools.setTool('pencil')")
    page.evaluate(
        "import('./midi_in.js').then((midi) => { midi.played(studio, 84, 90); midi.played(studio, 88, 90); })"
    )
    until(lambda: page.evaluate("studio.session.current") == 8, "the chord")
    assert page.evaluate("[84, 88].every((pitch) => studio.piece.pitch.includes(pitch))")
    page.click("text=Delete track")
    until(lambda: page.evaluate("studio.piece.tracks.map((t) => t.title).join()") == "Bass,Drums", "a track less")


def test_a_keyboard_plays_notes_in(page: Any, launch: Callable[..., Running], band_file: Path) -> None:
    """Web MIDI stands behind an interface: here a keyboard that the test plays."""
    open_piece(page, launch(str(band_file)))
    page.evaluate("""async () => {
        const { midiInput } = await import('/midi_in.js');
        midiInput(studio, { onNote: (handler) => { window.strike = handler; return () => {}; } });
        studio.tools.setTool('pencil');
        studio.transport.seek(960);
        strike(79, 101);
    }""")
    until(lambda: page.evaluate("studio.session.current") == 2, "the note")
    row = "[...studio.piece.rows[0]].find((row) => studio.piece.pitch[row] === 79)"
    assert page.evaluate(f"[studio.piece.onset[{row}], studio.piece.velocity[{row}]]") == [960, 101]
    assert page.evaluate("studio.transport.cursor") == 960 + 120


def test_a_hostile_name_is_only_text(page: Any, launch: Callable[..., Running], tmp_path: Path) -> None:
    name = "<img src=x onerror=window.hacked=1>.mid"
    score = band(2)
    hostile = score.replace(
        tracks=tuple(type(t)(f"<script>window.hacked=1</script>{t.name}", t.program, t.is_drum) for t in score.tracks)
    )
    hostile.write(tmp_path / name)
    running = launch(str(tmp_path / name))
    open_piece(page, running)
    assert page.inner_text(".bar .title") == name
    assert page.locator("img[src=x]").count() == page.locator("body script").count() == 0
    page.click(".bar .home")
    page.wait_for_selector(".start")
    assert page.locator(".item", has_text="onerror").count() == 1
    assert page.evaluate("window.hacked") is None
    assert page.title().startswith("<img")


def test_chords_are_typed_and_keys_work_what_has_the_focus(
    page: Any, launch: Callable[..., Running], band_file: Path
) -> None:
    open_piece(page, launch(str(band_file)))
    box = page.locator(".lanes-roll canvas").bounding_box()
    page.mouse.click(box["x"] + page.evaluate(f"studio.lanes.x({2 * BAR})") + 6, box["y"] + 35)
    page.keyboard.type("Bb7")
    page.keyboard.press("Enter")
    until(lambda: page.evaluate("studio.session.chords?.find(([bar]) => bar === 3)?.[1]") == "Bb7", "the chord")
    assert page.locator(".chord-editor").count() == 0

    for keys in ("Control+ArrowRight", "Control+ArrowRight", "Control+Shift+ArrowRight", "Control+ArrowDown"):
        page.keyboard.press(keys)
    assert page.inner_text(".asked") == "Bars 2 to 3 · Bass"
    page.focus("input[title='Highest new pitch']")
    highest = "document.activeElement.value"
    before = int(page.evaluate(highest))
    page.keyboard.press("ArrowUp")
    assert int(page.evaluate(highest)) == before + 1
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.evaluate("[document.activeElement.checked, studio.sound.playing]") == [True, False]
    page.click(".asked")
    page.focus(".transport select")
    page.locator(".transport select").select_option("soundfont")
    assert page.evaluate("document.activeElement === document.body")  # Space plays again
    assert page.evaluate("studio.session.current") == 1

    page.click(".header[data-track='2'] button:text-is('M')")
    assert page.evaluate("document.activeElement.title") == "Mute Drums"
    page.evaluate("studio.lanes.zoom(2)")
    view = "[studio.lanes.perQuarter, studio.focus, studio.selection, [...studio.headers.muted]]"
    seen = page.evaluate(view)
    until(lambda: page.evaluate("studio.session.view.muted?.length && studio.session.view.perQuarter") == seen[0], "it")
    page.wait_for_timeout(300)  # the answer
    page.reload()
    until(lambda: page.evaluate("Boolean(window.studio?.isReady && studio.lanes.layout?.painted)"), "the piece again")
    assert page.evaluate(view) == seen


DROP = """async ([target, files]) => {
    const data = new DataTransfer();
    for (const [name, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name));
    const event = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector(target).dispatchEvent(event);
    return event.defaultPrevented;
}"""


def test_files_are_dropped_anywhere(page: Any, launch: Callable[..., Running], band_file: Path) -> None:
    page.goto(launch().address)
    page.wait_for_selector(".start")
    music = list(band_file.read_bytes())
    assert page.evaluate(DROP, ["footer", [["photo.jpg", [1, 2, 3]]]])
    until(lambda: page.inner_text(".notice").startswith("cannot open .jpg"), "the refusal")
    assert page.evaluate(DROP, ["footer", [["first.mid", music]]])
    until(lambda: page.evaluate("window.studio?.isReady && studio.session.name") == "first.mid", "the first")
    assert page.evaluate(DROP, [".lanes-roll", [["second.mid", music], ["third.mid", music]]])
    until(lambda: page.evaluate("window.studio?.isReady && studio.session.name") == "second.mid", "the second")
    until(lambda: page.inner_text(".notice") == "second.mid is open; drop one file at a time.", "the word")


def test_a_killed_server_loses_nothing(page: Any, launch: Callable[..., Running], band_file: Path) -> None:
    running = launch(str(band_file))
    open_piece(page, running)
    page.evaluate("studio.change([{ do: 'delete', rows: [0] }], 'delete notes')")
    until(lambda: page.evaluate("studio.session.current") == 2, "the change")
    session = page.evaluate("studio.session.id")
    drag(page, 1, 8, 0, 2)
    # More alternatives than are drawn before the page is looked at again.
    page.evaluate("studio.ask.count = 8")
    page.click("button.go")
    until(lambda: page.evaluate("studio.alternatives.cards.some((card) => card.roll.live.length > 0)"), "notes")
    running.kill()

    again = launch(str(band_file))
    assert f"session={session}" in again.address
    open_piece(page, again)
    assert page.evaluate("[studio.session.current, studio.session.states.length, studio.piece.count]") == [
        2, 2, len(band()) - 1,
    ]  # fmt: skip
    assert page.inner_text(".notice").startswith("The server ended")
    drag(page, 2, 2, 1, 1)
    ask(page, 2)
    again.kill()

    third = launch(str(band_file))
    open_piece(page, third)
    until(lambda: page.locator(".card:not([data-alternative=original])").count() == 2, "the alternatives")
    page.locator("button.keep").first.click()
    until(lambda: page.evaluate("studio.session.current") == 3, "the kept state")


def test_an_example_is_opened_from_the_start_page(page: Any, launch: Callable[..., Running]) -> None:
    pytest.importorskip("music21")
    page.goto(launch().address)
    page.click("[data-example=chorale]")
    until(lambda: page.evaluate("Boolean(window.studio?.lanes?.layout?.painted)"), "the piece")
    assert page.evaluate("studio.piece.tracks.length") == 4
    page.evaluate("studio.transport.play()")
    until(lambda: page.evaluate("studio.sound.position() > 0.2"), "sound")
    page.keyboard.press("Space")
    assert page.evaluate("studio.sound.playing") is False


def test_a_note_that_does_not_come_is_told_and_asked_for_again(
    page: Any, launch: Callable[..., Running], band_file: Path
) -> None:
    open_piece(page, launch(str(band_file)))
    page.route("**/api/note?*", lambda route: route.abort())
    page.evaluate("studio.hear(1, 40, 100)")
    page.wait_for_selector(".notice.bad")
    assert page.evaluate("studio.sound.notes.size") == 0
    page.unroute("**/api/note?*")
    page.evaluate("studio.hear(1, 40, 100)")
    assert page.evaluate("studio.sound.notes.size") == 1


def test_the_basics_change_groove_instrument_and_style(
    page: Any, launch: Callable[..., Running], band_file: Path
) -> None:
    running = launch(str(band_file))
    open_piece(page, running)
    page.click("text=Basics")
    cards = page.locator(".basic")
    assert [cards.nth(i).locator("h3").inner_text() for i in range(cards.count())] == [
        "Style", "Tempo and groove", "Instruments", "Structure", "Mix"
    ]  # fmt: skip
    page.locator("[data-basic=style] select").select_option("song")
    drag(page, 1, 2, 1, 1)
    page.click("text=Follow the selected bars")
    assert page.evaluate("studio.ask.like") == [0, 2 * BAR]
    assert "bars 1 to 2" in page.inner_text("[data-basic=style]")
    before = page.evaluate("Array.from(studio.piece.duration)")
    page.evaluate("studio.select(null)")
    page.click("[data-basic='tempo and groove'] button:text-is('Swing')")
    until(lambda: page.evaluate("Array.from(studio.piece.duration)") != before, "the swing")
    page.locator("[data-basic=instruments] select").nth(1).select_option("32")
    until(lambda: page.evaluate("studio.piece.tracks[1].instrument") == 32, "the instrument")
    drag(page, 3, 4, 1, 1)
    ask(page, 1)
    assert page.evaluate("studio.ask.wish().like") == [0, 2 * BAR]
    assert page.locator(".card:not([data-alternative=original])").count() == 1
    page.evaluate("studio.go('undo')")
    until(lambda: page.evaluate("studio.piece.tracks[1].instrument") != 32, "undo")


def test_twenty_tracks_scroll_by_moving_strips(page: Any, launch: Callable[..., Running], tmp_path: Path) -> None:
    """Scrolling paints each strip once, whatever the notes; the picture moves with it."""
    parts = [band(80) for _ in range(7)]
    rows = np.concatenate([part.notes for part in parts])
    rows["track"] += 3 * np.repeat(np.arange(7), len(parts[0].notes)).astype(rows["track"].dtype)
    order = np.argsort(rows["onset"], kind="stable")
    song = parts[0].replace(notes=rows[order], tracks=tuple(track for part in parts for track in part.tracks))
    open_piece(page, launch(song.write(tmp_path / "many.mid")))
    assert page.evaluate("studio.piece.tracks.length") == 21
    painted, seen, pictures = page.evaluate("""async () => {
        const roll = studio.lanes, draw = roll.tiles.draw.bind(roll.tiles), pictures = new Set();
        const frame = () => new Promise((done) => requestAnimationFrame(done));
        let painted = 0;
        roll.scrollTo(0, 0);
        await frame(); await frame();
        roll.tiles.draw = (key, left, width, height, ratio, paint, put) =>
            draw(key, left, width, height, ratio, (...given) => { painted++; paint(...given); }, put);
        const from = roll.scrollX;
        for (let i = 0; i < 60; i++) {
            roll.scrollTo(roll.scrollX + 40, 0);
            await frame();
            if (i % 20 === 0) pictures.add(document.querySelector('.lanes-roll canvas').toDataURL());
        }
        return [painted, (roll.scrollX - from) / 512, pictures.size];
    }""")
    assert seen > 3
    assert 1 <= painted <= seen + 2
    assert pictures == 3
