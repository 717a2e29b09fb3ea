"""What must not change a result: names of bases, order of samples, loci, reads and mates, and other samples in the run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import colonnade as cn

BASES = "ACGT"
READ = 80
LENGTH = 160
QUALITIES = (37, 30, 22, 12)
#: Position to the share of another base, early and late.
SITES = {50: (0.0, 0.9), 60: (0.1, 0.8), 70: (0.5, 0.5), 80: (0.3, 0.6), 90: (0.9, 0.05), 100: (0.0, 0.2)}
OPTIONS = cn.CompareOptions(loci="tested", draws=1000)
BY_CHANCE = 0.012  # more than 3.5 standard errors of a share of draws near the confidence
Rows = list[dict[str, Any]]
Make = Callable[..., Path]


def reference_letters(seed: int = 1) -> str:
    return "".join(np.random.default_rng(seed).choice([*BASES], LENGTH))


class Library:
    """Templates of a population at one time point, each read from both ends; most mates overlap."""

    def __init__(self, time_point: int, *, seed: int, templates: int = 90, errors: bool = True) -> None:
        rng = np.random.default_rng([seed, time_point])
        reference = np.array([BASES.index(letter) for letter in reference_letters()])
        self.spans = []
        self.mates = []
        for _ in range(templates):
            length = int(rng.integers(READ, 141))
            start = int(rng.integers(0, LENGTH - length + 1))
            carried = reference.copy()
            for position, shares in SITES.items():
                if rng.random() < shares[time_point]:
                    carried[position] = (carried[position] + 1) % 4
            self.spans.append((start, start + length, carried))
            self.mates.append([self._read(rng, carried, at, errors) for at in (start, start + length - READ)])

    @staticmethod
    def _read(rng: np.random.Generator, carried: np.ndarray, start: int, errors: bool) -> tuple[int, str, str]:
        qualities = rng.choice(QUALITIES, READ) if errors else np.full(READ, 40)
        wrong = rng.random(READ) < 10.0 ** (-0.1 * qualities) * errors
        codes = np.where(wrong, carried[start : start + READ] + rng.integers(1, 4, READ), carried[start : start + READ])
        return start, "".join(BASES[code] for code in codes % 4), "".join(chr(33 + q) for q in qualities)

    def lines(self, contigs: Sequence[str] = ("c",), *, left_is_first: bool = True) -> list[str]:
        """SAM lines of both mates, on each of some contigs that are alike."""
        lines = []
        for contig in contigs:
            for number, (left, right) in enumerate(self.mates):
                span = right[0] + READ - left[0]
                roles = (0x40, 0x80) if left_is_first else (0x80, 0x40)
                for mate, other, strand, size, role in ((left, right, 0x20, span, 0), (right, left, 0x10, -span, 1)):
                    place = f"{contig}\t{mate[0] + 1}\t60\t{READ}M\t=\t{other[0] + 1}\t{size}"
                    lines.append(f"t{number}\t{0x3 | strand | roles[role]}\t{place}\t{mate[1]}\t{mate[2]}")
        return lines

    def whole(self) -> list[str]:
        """SAM lines of the same templates, each in one read."""
        return [
            f"t{number}\t0\tc\t{start + 1}\t60\t{end - start}M\t*\t0\t0\t"
            f"{''.join(BASES[code] for code in carried[start:end])}\t{'I' * (end - start)}"
            for number, (start, end, carried) in enumerate(self.spans)
        ]

    def depths(self) -> np.ndarray:
        """Templates with a base at each position."""
        depths = np.zeros(LENGTH, int)
        for left, right in self.mates:
            covered = np.zeros(LENGTH, bool)
            for start, _, _ in (left, right):
                covered[start : start + READ] = True
            depths += covered
        return depths


EARLY, LATE, OTHER = Library(0, seed=1), Library(1, seed=2), Library(1, seed=3)


@pytest.fixture
def compare(make_bam: Make, make_fasta: Make) -> Callable[..., cn.CompareResult]:
    """Compare samples given as SAM lines on contigs that are all alike."""

    def run(
        samples: dict[str, list[str]],
        *,
        contigs: Sequence[str] = ("c",),
        letters: str | None = None,
        **question: Any,
    ) -> cn.CompareResult:
        lengths = dict.fromkeys(contigs, LENGTH)
        bams = {name: make_bam(f"{name}.bam", lengths, lines) for name, lines in samples.items()}
        fasta = make_fasta("reference.fa", dict.fromkeys(contigs, letters or reference_letters()))
        return cn.compare(bams, reference=fasta, options=OPTIONS, **question)

    return run


def by_place(result: cn.CompareResult) -> dict[tuple[str, int], dict[str, Any]]:
    return {(row["contig"], row["position"]): row for row in own_columns(result)}


def own_columns(result: cn.CompareResult) -> Rows:
    """Rows of dist without what belongs to the list as a whole."""
    rows: Rows = result.dist.drop_columns("false_share").to_pylist()
    return rows


@pytest.fixture
def expected(compare: Callable[..., cn.CompareResult]) -> cn.CompareResult:
    result = compare({"early": EARLY.lines(), "late": LATE.lines()})
    states = {row["position"] - 1: row["state"] for row in result.dist.to_pylist()}
    assert set(states.values()) == {"changed", "ambiguous", "unchanged"}
    assert [states[site] for site in (50, 70, 90)] == ["changed", "ambiguous", "changed"]
    return result


@pytest.mark.parametrize("order", ["CGTA", "TGCA", "GATC"])
def test_other_names_for_the_bases_change_no_state(compare, expected, order: str) -> None:
    """Draws are others, so figures agree as far as chance allows."""
    table = str.maketrans(BASES, order)

    def renamed(library: Library) -> list[str]:
        cells = [line.split("\t") for line in library.lines()]
        return ["\t".join([*line[:9], line[9].translate(table), line[10]]) for line in cells]

    result = compare({"early": renamed(EARLY), "late": renamed(LATE)}, letters=reference_letters().translate(table))
    for name in ("loci", "no_data", "unchanged", "screened_changed"):
        assert result.stats[name].to_pylist() == expected.stats[name].to_pylist()
    for row, other in zip(result.dist.to_pylist(), expected.dist.to_pylist(), strict=True):
        assert row["reference"] == other["reference"].translate(table)
        for name in ("position", "depth_1", "depth_2"):
            assert row[name] == other[name]
        is_on_the_edge = abs(other["p_changed"] - OPTIONS.confidence) < BY_CHANCE and other["state"] != "unchanged"
        assert row["state"] == other["state"] or is_on_the_edge
        width = other["distance_q0.995"] - other["distance_q0.005"]
        assert abs(row["distance_mean"] - other["distance_mean"]) < 0.06 * width + 1e-6
        assert abs(row["p_changed"] - other["p_changed"]) < 0.11
    shares = {(row["position"], row["sample"], row["base"].translate(table)): row for row in expected.comp.to_pylist()}
    for row in result.comp.to_pylist():
        other = shares[row["position"], row["sample"], row["base"]]
        assert abs(row["mean"] - other["mean"]) < 0.06 * (other["q0.995"] - other["q0.005"]) + 1e-6


def test_swapped_samples_give_the_same_row_to_the_bit(compare, expected) -> None:
    swapped = compare({"early": EARLY.lines(), "late": LATE.lines()}, pairs=[cn.Comparison("late", "early")])
    assert swapped_back(own_columns(swapped)) == own_columns(expected)
    false_shares = (result.dist["false_share"].to_numpy() for result in (swapped, expected))
    np.testing.assert_allclose(*false_shares, atol=0.02)  # draws are paired the other way round
    assert swapped.comp.equals(expected.comp)


def swapped_back(rows: Rows) -> Rows:
    """The rows as they are with the samples the other way round."""
    other = {"sample_1": "sample_2", "sample_2": "sample_1", "depth_1": "depth_2", "depth_2": "depth_1"}
    return [{other.get(name, name): value for name, value in row.items()} for row in rows]


def test_the_order_of_contigs_and_regions_changes_no_row(compare, expected) -> None:
    samples = {name: library.lines(("c", "d")) for name, library in (("early", EARLY), ("late", LATE))}
    one = by_place(compare(samples, contigs=("c", "d")))
    two = by_place(compare(samples, contigs=("d", "c"), regions=["d:100-160", "c:80-160", "d:1-99", "c:1-79"]))
    assert one == two
    assert {place: row for place, row in one.items() if place[0] == "c"} == by_place(expected)


def test_each_contig_has_draws_of_its_own(compare) -> None:
    samples = {name: library.lines(("c", "d")) for name, library in (("early", EARLY), ("late", LATE))}
    rows = by_place(compare(samples, contigs=("c", "d")))
    assert rows["c", 51]["depth_1"] == rows["d", 51]["depth_1"]
    assert rows["c", 51]["distance_mean"] != rows["d", 51]["distance_mean"]


def test_other_samples_in_the_run_change_no_row(compare, expected) -> None:
    samples = {"other": OTHER.lines(), "late": LATE.lines(), "before": EARLY.lines(), "early": EARLY.lines()}
    result = compare(samples, scheme="all-pairs")
    rows = [row for row in own_columns(result) if {row["sample_1"], row["sample_2"]} == {"early", "late"}]
    assert swapped_back(rows) == own_columns(expected)
    assert result.stats.num_rows == 6


def test_a_template_counts_once_where_its_mates_overlap(compare, expected) -> None:
    compared = np.flatnonzero(EARLY.depths() * LATE.depths())
    assert (expected.dist["position"].to_numpy() - 1).tolist() == compared.tolist()
    for name, library in (("depth_1", EARLY), ("depth_2", LATE)):
        assert expected.dist[name].to_pylist() == library.depths()[compared].tolist()
        assert sum(left[0] + READ > right[0] for left, right in library.mates) > 0.9 * len(library.mates)


def test_mates_say_what_the_whole_template_says(compare) -> None:
    early, late = Library(0, seed=4, errors=False), Library(1, seed=5, errors=False)
    mates = compare({"early": early.lines(), "late": late.lines()})
    whole = compare({"early": early.whole(), "late": late.whole()})
    inside = (
        (early.depths() == spanned(early)) & (late.depths() == spanned(late)) & (early.depths() * late.depths() > 0)
    )
    assert np.count_nonzero(inside) > LENGTH / 2
    assert {"changed", "unchanged"} <= set(mates.dist["state"].to_pylist())
    one, two = by_place(mates), by_place(whole)
    for place in [("c", position + 1) for position in np.flatnonzero(inside).tolist()]:
        for name in ("depth_1", "depth_2", "state"):
            assert one[place][name] == two[place][name]


def spanned(library: Library) -> np.ndarray:
    """Templates at each position, read or not."""
    depths = np.zeros(LENGTH, int)
    for start, end, _ in library.spans:
        depths[start:end] += 1
    return depths


def test_neither_the_order_of_reads_nor_which_mate_was_sequenced_first_matters(compare, expected) -> None:
    rng = np.random.default_rng(6)
    for left_is_first in (True, False):
        shuffled = {
            name: [library.lines(left_is_first=left_is_first)[i] for i in rng.permutation(2 * len(library.mates))]
            for name, library in (("early", EARLY), ("late", LATE))
        }
        assert compare(shuffled).dist.equals(expected.dist)
