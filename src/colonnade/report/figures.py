"""The pictures of a page as Vega-Lite specifications: what is drawn how; the page's script gives them their data.

Fields have fixed names, and what is told apart by a name, such as a sample, is a number in the data, which labels look up:
no name is read as an expression or a path, and none, such as ``constructor``, as what every object of Vega's has.
"""

from collections.abc import Mapping
from typing import Any, Final

import altair as alt

from colonnade.formats.fasta import BASES
from colonnade.report.colours import BY_BASE, BY_STATE, DASHES, MOST_LINES, ORANGE, POINTS, RED, SAMPLES

_SHARE: Final = alt.Scale(domain=[0, 1])
_MOST_NAMES: Final = 8  # of samples that find room side by side
_SAMPLE_LABEL: Final = "called[datum.value]"
_UP_TO_TOP: Final = alt.Scale(domainMin=0, domainMax=alt.ExprRef("top"))
Specification = dict[str, Any]
Figure = Any  # altair's charts, of which some methods say no type


def all_figures(n_samples: int) -> Mapping[str, Specification]:
    """The specifications by name; pictures of pairs and of indels may show the reference as one more sample."""
    figures = {
        "distance": _distance(),
        "stretches": _stretches(),
        "depth": _depth(min(n_samples, MOST_LINES)),
        "covered": _covered(min(n_samples, MOST_LINES)),
        "states": _states(),
        "pairs": _pairs(n_samples),
        "composition": _composition(n_samples),
        "shares": _shares(n_samples),
        "reads": _reads(),
        "events": _events(n_samples + 1),
    }
    return {name: figure.to_dict() for name, figure in figures.items()}


def _upwards(field: str, title: str, format: str) -> alt.Y:
    """What goes up from 0 to what the script sets as ``top``."""
    axis = alt.Axis(title=title, format=format, tickCount=5, minExtent=44, maxExtent=44)
    return alt.Y(field, type="quantitative", axis=axis, scale=_UP_TO_TOP)


def _named(name: str) -> alt.NamedData:
    return alt.NamedData(name=name)


def _genome(field: str = "x", **more: Any) -> alt.X:
    """Positions: the script sets the ends, where there are ticks, and what contigs they stand for."""
    axis = alt.Axis(
        title=None,
        grid=False,
        values=alt.ExprRef("ticks"),
        labelExpr="names[datum.value] || (datum.value % 1 ? '' : format(datum.value, ','))",
        labelBound=True,
        labelOverlap=True,
        labelSeparation=8,
    )
    scale = alt.Scale(domainMin=alt.ExprRef("from"), domainMax=alt.ExprRef("to"), nice=False, zero=False, clamp=True)
    return alt.X(field, type="quantitative", axis=axis, scale=scale, **more)


def _genome_parameters() -> list[alt.Parameter]:
    values: dict[str, Any] = {"from": 0, "to": 1, "ticks": None, "names": {}, "top": 1}
    return [alt.param(name=name, value=value) for name, value in values.items()]


def _distance() -> Figure:
    """A point for each locus with its interval; the chosen locus is larger."""
    shape, colour = (
        channel(
            "kind:N",
            legend=None,
            scale=alt.Scale(domain=list(POINTS), range=[point[said] for point in POINTS.values()]),
        )
        for channel, said in ((alt.Shape, "shape"), (alt.Color, "colour"))
    )
    base = alt.Chart(_named("rows"))
    intervals = base.mark_rule(strokeWidth=1.5, opacity=0.55).encode(
        x=_genome(), y=_upwards("low", "distance", "~g"), y2="high:Q", color=colour
    )
    is_chosen = "datum.locus === chosen"
    points = base.mark_point(filled=True, cursor="pointer", opacity=1).encode(
        x=_genome(),
        y=_upwards("mean", "distance", "~g"),
        shape=shape,
        color=colour,
        size=alt.condition(is_chosen, alt.value(150), alt.value(42)),
        stroke=alt.condition(is_chosen, alt.value(RED), alt.value("transparent")),
        strokeWidth=alt.value(2),
        description="told:N",
        tooltip=[alt.Tooltip("label:N", title="locus"), alt.Tooltip("said:N", title="distance"), alt.Tooltip("kind:N")],
    )
    threshold = (
        alt.Chart(alt.InlineData(values=[{}]))
        .mark_rule(strokeDash=[3, 3], strokeWidth=1, opacity=0.7)
        .transform_calculate(at="threshold")
        .encode(y=_upwards("at", "distance", "~g"))
    )
    more = [alt.param(name="chosen", value=-1), alt.param(name="threshold", value=0)]
    layers = alt.layer(threshold, intervals, points).add_params(*_genome_parameters(), *more)
    return layers.properties(width="container", height=150)


