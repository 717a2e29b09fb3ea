"""Compositions of a page are those of comp, and changes follow from them."""

from pathlib import Path

import numpy as np
from made_results import Made, write_made_result
from report_pages import unpacked

import colonnade as cn
from colonnade.compare.samples import REF, Comparison
from colonnade.formats.fasta import BASES
from colonnade.report.composition import (
    LOCI_PER_CHUNK,
    NO_BASE,
    Changes,
    Compositions,
    find,
    find_changes,
    read_compositions,
)
from colonnade.report.embedding import MISSING_2, MISSING_4
from colonnade.report.rows import Rows, make_keys, read_rows


def test_every_share_is_that_of_comp(small: Path) -> None:
    result = cn.read_result(small)
    loci = read_rows(result, "dist").loci
    found = read_compositions(result, loci)
    table = result.read("comp").to_pylist()
    assert len(table) == len(loci) * len(result.samples) * 4
    for row in table:
        locus = find(loci, make_keys(np.array([0]), np.array([row["position"]])))[0]
        sample, base = result.samples.index(row["sample"]), BASES.index(row["base"])
        assert found.depths[:, locus, sample].tolist() == [row["depth"], row["depth_low_quality"], row["depth_indel"]]
        expected = [round(10_000 * row[name]) for name in ("mean", "q0.005", "q0.995")]
        assert found.shares[:, locus, sample, base].tolist() == expected


def test_loci_that_are_not_wanted_are_left_out_and_those_without_rows_are_empty(small: Path) -> None:
    result = cn.read_result(small)
    loci = np.append(read_rows(result, "dist").loci[3:4], make_keys(np.array([0]), np.array([9001])))
    found = read_compositions(result, loci)
    assert (found.depths[:, 0] != MISSING_4).all()
    assert (found.depths[:, 1] == MISSING_4).all()
    assert (found.shares[:, 1] == MISSING_2).all()


def test_without_two_quantiles_there_is_no_interval(tmp_path: Path) -> None:
    result = cn.read_result(write_made_result(tmp_path / "r", Made(n_loci=5, quantiles=(0.5,), n_evidence=4)))
    found = read_compositions(result, read_rows(result, "dist").loci)
    assert (found.shares[0] != MISSING_2).all()
    assert (found.shares[1:] == MISSING_2).all()


def test_pieces_hold_all_loci_in_order() -> None:
    n = LOCI_PER_CHUNK + 3
    depths = np.arange(3 * n * 2, dtype=np.uint32).reshape(3, n, 2)
    shares = np.arange(3 * n * 2 * 4).astype(np.uint16).reshape(3, n, 2, 4)
    frames = [unpacked(chunk).columns for chunk in Compositions(depths, shares).chunks()]
    assert [len(frame["depth"]) for frame in frames] == [2 * LOCI_PER_CHUNK, 2 * 3]
    assert np.concatenate([frame["upper"] for frame in frames]).tolist() == shares[2].ravel().tolist()
    assert np.concatenate([frame["depth_indel"] for frame in frames]).tolist() == depths[2].ravel().tolist()


class Told:
    """As much of a result as changes need."""

    samples = ("a", "b")
    comparisons = (Comparison("a", "b"), Comparison("b", REF))


def changes_of(shares: list[list[int]], *, reference: int = 0, comparison: int = 0) -> Changes:
    """What changed at a locus where samples a and b have these shares."""
    columns = {"contig": [0], "position": [7], "reference": [reference], "comparison": [comparison]}
    rows = Rows({name: np.array(values) for name, values in columns.items()}, {}, 1)
    mean = np.array(shares, np.uint16).reshape(1, 1, 2, 4)
    compositions = Compositions(np.zeros((3, 1, 2), np.uint32), np.concatenate([mean, mean // 2, mean + 1]))
    return find_changes(rows, compositions, Told())  # type: ignore[arg-type]


def test_a_change_is_from_the_base_that_falls_most_to_the_one_that_rises_most() -> None:
    changes = changes_of([[7000, 3000, 0, 0], [1000, 2900, 6000, 100]])
    assert {name: int(values[0]) for name, values in vars(changes).items()} == {
        "lost": 0, "gained": 2, "before": 0, "after": 6000, "lower": 3000, "upper": 6001,
    }  # fmt: skip


def test_against_the_reference_a_change_is_from_it_to_the_sample() -> None:
    changes = changes_of([[0, 0, 0, 0], [1000, 9000, 0, 0]], reference=0, comparison=1)
    assert (changes.lost[0], changes.gained[0], changes.before[0], changes.after[0]) == (0, 1, 0, 9000)


def test_where_a_sample_has_no_reads_nothing_is_said() -> None:
    changes = changes_of([[MISSING_2] * 4, [10_000, 0, 0, 0]])
    assert (changes.lost[0], changes.gained[0], changes.after[0]) == (NO_BASE, NO_BASE, MISSING_2)
