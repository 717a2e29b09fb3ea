"""A report in a browser: what is read from it, and what went wrong in it."""

from pathlib import Path
from typing import Any

TIMEOUT = 10_000  # milliseconds after which a test gives up waiting


class Opened:
    """A page that has been opened, and what went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self.wrong.append(f"failed {request.url}"))

    def goto(self, path: Path) -> None:
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready]", state="attached", timeout=3 * TIMEOUT)

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def rows(self) -> list[list[str]]:
        """Cells of the rows of the list that are in the page."""
        return self.page.eval_on_selector_all(
            "#rows tr.row", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )

    def chosen(self) -> int:
        """The row whose locus the panel shows, once it is drawn."""
        self.page.wait_for_function(
            "document.querySelector('#locus').dataset.drawn === document.querySelector('#locus').dataset.row"
        )
        return int(self.page.get_attribute("#locus", "data-row"))

    def settled(self, selector: str, text: str) -> None:
        self.page.wait_for_function(
            "([selector, text]) => document.querySelector(selector).textContent.startsWith(text)", arg=[selector, text]
        )

    def saved(self, button: str) -> bytes:
        """The bytes of a download, and its name in ``name``."""
        with self.page.expect_download() as waiting:
            self.page.locator(button).click()
        self.name = waiting.value.suggested_filename
        return Path(waiting.value.path()).read_bytes()
