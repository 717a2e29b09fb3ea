"""Fixed windows: the same sums as from counts at single positions, however the genome is cut."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from colonnade.compare.engine import CompareResult, compare
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import REF
from colonnade.tally.engine import tally

FOLDER = "hiv_caprisa"
CONTIG = "CAP188_wk4_consensus"
LENGTH = 1303


@pytest.fixture(scope="module")
def paths(shared_data: Path) -> dict[str, Path]:
    folder = shared_data / FOLDER
    return {
        "wk4": folder / "CAP188_wk4.cons.bwamem.bam",
        "other": folder / "CAP217_wk4390.cons.bwamem.bam",
        REF: folder / f"{CONTIG}.fasta",
    }


def run(paths: dict[str, Path], regions: tuple[str, ...] = (), **options) -> CompareResult:
    samples = {name: path for name, path in paths.items() if name != REF}
    return compare(samples, reference=paths[REF], regions=regions, options=CompareOptions(**options))


def test_windows_hold_the_mean_distance_of_observed_compositions_and_the_changes(paths: dict[str, Path]) -> None:
    result = run(paths, min_distance=0.05, window=100)
    shares = []
    for name in ("wk4", "other"):
        bases = tally(paths[name], CONTIG).bases.astype(float)
        with np.errstate(invalid="ignore"):
            shares.append(bases / bases.sum(axis=1, keepdims=True))
    distances = np.sqrt(((shares[0] - shares[1]) ** 2).sum(axis=1) / 2)
    changed = np.array(result.dist["position"].to_pylist()) - 1
    rows = result.windows.to_pylist()
    assert [(row["start"], row["end"]) for row in rows] == [
        (k + 1, min(k + 100, LENGTH)) for k in range(0, LENGTH, 100)
    ]
    for row in rows:
        here = distances[row["start"] - 1 : row["end"]]
        tested = here[~np.isnan(here)]
        assert row["loci_tested"] == len(tested)
        assert row["distance_mean"] == (pytest.approx(tested.mean(), abs=1e-6) if tested.size else None)
        assert row["changed"] == np.count_nonzero((changed >= row["start"] - 1) & (changed < row["end"]))
    assert sum(row["changed"] for row in rows) == result.stats["changed"][0].as_py() > 50
    assert sum(row["loci_tested"] for row in rows) < LENGTH


def test_depth_holds_means_over_the_positions_looked_at(paths: dict[str, Path]) -> None:
    rows = run(paths, window=100).depth.to_pylist()
    for name in ("wk4", "other"):
        counts = tally(paths[name], CONTIG)
        for row in (row for row in rows if row["sample"] == name):
            here = slice(row["start"] - 1, row["end"])
            assert row["positions_covered"] == np.count_nonzero(counts.depth[here])
            assert row["depth_mean"] == pytest.approx(counts.depth[here].mean())
            assert row["depth_low_quality_mean"] == pytest.approx(counts.low_quality[here].mean())


def test_regions_within_one_window_add_up_in_it(paths: dict[str, Path]) -> None:
    regions = (f"{CONTIG}:101-150", f"{CONTIG}:190-210", f"{CONTIG}:900-900")
    result = run(paths, regions, window=200)
    assert [(row["start"], row["end"], row["loci_tested"]) for row in result.windows.to_pylist()] == [
        (1, 200, 50 + 11),
        (201, 400, 10),
        (801, 1000, 1),
    ]
    whole = tally(paths["wk4"], CONTIG).depth
    first = next(row for row in result.depth.to_pylist() if row["sample"] == "wk4")
    looked_at = np.r_[100:150, 189:200]
    assert first["depth_mean"] == pytest.approx(whole[looked_at].mean())


def test_where_nothing_is_compared_there_is_no_mean(make_bam, make_fasta) -> None:
    sequence = "ACGTTGCAAC" * 20
    line = f"r\t0\tc\t1\t60\t60M\t*\t0\t0\t{sequence[:60]}\t{'I' * 60}"
    bams = [make_bam(f"{name}.bam", {"c": 200}, [line]) for name in ("a", "b")]
    result = compare(
        dict(zip("ab", bams, strict=True)),
        reference=make_fasta("r.fa", {"c": sequence}),
        options=CompareOptions(window=100),
    )
    assert [row["distance_mean"] for row in result.windows.to_pylist()] == [0.0, None]
    assert [row["positions_covered"] for row in result.depth.to_pylist()] == [60, 60, 0, 0]


@pytest.mark.parametrize("window", [1, 7, 5000])
def test_windows_of_any_size_add_up_to_the_same(paths: dict[str, Path], window: int) -> None:
    def totals(result: CompareResult) -> tuple[int, int, float]:
        tested = np.array(result.windows["loci_tested"].to_pylist())
        means = np.array(result.windows["distance_mean"].to_pylist(), dtype=float)
        return tested.sum(), pa.compute.sum(result.windows["changed"]).as_py(), np.nansum(tested * means)

    one, other = totals(run(paths, window=window)), totals(run(paths, window=100))
    assert one[:2] == other[:2]
    assert one[2] == pytest.approx(other[2], rel=1e-9)
