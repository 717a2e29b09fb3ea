"""Regions as text, as BED, and merged."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.errors import FormatError, UsageError
from colonnade.regions import Region, check_region, merge_regions, parse_region, read_bed

LENGTHS = {"chr1": 5000, "HLA:01": 300, "HLA:01:02": 200, "a,b": 100, "HLA": 50, "a:1-5": 40, "{x}": 30, "1": 20}


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("chr1", Region("chr1", 0, 5000)),
        ("chr1:1,001-2,000", Region("chr1", 1000, 2000)),
        ("chr1:1001-2000", Region("chr1", 1000, 2000)),
        ("chr1:1-1", Region("chr1", 0, 1)),
        ("chr1:4,001", Region("chr1", 4000, 5000)),
        ("chr1:4001-", Region("chr1", 4000, 5000)),
        ("chr1:-2,000", Region("chr1", 0, 2000)),
        ("chr1:5000-5000", Region("chr1", 4999, 5000)),
        ("chr1:4000-9999", Region("chr1", 3999, 5000)),
        ("HLA:01", Region("HLA:01", 0, 300)),
        ("HLA:01:5-9", Region("HLA:01", 4, 9)),
        ("HLA:01:02", Region("HLA:01:02", 0, 200)),
        ("HLA:01:02:5-9", Region("HLA:01:02", 4, 9)),
        ("HLA:5-9", Region("HLA", 4, 9)),
        ("{HLA}:01", Region("HLA", 0, 50)),
        ("{HLA:01}", Region("HLA:01", 0, 300)),
        ("{HLA:01}:5-9", Region("HLA:01", 4, 9)),
        ("{HLA:01}:02", Region("HLA:01", 1, 300)),
        ("a,b", Region("a,b", 0, 100)),
        ("a,b:1,0-2,0", Region("a,b", 9, 20)),
        ("a:1-5", Region("a:1-5", 0, 40)),
        ("a:1-5:2-3", Region("a:1-5", 1, 3)),
        ("{x}", Region("{x}", 0, 30)),
        ("{x}:2-3", Region("{x}", 1, 3)),
        ("1:2-3", Region("1", 1, 3)),
    ],
)
def test_texts_are_read_as_samtools_reads_them(text: str, region: Region) -> None:
    assert parse_region(text, LENGTHS) == region


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr2", "names an unknown contig; found chr2"),
        ("chr2:1-5", "names an unknown contig; found chr2"),
        ("", "names an unknown contig"),
        (":", "names an unknown contig"),
        ("{chr2}:1-5", "names an unknown contig; found chr2"),
        ("chr1:x-5", "cannot be read; found 'x-5'"),
        ("chr1:1-x", "cannot be read; found '1-x'"),
        ("chr1:1-2-3", "cannot be read; found '1-2-3'"),
        ("chr1:1.5-2", "cannot be read"),
        ("chr1:1_0-20", "cannot be read"),
        ("chr1: 1-20", "cannot be read"),
        ("chr1:+1-20", "cannot be read"),
        ("chr1:0-5", "is empty or outside its contig"),
        ("chr1:6-5", "is empty or outside its contig; found 6-5"),
        ("chr1:5001-6000", "is empty or outside its contig; found 5001-6000; expected positions within 1-5000"),
        ("chr1:" + "9" * 30, "is empty or outside its contig"),
        ("chr1:" + "9" * 5000, "."),
    ],
)
def test_texts_that_make_no_sense_are_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_region(text, LENGTHS)
    assert repr(text)[:100] in str(caught.value)


@pytest.mark.parametrize("region", [Region("chr1", 0, 1), Region("HLA:01", 4, 9), Region("a,b", 9, 20)])
def test_a_region_reads_its_own_text(region: Region) -> None:
    assert parse_region(str(region), LENGTHS) == region
    assert len(region) == region.end - region.start


@pytest.mark.parametrize("region", [("no", 0, 5), ("chr1", -1, 5), ("chr1", 5, 5), ("chr1", 0, 5001), ("no", 0, 0)])
def test_regions_made_by_a_caller_are_checked(region: tuple[str, int, int]) -> None:
    with pytest.raises(UsageError, match="is empty or outside its contig; found start"):
        check_region(Region(*region), LENGTHS)


def test_good_regions_made_by_a_caller_are_kept() -> None:
    assert check_region(Region("chr1", 0, 5000), LENGTHS) == Region("chr1", 0, 5000)


def bed(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "some.bed"
    path.write_text(text)
    return path


def test_bed_is_read_in_order_with_all_its_extras(tmp_path: Path) -> None:
    text = (
        "#comment\nbrowser position chr1:1-5\ntrack name=x\n\nchr1\t10\t20\tname\t0\t+\r\nHLA:01\t0\t300\n"
        "chr1\t0\t5000\n"
    )
    assert read_bed(bed(tmp_path, text), LENGTHS) == [
        Region("chr1", 10, 20),
        Region("HLA:01", 0, 300),
        Region("chr1", 0, 5000),
    ]


def test_contig_that_begins_like_a_header_line_is_a_contig(tmp_path: Path) -> None:
    assert read_bed(bed(tmp_path, "track9\t0\t5\n"), {"track9": 10}) == [Region("track9", 0, 5)]


def test_empty_bed_has_no_regions(tmp_path: Path) -> None:
    assert read_bed(bed(tmp_path, ""), LENGTHS) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t10", "not a BED line; found 'chr1"),
        ("chr1 10 20", "not a BED line; found 'chr1 10 20'"),
        ("chr1\tten\t20", "not a BED line"),
        ("chr1\t-1\t20", "not a BED line"),
        ("chr1\t1.5\t20", "not a BED line"),
        ("chr1\t\t20", "not a BED line"),
        ("chr2\t10\t20", "unknown contig; found chr2"),
        ("chr1\t20\t20", "interval is empty or outside its contig; found 20-20"),
        ("chr1\t30\t20", "interval is empty or outside its contig; found 30-20"),
        ("chr1\t10\t5001", "interval is empty or outside its contig; found 10-5001; expected .* 5000"),
        ("chr1\t0\t" + "9" * 5000, "."),
    ],
)
def test_bad_bed_lines_are_named_by_number(tmp_path: Path, line: str, message: str) -> None:
    path = bed(tmp_path, f"# comment\nchr1\t0\t5\n{line}\nchr1\t6\t7\n")
    with pytest.raises(FormatError, match=message) as caught:
        read_bed(path, LENGTHS)
    assert str(caught.value).startswith(f"{path}: line 3: ")


def test_bed_that_is_not_text_is_a_format_error(tmp_path: Path) -> None:
    path = tmp_path / "some.bed"
    path.write_bytes(b"\x1f\x8b\x08\x04\xff\xfe\x00\xff")
    with pytest.raises(FormatError, match=r"some\.bed: line 1: "):
        read_bed(path, LENGTHS)


ORDER = {"b": 0, "a": 1, "c": 2}
REGIONS = st.lists(
    st.builds(
        lambda contig, start, size: Region(contig, start, start + size),
        st.sampled_from("abc"),
        st.integers(0, 60),
        st.integers(1, 25),
    )
)


@given(REGIONS)
def test_merged_regions_cover_the_same_positions_once_in_order(regions: list[Region]) -> None:
    merged = merge_regions(regions, ORDER)
    covered = [(ORDER[region.contig], position) for region in merged for position in range(region.start, region.end)]
    assert covered == sorted({(ORDER[r.contig], position) for r in regions for position in range(r.start, r.end)})


@given(REGIONS)
def test_merged_regions_do_not_touch(regions: list[Region]) -> None:
    merged = merge_regions(regions, ORDER)
    assert all(a.contig != b.contig or a.end < b.start for a, b in pairwise(merged))
    assert merge_regions(merged, ORDER) == merged
    assert merge_regions(reversed(regions), ORDER) == merged
