"""The page itself: one HTML file with styles, scripts and data inside, which asks no network for anything."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from colonnade.report.markup import Markup

#: The page's own scripts, in the order in which they need each other.
SCRIPTS: Final = (
    "format.js", "elements.js", "frames.js", "axis.js", "pictures.js", "rows.js", "listing.js", "filters.js", "locus.js",
    "distance.js", "indels.js", "overview.js", "downloads.js", "main.js",
)  # fmt: skip

#: A browser that holds to this runs the page's scripts and no other, and asks the network for nothing, whatever data say.
#: Vega compiles expressions of its specifications, hence unsafe-eval; it sets styles of elements.
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-eval' {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    Parameters
    ----------
    texts
        HTML by placeholder of ``page/page.html``.
    settings
        What the scripts are told, as JSON for a script element.
    """

    texts: Mapping[str, Markup]
    settings: str

    def pieces(self, frames: Iterable[tuple[str, str]], libraries: str) -> Iterator[str]:
        """The HTML in pieces.

        Parameters
        ----------
        frames
            Names and packed contents of the page's data.
        libraries
            JavaScript that the page's own scripts need.
        """
        own = f"(() => {{\n'use strict';\n{''.join(map(_asset, SCRIPTS))}}})();\n"
        policy = _POLICY.format(scripts=" ".join(f"'sha256-{_digest(script)}'" for script in (libraries, own)))
        texts = {**self.texts, "policy": escape(policy), "style": _asset("page.css")}
        yield Template(_asset("page.html")).substitute(texts)
        yield f'<script type="application/json" id="settings">{self.settings}</script>\n'
        for name, packed in frames:
            yield f'<script type="text/plain" id="frame-{name}">{packed}</script>\n'
        yield f"<script>{libraries}</script>\n<script>{own}</script>\n</body>\n</html>\n"


def _asset(name: str) -> str:
    return (files("colonnade.report") / "page" / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
