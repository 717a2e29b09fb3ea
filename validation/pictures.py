"""How figures are shown: Markdown tables, and pictures of lines as SVG in ``docs/pictures`` where altair is installed.

Colours are those of Okabe and Ito (2008), which remain apart for colour-blind readers; shapes of points and dashes of
lines tell the same in print. The optional dependencies ``report`` have altair.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross")
DASHES: Final = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (1, 3))
GREY: Final = "#6b6b6b"
WIDTH: Final = 620  # pixels that the panels of one row share


class Point(NamedTuple):
    """One point of a line, in a panel."""

    panel: str
    line: str
    x: float
    y: float


@dataclass(frozen=True)
class Axis:
    """An axis: its title with the unit, its range, whether it is logarithmic, the values that are written, and how."""

    title: str
    low: float
    high: float
    log: bool = False
    values: tuple[float, ...] | None = None
    format: str = ",~g"

    def of(self, name: str, channel: Any) -> Any:
        """As a channel of altair (``altair.X`` or ``altair.Y``)."""
        import altair as alt

        scale = alt.Scale(type="log" if self.log else "linear", domain=[self.low, self.high], clamp=True)
        ticks: dict[str, Any] = {"values": list(self.values)} if self.values else {}
        return channel(f"{name}:Q", scale=scale, axis=alt.Axis(title=self.title or None, format=self.format, **ticks))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
    """A Markdown table; all columns but the first are set to the right."""
    if title:
        print(f"\n{title}\n")
    print("|", " | ".join(header), "|")
    print("|---|" + "---:|" * (len(header) - 1))
    for row in rows:
        print("|", " | ".join(str(cell) for cell in row), "|")
    print(flush=True)


def save_lines(
    name: str,
    points: Sequence[Point],
    *,
    x: Axis,
    y: Axis,
    legend: str,
    band: tuple[float, float] | None = None,
    rule_x: float | None = None,
    rule_y: float | None = None,
) -> None:
    """Write ``docs/pictures/NAME.svg``: a panel beside the other, a line per name; a grey band of y and rules where given."""
    if importlib.util.find_spec("altair") is None or importlib.util.find_spec("vl_convert") is None:
        print(f"no picture {name}.svg: altair and vl-convert-python are not installed")
        return
    import altair as alt

    panels, lines = (list(dict.fromkeys(values)) for values in list(zip(*points, strict=True))[:2])
    charts = []
    for number, panel in enumerate(panels):
        here = alt.Data(values=[point._asdict() for point in points if point.panel == panel])
        left = y if number == 0 else replace(y, title="")
        marks = [*_guides(x, left, band=band, rule_x=rule_x, rule_y=rule_y), *_lines(here, x, left, lines, legend)]
        charts.append(alt.layer(*marks).properties(title=panel, width=WIDTH / len(panels), height=210))
    FOLDER.mkdir(parents=True, exist_ok=True)
    _styled(alt.hconcat(*charts, spacing=14)).save(FOLDER / f"{name}.svg")
    print(f"docs/pictures/{name}.svg")


def _guides(
    x: Axis, y: Axis, *, band: tuple[float, float] | None, rule_x: float | None, rule_y: float | None
) -> list[Any]:
    import altair as alt

    scale_x, scale_y = x.of("x", alt.X), y.of("y", alt.Y)
    guides = []
    if band is not None:
        values = alt.Data(values=[{"x": x.low, "to_x": x.high, "y": band[0], "to_y": band[1]}])
        mark = alt.Chart(values).mark_rect(color="#e4e4e4")
        guides.append(mark.encode(x=scale_x, x2="to_x:Q", y=scale_y, y2="to_y:Q"))
    if rule_x is not None:
        guides.append(alt.Chart(alt.Data(values=[{"x": rule_x}])).mark_rule(color=GREY).encode(x=scale_x))
    if rule_y is not None:
        guides.append(alt.Chart(alt.Data(values=[{"y": rule_y}])).mark_rule(color=GREY).encode(y=scale_y))
    return guides


def _lines(data: Any, x: Axis, y: Axis, lines: Sequence[str], legend: str) -> list[Any]:
    import altair as alt

    base = alt.Chart(data).encode(x=x.of("x", alt.X), y=y.of("y", alt.Y))

    def per_line(channel: Any, values: Sequence[Any]) -> Any:
        scale = alt.Scale(domain=list(lines), range=list(values[: len(lines)]))
        return channel("line:N", scale=scale, title=legend, sort=list(lines))

    colour = per_line(alt.Color, COLOURS)
    return [
        base.mark_line(strokeWidth=1.8).encode(color=colour, strokeDash=per_line(alt.StrokeDash, DASHES)),
        base.mark_point(filled=False, size=42, strokeWidth=1.5, opacity=1).encode(
            color=colour, shape=per_line(alt.Shape, SHAPES)
        ),
    ]


def _styled(chart: Any) -> Any:
    text = {"labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal"}
    return (
        chart.configure(background="white", font="Helvetica, Arial, sans-serif")
        .configure_axis(grid=False, domainColor=GREY, tickColor=GREY, **text)
        .configure_view(stroke=None)
        .configure_title(fontSize=12, fontWeight="normal", anchor="start")
        .configure_legend(orient="bottom", symbolStrokeWidth=1.5, labelLimit=400, columns=len(COLOURS), **text)
    )
