"""``colonnade run``: what people type and what they are told."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from workflows import Project, new_project, quick_report

from colonnade.cli import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = new_project(tmp_path / "a project")
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr("colonnade.workflow.plan.write_report", quick_report)
    return project


def run(*arguments: str) -> int:
    return main(["run", "the sheet.tsv", "--reference", "made.reference.fa", "-o", "the output", *arguments])


def lines(text: str) -> list[str]:
    return [line.removeprefix("colonnade run: ") for line in text.splitlines()]


def test_a_run_tells_each_step_and_its_result_in_a_line(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--threads=1") == 0
    told = lines(capsys.readouterr().err)
    steps = [line for line in told if line.endswith(": new")]
    assert steps[0] == "make index: new"
    assert len(steps) == 8
    assert told[-1] == "report: the output/report/all.html"
    assert told[-2] == "0 of 8 steps were up to date"
    assert told[-3].startswith("early - late: 1000 loci, ")
    assert run("--min-distance=0.05") == 0
    told = lines(capsys.readouterr().err)
    assert told[0] == "compare all: min_distance was 0.2, is 0.05"
    assert told[-2] == "5 of 8 steps were up to date"
    assert run("--min-distance=0.05", "--preset=ancient", "--differences=0.02", "--dry-run") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines()[:2] == ["make index: up to date", "align early: differences was 0.04, is 0.02"]


def test_each_stage_of_a_step_is_told_with_what_it_counts(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colonnade.run.progress._SECONDS_WORTH_A_LINE", 0.0)
    assert run("--threads=1") == 0
    told = lines(capsys.readouterr().err)
    for stage, count in {
        "align early: aligning": r"\d+ reads in",
        "align late: pairing": r"\d+ reads in",
        "compare all: comparing": "1,000 loci in",
        "report all: drawing": "done in",
    }.items():
        assert any(re.match(f"{stage}: {count}", line) for line in told), (stage, told)


def test_a_dry_run_prints_what_would_be_done(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--dry-run", "--all-pairs") == 0
    assert capsys.readouterr().out.splitlines()[-3:] == ["compare all: new", "report all: new", "summarize: new"]
    assert not project.out.exists()


def test_quiet_says_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quiet") == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--min-distance=2",), 2, "min_distance is out of range; found 2.0"),
        (("--against=nobody",), 2, "the sheet.tsv: no sample nobody in a group; found all"),
        (("--gff=none.gff",), 1, "none.gff: no such file"),
        (("--local-cluster=1", "--tls-ca=x"), 2, "--tls-ca"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_done(
    project: Project, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert run(*arguments) == code
    told = capsys.readouterr().err
    assert told.startswith(f"colonnade run: error: {said}")
    assert told.count("\n") == 1
    assert not project.out.exists()


def test_a_sheet_that_is_not_there_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("made.reference.fa").write_text(">a\nACGT\n")
    assert run() == 1
    assert capsys.readouterr().err == "colonnade run: error: the sheet.tsv: No such file or directory\n"


def test_help_needs_nothing_heavy() -> None:
    program = "import sys; from colonnade.cli import parser; parser(); print([m for m in ('numpy', 'pyarrow') if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
