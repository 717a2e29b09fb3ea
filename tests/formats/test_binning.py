"""The binning geometry is that of the specification, for any size and number of levels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.formats.binning import BAI, MAX_DEPTH, Geometry

geometries = st.builds(Geometry, st.integers(0, 30), st.integers(0, MAX_DEPTH))
small_geometries = st.builds(Geometry, st.integers(0, 16), st.integers(0, 3))


@st.composite
def regions(draw, geometry: Geometry) -> tuple[int, int]:
    start = draw(st.integers(0, geometry.max_position - 1))
    length = draw(
        st.integers(1, geometry.max_position - start) | st.integers(1, min(99, geometry.max_position - start))
    )
    return start, start + length


def test_bai_is_as_in_the_specification() -> None:
    assert [BAI.first_bin(level) for level in range(6)] == [0, 1, 9, 73, 585, 4681]
    assert (BAI.n_bins, BAI.metadata_bin, BAI.max_position) == (37449, 37450, 1 << 29)


def spec_reg2bin(start: int, end: int) -> int:
    """The function of the same name in the SAM specification, section 5.3."""
    end -= 1
    for first, bits in ((4681, 14), (585, 17), (73, 20), (9, 23), (1, 26)):
        if start >> bits == end >> bits:
            return first + (start >> bits)
    return 0


@given(st.data())
def test_reg2bin_of_bai_equals_the_specification(data) -> None:
    start, end = data.draw(regions(BAI))
    assert BAI.reg2bin(start, end) == spec_reg2bin(start, end)


@given(st.data(), geometries)
def test_reg2bin_is_the_smallest_bin_that_holds_the_region(data, geometry: Geometry) -> None:
    start, end = data.draw(regions(geometry))
    number = geometry.reg2bin(start, end)
    bin_start, bin_end = geometry.interval(number)
    assert 0 <= number < geometry.n_bins
    assert bin_start <= start < end <= bin_end
    if geometry.level(number) < geometry.depth:
        half = (bin_end - bin_start) // 8
        assert start // half != (end - 1) // half


@given(st.data(), geometries)
def test_parents_hold_their_children_and_levels_are_numbered_through(data, geometry: Geometry) -> None:
    number = data.draw(st.integers(0, geometry.n_bins - 1))
    level = geometry.level(number)
    start, end = geometry.interval(number)
    assert geometry.first_bin(level) <= number < geometry.first_bin(level + 1)
    assert end - start == 1 << (geometry.min_shift + 3 * (geometry.depth - level))
    assert 0 <= start < end <= geometry.max_position
    if not number:
        assert (start, end, geometry.parent(number)) == (0, geometry.max_position, -1)
        return
    parent_start, parent_end = geometry.interval(geometry.parent(number))
    assert geometry.level(geometry.parent(number)) == level - 1
    assert parent_start <= start < end <= parent_end


@given(st.data(), small_geometries)
def test_reg2bins_are_all_bins_that_overlap(data, geometry: Geometry) -> None:
    start, end = data.draw(regions(geometry))
    found = geometry.reg2bins(start, end)
    assert found.dtype == np.int64
    overlapping = [
        number
        for number in range(geometry.n_bins)
        if geometry.interval(number)[0] < end and geometry.interval(number)[1] > start
    ]
    assert found.tolist() == overlapping


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (1 << 29, 1 << 30), (-9, 0)])
def test_empty_regions_and_those_outside_overlap_no_bin(start: int, end: int) -> None:
    assert BAI.reg2bins(start, end).size == 0
    with pytest.raises(ValueError, match="is in no bin"):
        BAI.reg2bin(start, end)


def test_regions_are_clipped_to_the_bins() -> None:
    last = BAI.max_position - 1
    assert (
        BAI.reg2bins(last, last + 10**12).tolist()
        == BAI.reg2bins(last, last + 1).tolist()
        == [0, 8, 72, 584, 4680, 37448]
    )
    assert BAI.reg2bins(-5, 1).tolist() == [0, 1, 9, 73, 585, 4681]


@pytest.mark.parametrize(("min_shift", "depth"), [(-1, 5), (14, -1), (14, MAX_DEPTH + 1), (63, 0), (1 << 31, 5)])
def test_impossible_geometries_are_refused(min_shift: int, depth: int) -> None:
    with pytest.raises(ValueError, match="no binning"):
        Geometry(min_shift, depth)
