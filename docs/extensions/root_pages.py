"""Pages that stand at the root of the repository, shown among the others: the link in their place is enough on code hosts."""

import re
from pathlib import Path

from sphinx.application import Sphinx

PAGES = {"changes": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}


def setup(app: Sphinx) -> dict[str, bool]:
    """Put their text where they are linked from."""
    app.connect("source-read", _with_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _with_text(app: Sphinx, name: str, source: list[str]) -> None:
    if name in PAGES:
        path = Path(app.srcdir).parent / PAGES[name]
        app.env.note_dependency(path)
        source[0] = re.sub(r"\]\((?!\w+:|#)", "](../", path.read_text(encoding="utf-8"))
