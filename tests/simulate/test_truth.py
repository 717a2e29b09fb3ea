"""Recall and false changes on simulated populations: the short form of validation/truth.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "validation"))
import truth as validation


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> validation.Truth:
    rng = np.random.default_rng(11)
    shifts = np.concatenate((rng.uniform(0.05, 0.19, 150), rng.uniform(0.2, 1.0, 350)))
    rng.shuffle(shifts)
    return validation.measure(tmp_path_factory.mktemp("truth"), shifts, depth=100, seed=11, replicates=5)


def test_recall_is_what_the_definition_expects(truth: validation.Truth) -> None:
    _, called, expected = validation.summarise(truth, 0.2, 1.0)
    assert abs(called - expected) < 0.03
    assert called > 0.7


def test_large_shifts_are_found(truth: validation.Truth) -> None:
    sites, called, _ = validation.summarise(truth, 0.65, 1.0, fewest=60)
    assert sites > 100
    assert called >= 0.99


def test_shifts_below_the_threshold_are_not_called(truth: validation.Truth) -> None:
    sites, called, _ = validation.summarise(truth, 0.05, 0.19)
    assert sites == 150
    assert called <= 0.01


def test_loci_without_a_change_are_not_called(truth: validation.Truth) -> None:
    assert truth.false_elsewhere == 0
    assert truth.loci > 80_000
