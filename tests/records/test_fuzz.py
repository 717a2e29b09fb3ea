"""Whatever happens to a BAM or its index: one clear error, or the right counts (validation/fuzz.py does thousands)."""

from pathlib import Path

import fuzz
import pytest

N_MUTANTS = 25


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("fuzz")
    fuzz.make_files(path)
    return path


@pytest.mark.parametrize("name", ["packed.bam", "stored.bam"])
def test_undamaged_files_give_right_counts(folder: Path, name: str) -> None:
    kind = fuzz.Kind("nothing", name, "", lambda rng, raw: raw)
    assert kind.outcome(folder, 0) == "right"


@pytest.mark.parametrize("kind", fuzz.KINDS, ids=lambda kind: kind.name)
def test_damaged_files_give_one_clear_error_or_right_counts(folder: Path, kind: fuzz.Kind) -> None:
    told: list[str] = []
    outcomes = fuzz.run(folder, kind, range(N_MUTANTS), told.append)
    assert not told
    assert outcomes["error"] > N_MUTANTS // 4
