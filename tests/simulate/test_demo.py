"""The demo tells the truth about its own population."""

from pathlib import Path

import pysam
import pytest

from colonnade.cli import main


def test_demo_finds_every_true_change_and_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert main(["demo", "--output", str(folder), "--threads", "1"]) == 0
    shown = capsys.readouterr().out
    assert "15 of 15 true changes found; 0 false among 9000 loci" in shown
    assert "differs" not in shown
    assert {path.name for path in folder.iterdir()} == {
        *("early.bam", "early.bam.bai", "late.bam", "late.bam.bai", "reference.fa", "reference.fa.fai", "truth.tsv"),
        *(f"result.{table}.tsv" for table in ("dist", "comp", "idist", "stats", "evidence")),
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


def test_simulated_reads_pass_samtools_quickcheck_and_mates_agree(tmp_path: Path) -> None:
    assert main(["demo", "--output", str(tmp_path), "--quiet"]) == 0
    path = str(tmp_path / "late.bam")
    pysam.samtools.quickcheck(path)
    waiting = {}
    with pysam.AlignmentFile(path) as file:
        for record in file:
            mate = waiting.pop(record.query_name, None)
            if mate is None:
                waiting[record.query_name] = record
                continue
            assert (mate.next_reference_start, record.next_reference_start) == (
                record.reference_start,
                mate.reference_start,
            )
            assert mate.template_length == -record.template_length
            assert {mate.is_read1, record.is_read1} == {True, False}
            assert mate.mate_is_reverse == record.is_reverse
    assert not waiting
