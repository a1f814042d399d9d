"""Pictures of the studio for its page: PYTHONPATH=. python docs/make/studio_pictures.py (Playwright and a Chromium)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from symbolic_music.io import read
from symbolic_music.studio import background, studio
from tests.browsers import FLAGS, browser_path, until
from tests.studio.test_browser import ask, drag

DOCS = Path(__file__).parent.parent
PAINTED = "Boolean(window.studio?.lanes?.layout?.painted)"


def shot(page: Any, name: str) -> None:
    """A picture of what is seen."""
    page.mouse.move(700, 20)
    page.wait_for_timeout(400)
    page.screenshot(path=DOCS / "images" / f"studio_{name}.png")


def main() -> None:
    """Start page, a selected bass, its alternatives, the notes after one is kept, and the basics."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        made = studio(Path(folder))
        session = made.context.sessions.create_from(read(DOCS / "files" / "song.mid"), "song")
        browser = driver.chromium.launch(executable_path=browser_path(), args=FLAGS)
        with background(made):
            page = browser.new_page(viewport={"width": 1360, "height": 850}, color_scheme="dark")
            page.goto(made.address())
            page.wait_for_timeout(800)
            shot(page, "start")
            page.goto(made.address(session))
            until(lambda: page.evaluate(PAINTED), "the piece")
            drag(page, 6, 9, 2, 2)
            shot(page, "selected")
            ask(page, 4)
            shot(page, "alternatives")
            page.click(".card.best button.keep")
            until(lambda: page.evaluate("studio.session.current") == 2, "the kept state")
            page.click("button[title='Light or dark']")
            page.wait_for_timeout(6000)  # until what was said is gone
            drag(page, 6, 9, 2, 2)
            shot(page, "light")
            page.click("text=Basics")
            drag(page, 1, 4, 2, 2)
            page.click("text=Follow the selected bars")
            drag(page, 6, 9, 2, 2)
            shot(page, "basics")
            browser.close()


if __name__ == "__main__":
    main()