def _stretches() -> Figure:
    """Many loci: for each stretch of the genome its largest and its median distance, and how many there are."""
    colour = alt.Color(
        "count:Q",
        scale=alt.Scale(type="log", range=["#9ecae9", "#08306b"], domainMin=1),
        legend=alt.Legend(title="loci in a stretch", orient="top", gradientLength=120, tickCount=3),
    )
    tooltip = [
        alt.Tooltip("label:N", title="stretch"),
        alt.Tooltip("count:Q", title="loci", format=","),
        alt.Tooltip("largest:Q", title="largest distance", format=".2f"),
        alt.Tooltip("median:Q", title="median", format=".2f"),
    ]
    base = alt.Chart(_named("stretches")).encode(x=_genome(), x2="x2:Q", tooltip=tooltip)
    bars = base.mark_rect(cursor="pointer", stroke=None).encode(
        y=_upwards("largest", "distance", "~g"), y2=alt.Y2Datum(0), color=colour
    )
    medians = base.mark_rule(stroke=ORANGE, strokeWidth=2, cursor="pointer").encode(
        y=_upwards("median", "distance", "~g")
    )
    return alt.layer(bars, medians).add_params(*_genome_parameters()).properties(width="container", height=150)


def _looked_up(names: str) -> alt.Parameter:
    """Names by number, which the script sets."""
    return alt.param(name=names, value=[])


def _sample_colour(n_samples: int, **legend: Any) -> alt.Color:
    colours = [SAMPLES[number % len(SAMPLES)] for number in range(n_samples)]
    scale = alt.Scale(domain=list(range(n_samples)), range=colours)
    shown = alt.Legend(title=None, labelExpr=_SAMPLE_LABEL, **legend) if legend else None
    return alt.Color("sample:N", scale=scale, sort=None, legend=shown)


def _depth(n_samples: int) -> Figure:
    axis = alt.Axis(title="mean depth", format="~s", tickCount=5, minExtent=44, maxExtent=44)
    legend = {"orient": "top", "columns": alt.ExprRef("max(1, floor(width / 120))"), "symbolType": "stroke"}
    return _sample_lines(n_samples, alt.Y("depth:Q", axis=axis), **legend).properties(width="container", height=190)


def _covered(n_samples: int) -> Figure:
    axis = alt.Axis(title="with reads", format="%", tickCount=2, minExtent=44, maxExtent=44)
    share = alt.Y("share:Q", axis=axis, scale=_SHARE)
    return _sample_lines(n_samples, share).properties(width="container", height=60)


