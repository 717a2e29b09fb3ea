"""What is promised about error, power and coverage: the short forms of validation/calibration.py and its neighbours."""

import sys
from pathlib import Path

import numpy as np
import pytest

from colonnade.method.screen_kernels import AMBIGUOUS, CHANGED, UNCHANGED

sys.path.insert(0, str(Path(__file__).parents[2] / "validation"))
import calibration
import false_changes
import pictures
import power
import screen as screen_validation
from evidence import LOWEST, QUALITIES, Judge, draw, draw_from_counts, two_alleles


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


# Coverage


@pytest.mark.parametrize(("depth", "loci"), [(5, 2000), (5000, 1000)])
def test_intervals_hold_truths_from_the_prior_at_few_reads_and_at_many(depth: int, loci: int) -> None:
    rng = np.random.default_rng(21)
    held = calibration.coverage(rng, calibration.from_prior(rng, loci), depth, QUALITIES["mixed"], draw)
    for (_, rate), share in held.items():
        assert share == pytest.approx(rate, abs=0.03 if rate == 0.9 else 0.012)


@pytest.mark.parametrize("quality", QUALITIES)
def test_intervals_hold_fixed_truths_of_two_bases(quality: str) -> None:
    rng = np.random.default_rng(22)
    each = [
        calibration.coverage(rng, calibration.fixed(pair, 300), 100, QUALITIES[quality], draw)
        for pair in calibration.TWO_BASES
    ]
    assert calibration.as_expected(each, 300)


def test_intervals_that_know_counts_only_do_not_hold_them_where_qualities_are_poor() -> None:
    rng = np.random.default_rng(23)
    pair = calibration.fixed(calibration.TWO_BASES[1], 300)
    held = calibration.coverage(rng, pair, 100, QUALITIES["poor"], draw_from_counts)
    assert held["distance", 0.9] < 0.7
    assert not calibration.as_expected([held], 300)


def test_the_upper_bound_holds_where_a_two_sided_interval_cannot() -> None:
    two_sided, upper, bound = calibration.near_zero(np.random.default_rng(24), 0.0, 100, 500)
    assert (two_sided, upper) == (0, 1)
    assert 0.1 < bound < 0.25
    _, upper, _ = calibration.near_zero(np.random.default_rng(25), 0.1, 300, 1000)
    assert 0.93 < upper < 0.97


# Error


@pytest.mark.parametrize(("depth", "most"), [(5, 0.06), (30, 0.02), (300, 0.02)])
def test_few_changes_are_called_just_below_the_threshold(judge: Judge, depth: int, most: float) -> None:
    rng = np.random.default_rng(26)
    calls = false_changes.call(
        rng, judge, false_changes.near_threshold(rng, "half", 3000), depth, [QUALITIES["good"]] * 2
    )
    assert 0.001 < calls.confirmed.mean() < most
    assert not (calls.confirmed & ~calls.screened).any()


@pytest.mark.parametrize("depth", [10, 30, 100, 1000])
def test_no_pure_locus_is_called_changed(judge: Judge, depth: int) -> None:
    rng = np.random.default_rng(27)
    pure = two_alleles(np.zeros(2000)), two_alleles(np.zeros(2000))
    for quality in ("good", "mixed") if depth < 30 else QUALITIES:
        assert not false_changes.call(rng, judge, pure, depth, [QUALITIES[quality]] * 2).confirmed.any()


def test_unlike_qualities_are_no_change(judge: Judge) -> None:
    """One sample shows other bases by error alone: the screen, which knows counts only, cannot tell."""
    rng = np.random.default_rng(28)
    pure = two_alleles(np.zeros(2000)), two_alleles(np.zeros(2000))
    calls = false_changes.call(rng, judge, pure, 1000, [QUALITIES["good"], LOWEST])
    assert calls.screened.mean() > 0.9
    assert not calls.confirmed.any()


# Power


def test_as_much_is_found_as_a_difference_of_frequencies_finds_at_the_same_error(judge: Judge) -> None:
    rng = np.random.default_rng(29)
    loci = {0.195: 4000, 0.3: 1000, 0.4: 1000, 0.6: 1000}
    found = power.power({shift: power.look(rng, judge, shift, 100, "mixed", n) for shift, n in loci.items()})
    method, plain, rival = (found[name] for name in (power.METHOD, power.DIFFERENCE, power.RIVAL))
    assert method[0] < 0.02 < 0.2 < plain[0]
    assert all(one >= other - 0.06 for one, other in zip(method, rival, strict=True))
    assert method[1] < method[2] < method[3]
    assert method[3] > 0.95


def test_tables_do_not_need_altair(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda name: None)
    pictures.print_table(["depth", "share"], [[5, 0.9]])
    pictures.save_lines("none", [], x=pictures.Axis("x", 0, 1), y=pictures.Axis("y", 0, 1), legend="")
    assert "| 5 | 0.9 |" in capsys.readouterr().out
    assert not (pictures.FOLDER / "none.svg").exists()


# The screen's states


@pytest.mark.parametrize("kind", screen_validation.KINDS)
def test_states_are_those_of_sampling(kind) -> None:
    question = screen_validation.Question(0.2, 0.99)
    found = screen_validation.examine(kind(np.random.default_rng(30), question, 12), question, seed=31)
    assert found.count(right=True) == 12


def test_sampling_tells_a_wrong_state() -> None:
    question, key = screen_validation.Question(0.2, 0.99), np.array([30, 0, 0, 0, 15, 15, 0, 0])
    rights = {
        state: screen_validation.verdict(key, question, state, 32).right for state in (CHANGED, AMBIGUOUS, UNCHANGED)
    }
    assert rights == {CHANGED: True, AMBIGUOUS: False, UNCHANGED: False}
