"""Signatures as people write them: arrays by their type of item, and none for what nobody makes by hand."""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

GIVEN = {  # what calls return, and no program constructs
    f"colonnade.{name}"
    for name in (
        *("AlignSummary", "Alignment", "Cluster", "Column", "ColumnBatch", "CompareResult", "Pileup", "Range"),
        *("RegionTally", "SheetRun", "StoredResult", "simulate.Simulated"),
    )
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Change signatures and docstrings before, and annotations after, autodoc has written them."""
    app.connect("autodoc-process-signature", _without_those_given)
    app.connect("autodoc-process-docstring", _without_types_of_arrays, priority=900)  # after napoleon
    app.connect("doctree-read", _as_people_write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _without_those_given(_app: Sphinx, _kind: str, name: str, *_: Any) -> tuple[str, None] | None:
    return ("", None) if name in GIVEN else None


def _without_types_of_arrays(*event: Any) -> None:
    """Leave out types of parameters that are arrays: what they are described with says it, and the shape besides."""
    lines: list[str] = event[-1]
    lines[:] = [line for line in lines if not re.match(r":type \w+: .*\bndarray\[", line)]


def _as_people_write(_app: Sphinx, page: nodes.document) -> None:
    """``NDArray[int32]`` where numpy's alias was written out; a colon between a parameter and what is said of it."""
    kinds = (addnodes.desc_annotation, addnodes.desc_sig_name, addnodes.desc_returns)
    for node in list(page.findall(lambda node: isinstance(node, kinds))):
        short = re.sub(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[(\w+)\]\]", r"NDArray[\1]", node.astext())
        if short != node.astext():
            node[:] = [nodes.Text(short)]
    for text in [text for text in page.findall(nodes.Text) if text == " -- "]:
        text.parent.replace(text, nodes.Text(": "))
