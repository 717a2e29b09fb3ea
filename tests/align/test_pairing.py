"""Choosing among the hits of two mates: order, improbability, qualities, and work that is cut up."""

import math

import bwa
import numpy as np
import pytest
import stages
from hypothesis import given
from hypothesis import strategies as st
from made_pairs import made_pairs
from made_reads import hard_genome

from colonnade.align import pairing
from colonnade.align import pairing_kernels as kernels
from colonnade.align.options import AlignOptions

MASK = (1 << 64) - 1


@given(st.lists(st.integers(0, 1 << 60), max_size=900))
def test_candidates_are_sorted(values: list[int]) -> None:
    array = np.array([*values, -1], np.int64)
    kernels.sort(array, len(values))
    assert array.tolist() == [*sorted(values), -1]


@pytest.mark.parametrize("size", [100, 231, 250, 269, 400])
def test_an_insert_size_is_as_unlikely_as_that_or_a_rarer_one(size: int) -> None:
    expected = int(-4.343 * math.log(0.5 * math.erfc(abs(size - 250.0) / 30.0 / math.sqrt(2))) + 0.499)
    assert kernels.improbability(np.int64(size), 250.0, 30.0) == expected


def test_an_insert_size_that_is_out_of_the_question_is_no_better_than_any_score() -> None:
    assert kernels.improbability(np.int64(10), 2000.0, 1.0) == 1 << 31


@given(st.integers(0, MASK >> 32), st.integers(0, MASK >> 32))
def test_equal_pairs_are_told_apart_by_the_hash_of_bwa(left: int, right: int) -> None:
    key = left << 32 | right
    for shift, other in ((32, 22), (13, 8), (-3, 15), (27, 31)):
        key = (key + (key << 3) if shift < 0 else key + (~(key << shift) & MASK)) & MASK
        key ^= key >> other
    assert int(kernels.hash_places(np.int64(left), np.int64(right))) == key


@pytest.mark.parametrize(
    ("ahead", "n_best", "n_worse", "expected"),
    [(0, 2, 0, 0), (None, 1, 0, 29), (31, 1, 1, 23), (30, 1, 1, 15), (30, 1, 10, 5), (30, 1, 999, 0), (5, 1, 3, 0)],
)
def test_a_pair_is_as_sure_as_the_next_best_is_worse(
    ahead: int | None, n_best: int, n_worse: int, expected: int
) -> None:
    best = np.uint64(70 << 32 | 5)
    second = kernels.WORST if ahead is None else np.uint64((70 + ahead) << 32 | 3)
    assert kernels.pair_quality(best, second, n_best, n_worse, 3) == expected


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50), st.integers(1, 20))
def test_parts_are_small_and_leave_nothing_out(needed: list[int], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "_ROWS", most)
        parts = list(pairing._parts(np.array(needed)))
    assert [start for start, _ in parts] == [0, *(end for _, end in parts[:-1])]
    assert parts[-1][1] == len(needed)
    assert all(end - start == 1 or sum(needed[start:end]) <= most for start, end in parts)


@bwa.needs_bwa
def test_records_do_not_depend_on_how_many_rows_are_followed_at_a_time(tmp_path, monkeypatch) -> None:
    contigs = hard_genome(2)
    fasta = stages.write_fasta(contigs, tmp_path / "genome.fa")
    pairs = [template.reads for template in made_pairs(contigs, 200, seed=2) if len(template.reads) == 2]
    batch = stages.pristine_pairs(pairs, tmp_path)
    options = AlignOptions(listed_hits=10)
    whole = stages.by_us(fasta, batch, options)
    monkeypatch.setattr(pairing, "_ROWS", 3)
    assert stages.by_us(fasta, batch, options) == whole
