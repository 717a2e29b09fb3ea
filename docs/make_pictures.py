"""Make docs/pictures/report.png again: python docs/make_pictures.py [PREFIX].

The picture is the top of the report of the result at PREFIX; without one, of what ``colonnade demo`` compares. It needs Chromium
(Debian's ``chromium``) and the packages of the group ``test``.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

import colonnade as cn
from colonnade.simulate.demo import run_demo

PICTURE = Path(__file__).parent / "pictures" / "report.png"
CHROMIUM = "/usr/bin/chromium"
WIDTH, HEIGHT = 1440, 1330  # pixels: as far as the chosen locus' composition
NAME = "demo"


def main(prefix: Path | None) -> None:
    """Make the report of a result, or of the demo's, and take its picture."""
    with TemporaryDirectory() as folder:
        if prefix is None:
            run_demo(Path(folder) / NAME)
            prefix = Path(folder) / NAME / "result"
        page = Path(folder) / "report.html"
        cn.write_report(prefix, page)
        take_picture(page)


def take_picture(page: Path) -> None:
    """The top of a page as it is when all is drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-ready]", state="attached")
        tab.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
