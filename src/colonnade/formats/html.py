"""Small pieces of HTML for notebooks: escaped, with inline style only, readable on light and on dark pages."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

_LINE: Final = "1px solid rgba(128,128,128,.45)"  # of the page's own colours only what is seen on both
_TABLE: Final = "border-collapse:collapse;margin:2px 0;color:inherit;font:inherit"
_FAINT: Final = "opacity:.7"
_BAR: Final = "rgba(70,130,180,.75)"
_BAR_WIDTH: Final = 80  # pixels


def panel(title: str, *pieces: str) -> str:
    """A heading and what belongs to it.

    Parameters
    ----------
    title
        Plain text.
    pieces
        HTML, such as ``table`` and ``note`` give; empty ones are left out.
    """
    heading = f"<div><strong>{escape(title)}</strong></div>"
    return f'<div style="font-size:13px;line-height:1.5">{heading}{"".join(pieces)}</div>'


def note(text: str) -> str:
    """A line of plain text that matters less."""
    return f'<div style="{_FAINT}">{escape(text)}</div>'


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> str:
    """A table; numbers are written with thousands separators, and stand on the right.

    Parameters
    ----------
    header
        Names of the columns.
    rows
        Cells: text, numbers, None for what is absent, or ``Bar``.
    caption
        What it shows.
    """
    cells = [[*row] for row in rows]
    if not cells:
        return ""
    head = "".join(
        f'<th style="{_cell_style(below)};font-weight:600;border-bottom:{_LINE}">{escape(name)}</th>'
        for name, below in zip(header, cells[0], strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in cells)
    above = f'<div style="margin-top:6px">{escape(caption)}</div>' if caption else ""
    return f'{above}<table style="{_TABLE}"><tr>{head}</tr>{body}</table>'


class Bar(float):
    """A share, 0 to 1, that is drawn beside its number."""


def _cell(value: object) -> str:
    return f'<td style="{_cell_style(value)}">{_content(value)}</td>'


def _cell_style(value: object) -> str:
    align = "left" if isinstance(value, str) else "right"
    return f"text-align:{align};padding:1px 12px 1px 0;white-space:nowrap"


def _content(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, Bar):
        width = round(_BAR_WIDTH * min(1.0, max(0.0, value)))
        drawn = f'<span style="display:inline-block;width:{width}px;height:.7em;background:{_BAR}"></span>'
        return f'<span style="display:inline-block;width:{_BAR_WIDTH}px;text-align:left">{drawn}</span> {value:.3f}'
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))
