"""The demo tells the truth about its own population."""

from pathlib import Path

import numba
import pytest

from colonnade.cli import main
from colonnade.compare.schemas import TABLES
from colonnade.simulate.demo import run_demo


def test_demo_finds_every_true_change_and_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert main(["demo", "--output", str(folder), "--threads", "1"]) == 0
    shown = capsys.readouterr().out
    assert "15 of 15 true changes found; 0 false among 9000 loci" in shown
    assert "differs" not in shown
    made = ("reference.fa", "truth.tsv", "haplotypes.tsv", "run.json")
    index = [f"reference.fa.{suffix}" for suffix in ("fai", "bwt", "sa", "pac", "ann", "amb", "colonnade")]
    reads = [f"{sample}.{end}" for sample in ("early", "late") for end in ("unaligned.bam", "bam", "bam.bai")]
    assert {path.name for path in folder.iterdir()} == {
        *(f"virus.{name}" for name in (*made, *index, *reads)),
        *(f"result.{table}.tsv" for table in TABLES),
        "result.run.json",
    }


def test_demo_does_not_replace_files_unasked_and_makes_the_same_again(tmp_path: Path) -> None:
    arguments = ["demo", "--output", str(tmp_path), "--quiet"]
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(arguments) == 2
    assert main([*arguments, "--force", "--threads", "2"]) == 0
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before == after


def test_demo_announces_the_compilation_of_all_kernels_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run_demo(tmp_path / "demo")  # what is loaded by now is not compiled again
    caplog.set_level("INFO")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "empty"))
    run_demo(tmp_path / "demo", force=True)
    assert sum("compiling kernels" in message for message in caplog.messages) == 1