def _sample_lines(n_samples: int, y: alt.Y, **legend: Any) -> Figure:
    """A line for each sample along the genome, in colours and, where these do not suffice, dashes."""
    figure = (
        alt.Chart(_named("depths"))
        .mark_line(interpolate="step-after", strokeWidth=1.6, clip=True)
        .encode(x=_genome(), y=y, color=_sample_colour(n_samples, **legend), description="name:N")
        .add_params(*_genome_parameters(), _looked_up("called"))
    )
    if n_samples <= len(SAMPLES):
        return figure
    dashes = [DASHES[number // len(SAMPLES)] for number in range(n_samples)]
    scale = alt.Scale(domain=list(range(n_samples)), range=dashes)
    shown = alt.Undefined if legend else None
    return figure.encode(strokeDash=alt.StrokeDash("sample:N", scale=scale, sort=None, legend=shown))


def _states() -> Figure:
    scale = alt.Scale(domain=list(BY_STATE), range=list(BY_STATE.values()))
    columns = alt.ExprRef("width < 360 ? 2 : 4")
    return (
        alt.Chart(_named("states"))
        .mark_bar()
        .encode(
            x=alt.X("loci:Q", stack="normalize", axis=alt.Axis(title="share of loci", format="%", tickCount=5)),
            y=alt.Y(
                "comparison:N",
                sort=None,
                axis=alt.Axis(title=None, labelLimit=160, labelExpr="compared[datum.value]"),
            ),
            color=alt.Color("state:N", scale=scale, legend=alt.Legend(title=None, orient="top", columns=columns)),
            order=alt.Order("order:Q"),
            description="told:N",
            tooltip=[alt.Tooltip("name:N", title="comparison"), "state:N", alt.Tooltip("loci:Q", format=",")],
        )
        .add_params(_looked_up("compared"))
        .properties(width="container", height=100)
    )


def _pairs(n_samples: int) -> Figure:
    """The mean distance of each two samples; the script sets how large the squares are."""
    labels: dict[str, Any] = {
        "title": None,
        "labelExpr": _SAMPLE_LABEL,
        "labelLimit": 110,
        "labelOverlap": n_samples > _MOST_NAMES,
        "ticks": False,
        "domain": False,
    }
    base = alt.Chart(_named("pairs")).encode(
        x=alt.X("first:N", sort=None, axis=alt.Axis(**labels, orient="top", labelAngle=-35)),
        y=alt.Y("second:N", sort=None, axis=alt.Axis(**labels)),
        description="told:N",
        tooltip=[
            alt.Tooltip("one:N", title="first"),
            alt.Tooltip("two:N", title="second"),
            alt.Tooltip("distance:Q", title="mean distance", format=".4f"),
        ],
    )
    squares = base.mark_rect(cursor="pointer").encode(
        color=alt.Color("distance:Q", scale=alt.Scale(range=["#eaf2fa", "#08306b"], domainMin=0), legend=None)
    )
    light = "datum.distance > 0.55 * largest"
    text = base.mark_text(fontSize=11, cursor="pointer").encode(
        text=alt.Text("said:N"), color=alt.condition(light, alt.value("white"), alt.value("#222"))
    )
    return (
        alt.layer(squares, text)
        .add_params(alt.param(name="largest", value=1), _looked_up("called"))
        .properties(width=alt.Step(58), height=alt.Step(34))
    )


def _base_colour(**legend: Any) -> alt.Color:
    scale = alt.Scale(domain=list(BY_BASE), range=list(BY_BASE.values()))
    return alt.Color("base:N", scale=scale, legend=alt.Legend(title=None, **legend) if legend else None)


def _samples_across(n_samples: int, **more: Any) -> alt.Axis:
    crowded = n_samples > _MOST_NAMES
    return alt.Axis(title=None, labelExpr=_SAMPLE_LABEL, labelAngle=-30, labelLimit=90, labelOverlap=crowded, **more)


def _composition(n_samples: int) -> Figure:
    base = alt.Chart(_named("shares")).encode(
        x=alt.X("sample:N", sort=None, axis=_samples_across(n_samples, domain=False, ticks=False)),
        tooltip=[alt.Tooltip("name:N", title="sample"), "base:N", alt.Tooltip("said:N", title="share")],
    )
    share = alt.Y("from:Q", scale=_SHARE, axis=alt.Axis(title="share of bases", format="%", tickCount=5))
    bars = base.mark_bar().encode(y=share, y2="to:Q", color=_base_colour(), description="told:N")
    letters = (
        base.mark_text(fontWeight="bold", fill="white", stroke="#0006", strokeWidth=0.3)
        .encode(y=alt.Y("middle:Q", scale=_SHARE), text="base:N")
        .transform_filter("datum.share >= 0.07")
    )
    layers = alt.layer(bars, letters).add_params(_looked_up("called"))
    return layers.properties(width="container", height=190)


def _shares(n_samples: int) -> Figure:
    """Shares with their intervals; the script sets how far up they go, and leaves lines from sample to sample out or not."""
    sample = alt.X(
        "sample:N",
        sort=None,
        axis=_samples_across(n_samples, grid=True),
        scale=alt.Scale(padding=0.3),
    )
    offset = alt.XOffset("base:N", scale=alt.Scale(domain=list(BASES), paddingOuter=0.2))
    base = alt.Chart(_named("shares")).encode(
        x=sample,
        xOffset=offset,
        color=_base_colour(),
        tooltip=[alt.Tooltip("name:N", title="sample"), "base:N", alt.Tooltip("said:N", title="share")],
    )

    def y(field: str) -> alt.Y:
        return _upwards(field, "share with interval", "~%")

    lines = base.mark_line(strokeWidth=1, opacity=0.5).encode(y=y("share"), detail="base:N")
    intervals = base.mark_rule(strokeWidth=2).encode(y=y("low"), y2="high:Q")
    points = base.mark_point(filled=True, size=36, opacity=1).encode(y=y("share"), description="told:N")
    letters = base.mark_text(fontWeight="bold", fontSize=12, dx=10).encode(y=y("share"), text="base:N")
    letters = letters.transform_filter("datum.share > 0.04 * top")
    layers = alt.layer(lines, intervals, points, letters).add_params(
        alt.param(name="top", value=1), _looked_up("called")
    )
    return layers.properties(width="container", height=190)


def _reads() -> Figure:
    """Reads with one base by quality: forward ones up from zero, reverse ones down; the script sets how far either goes."""
    counts = alt.Axis(
        title=None,
        values=alt.ExprRef("[-most, 0, most]"),
        labelExpr="format(abs(datum.value), ',')",
        minExtent=34,
        maxExtent=34,
    )
    both_ways = alt.Scale(domainMin=alt.ExprRef("-most"), domainMax=alt.ExprRef("most"), nice=False)
    return (
        alt.Chart(_named("reads"))
        .mark_rect()
        .encode(
            x=alt.X(
                "quality:Q",
                axis=alt.Axis(title=None, tickCount=5, grid=False),
                scale=alt.Scale(domainMin=0, domainMax=alt.ExprRef("best"), nice=False),
            ),
            x2="end:Q",
            y=alt.Y("signed:Q", axis=counts, scale=both_ways),
            y2=alt.Y2Datum(0),
            color=_base_colour(),
            opacity=alt.Opacity("strand:O", scale=alt.Scale(domain=["+", "-"], range=[1, 0.55]), legend=None),
            description="told:N",
            tooltip=["base:N", "strand:O", "quality:Q", alt.Tooltip("count:Q", format=",")],
        )
        .add_params(alt.param(name="best", value=60), alt.param(name="most", value=1))
        .properties(width="container", height=64)
    )


def _events(n_samples: int) -> Figure:
    return (
        alt.Chart(_named("events"))
        .mark_bar()
        .encode(
            x=alt.X("share:Q", scale=_SHARE, axis=alt.Axis(title="share of reads", format="%", tickCount=5)),
            y=alt.Y("event:N", sort=None, axis=alt.Axis(title=None, labelLimit=140, labelExpr="events[datum.value]")),
            yOffset=alt.YOffset("sample:N", sort=None),
            color=_sample_colour(n_samples, orient="top"),
            description="told:N",
            tooltip=[
                alt.Tooltip("called:N", title="event"),
                alt.Tooltip("name:N", title="sample"),
                alt.Tooltip("count:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
        .add_params(_looked_up("called"), _looked_up("events"))
        .properties(width="container", height=100)
    )
