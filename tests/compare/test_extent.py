"""How much of a window was looked at."""

import numpy as np
import pyarrow as pa
import pytest

from colonnade.compare.extent import Extent

CONTIGS = {"one": "", "two": ""}


def windows(*rows: tuple[str, int, int]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"contig": c, "start": s, "end": e} for c, s, e in rows])


def extent(*regions: str, bed: str | None = None) -> Extent:
    return Extent({"regions": list(regions), "bed": bed, "reference": {"md5": CONTIGS}})


def test_without_regions_all_positions_count() -> None:
    assert extent().positions(windows(("one", 1, 1000), ("two", 1001, 1300))).tolist() == [1000, 300]


def test_of_a_window_that_regions_cover_in_part_only_theirs_count() -> None:
    looked = extent("one:1,000-1,002", "one:1001-1010", "one:1500-1599", "two")
    rows = windows(("one", 1, 1000), ("one", 1001, 2000), ("one", 2001, 3000), ("two", 1, 10))
    assert looked.positions(rows).tolist() == [1, 110, 0, 10]


def test_a_contig_without_a_region_has_none() -> None:
    assert extent("two:5").positions(windows(("one", 1, 10), ("two", 1, 10))).tolist() == [0, 6]


def test_no_rows_have_no_positions() -> None:
    assert extent().positions(windows(("one", 1, 1)).slice(0, 0)).tolist() == []


def test_any_regions_are_counted_as_one_by_one(tmp_path) -> None:
    rng = np.random.default_rng(1)
    looked = np.zeros(400, bool)
    lines = []
    for start in rng.integers(0, 380, 12):
        end = start + int(rng.integers(1, 20))
        looked[start:end] = True
        lines.append(f"one\t{start}\t{end}\n")
    bed = tmp_path / "some.bed"
    bed.write_text("".join(lines))
    rows = [("one", start + 1, start + 7) for start in range(390)]
    found = extent(bed=str(bed)).positions(windows(*rows))
    assert found.tolist() == [int(looked[start : start + 7].sum()) for start in range(390)]


def test_a_bed_file_that_is_gone_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        extent(bed="gone.bed")
