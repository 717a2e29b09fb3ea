"""Specifications are valid, need no network, and tell apart what they show."""

import pytest

vl_convert = pytest.importorskip("vl_convert", reason="vl-convert is not installed")
pytest.importorskip("altair", reason="altair is not installed")

from colonnade.report.colours import BY_BASE, BY_STATE, MOST_LINES, POINTS, SAMPLES  # noqa: E402
from colonnade.report.figures import all_figures  # noqa: E402


@pytest.mark.parametrize("name", list(all_figures(1)))
def test_a_specification_is_one_that_vega_lite_compiles(name: str) -> None:
    compiled = vl_convert.vegalite_to_vega(all_figures(50)[name])
    assert compiled["marks"]


def test_nothing_is_loaded() -> None:
    def addresses(value) -> list[str]:
        if isinstance(value, dict):
            return [text for key, inner in value.items() if key != "$schema" for text in addresses(inner)]
        if isinstance(value, list):
            return [text for inner in value for text in addresses(inner)]
        return [value] if isinstance(value, str) and "://" in value else []

    assert addresses(all_figures(2)) == []


def test_more_samples_than_colours_differ_by_dashes() -> None:
    few, many = (all_figures(n)["depth"]["encoding"] for n in (7, 50))
    assert "strokeDash" not in few
    colours, dashes = (many[channel]["scale"]["range"] for channel in ("color", "strokeDash"))
    assert (
        len({(colour, tuple(dash)) for colour, dash in zip(colours, dashes, strict=True)}) == len(colours) == MOST_LINES
    )


def test_colours_are_different_where_they_mean_different_things() -> None:
    for group in (SAMPLES, BY_BASE.values(), BY_STATE.values(), [point["colour"] for point in POINTS.values()]):
        assert len({*group}) == len([*group])
    assert len({point["shape"] for point in POINTS.values()}) == len(POINTS)
