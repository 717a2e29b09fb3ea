"""Options of the aligner: ranges, and the number of differences by length."""

import re
import subprocess
from pathlib import Path
from typing import Any

import bwa
import pytest

from colonnade.align.options import PRESETS, AlignOptions, most_differences
from colonnade.errors import UsageError


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ({"differences": -1}, "differences is out of range; found -1; expected 0 to 255"),
        ({"differences": 1.5}, "share of reads that may be missed is out of range; found 1.5"),
        ({"differences": 0.0}, "share of reads that may be missed is out of range; found 0;"),
        ({"seed_length": 0}, "seed length is out of range; found 0"),
        ({"queue_entries": 0}, "queue entries is out of range; found 0"),
        ({"gap_opens": 64}, "gap opens is out of range; found 64; expected 0 to 63"),
        ({"trim_quality": 94}, "trim quality is out of range"),
        ({"seed": -1}, "seed is out of range"),
    ],
)
def test_what_makes_no_sense_is_refused(choice: dict[str, Any], found: str) -> None:
    with pytest.raises(UsageError, match=re.escape(found)):
        AlignOptions(**choice)


def test_a_whole_number_of_differences_holds_for_all_lengths() -> None:
    assert AlignOptions(differences=3).differences_by_length(4).tolist() == [3] * 5


def test_only_what_was_chosen_is_told() -> None:
    assert AlignOptions().non_defaults() == {}
    assert AlignOptions.preset("ancient").non_defaults() == PRESETS["ancient"]


def test_no_such_preset_is_told() -> None:
    with pytest.raises(UsageError, match="no such preset; found modern; expected ancient"):
        AlignOptions.preset("modern")


@bwa.needs_bwa
@pytest.mark.parametrize("missed", ["0.01", "0.04", "0.3", "0.000001"])
def test_differences_by_length_are_those_that_bwa_tells(missed: str, tmp_path: Path) -> None:
    nothing = tmp_path / "none"
    told = subprocess.run(["bwa", "aln", "-n", missed, str(nothing), str(nothing)], capture_output=True, text=True)
    steps = {int(length): int(most) for length, most in re.findall(r"(\d+)bp reads: max_diff = (\d+)", told.stderr)}
    assert steps
    for length in range(17, 251):
        assert most_differences(length, float(missed)) == steps[max(step for step in steps if step <= length)]


@pytest.mark.parametrize(("length", "expected"), [(37_000, 34), (40_000, 2)])
def test_long_reads_have_the_differences_that_32_bits_and_a_double_lead_to(length: int, expected: int) -> None:
    assert most_differences(length, 0.04) == expected
