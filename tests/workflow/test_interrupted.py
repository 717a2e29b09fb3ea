"""A run that is killed at any moment leaves nothing that looks complete, and ends, when it is run again, with the same bytes."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from workflows import HIDDEN, Project

import colonnade as cn
from colonnade.compare.engine import compare_to_files
from colonnade.workflow.steps import UNFINISHED_BEFORE

KILLED_RUN = Path(__file__).parents[1] / "helpers/killed_run.py"
KEPT = "compare/all.unfinished"
MOMENTS = (
    ("make index", "done"),
    ("align early", "progress"),
    ("align late", "renaming"),
    ("count early", "done"),
    ("compare all", "progress"),
    ("report all", "renaming"),
    ("summarize", "done"),
)


def killed(project: Project, step: str, moment: str) -> None:
    """Run it until then."""
    command = [sys.executable, str(KILLED_RUN), str(project.folder), step, moment]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.fixture(scope="module")
def interrupted(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run that was killed when it had compared, but not written; not to be changed."""
    project = finished.copied(tmp_path_factory.mktemp("interrupted") / "a project")
    (project.out / "compare/all.dist.tsv").unlink()
    killed(project, "compare all", "renaming")
    assert (project.out / KEPT).is_file()
    return project


def test_a_run_that_is_killed_in_each_step_ends_with_the_bytes_of_one_run(finished: Project, project: Project) -> None:
    shutil.rmtree(project.out)
    for step, moment in MOMENTS:
        killed(project, step, moment)
        assert project.run(dry_run=True).reasons[step] == UNFINISHED_BEFORE
    assert project.run().done == ("summarize",)
    assert project.checksums() == finished.checksums()


@pytest.mark.parametrize("force", [False, True])
def test_an_interrupted_step_goes_on_with_what_is_done_unless_all_is_made_anew(
    finished: Project, interrupted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    project, told = interrupted.copied(tmp_path / "copy"), []

    def compared(*arguments: Any, **options: Any) -> object:
        told.append((project.out / KEPT).is_file())
        return compare_to_files(*arguments, **options)

    monkeypatch.setattr("colonnade.workflow.plan.compare_to_files", compared)
    assert (project.run(force=force).done == ("compare all",)) is not force
    assert told == [not force]
    assert project.checksums() == finished.checksums()


def test_work_that_was_begun_with_other_options_is_begun_anew(interrupted: Project, tmp_path: Path) -> None:
    project = interrupted.copied(tmp_path / "copy")
    assert project.run(compare_options=cn.CompareOptions(min_distance=0.05)).done[0] == "compare all"
    assert cn.read_result(project.out / "compare/all").facts["options"]["min_distance"] == 0.05


def test_work_whose_head_was_cut_is_begun_anew(finished: Project, interrupted: Project, tmp_path: Path) -> None:
    project = interrupted.copied(tmp_path / "copy")
    (project.out / KEPT).write_bytes((project.out / KEPT).read_bytes()[:30])
    project.run()
    assert project.checksums() == finished.checksums()


def test_what_a_killed_run_has_left_is_removed(interrupted: Project, tmp_path: Path) -> None:
    project = interrupted.copied(tmp_path / "copy")
    (project.out / "reference/made.reference.fa.sa").unlink()
    left = [f"reference/.made.reference.fa.{name}" for name in ("abc/x.bwt", "bwt.lock", "colonnade.1.part")]
    for name in (*left, "bam/.colonnade-abc/records.0000.bam", "bam/.early.bam.1.part"):
        (project.out / name).parent.mkdir(exist_ok=True)
        (project.out / name).write_bytes(b"")
    (project.out / "bam/early.bam").unlink()
    project.run()
    assert not [path for path in project.out.rglob(".*") if path.name not in HIDDEN]
    assert not list(project.out.rglob("*.unfinished"))
