"""Runs a project, and ends its own process by SIGKILL at a moment of a step: ``killed_run.py FOLDER STEP MOMENT``."""

import os
import signal
import sys
from pathlib import Path

from workflows import Project, quick_report

import colonnade.workflow.plan
from colonnade.formats.output import OutputSet
from colonnade.workflow.steps import Records


def main(folder: str, step: str, moment: str) -> None:
    """Run it; moments are ``progress``, the first that is told of, ``renaming`` of files, and ``done``, but for the record."""
    now = [""]

    def kill(at: str) -> None:
        if (now[0], at) == (step, moment):
            os.kill(os.getpid(), signal.SIGKILL)

    begin, finish, rename = Records.begin, Records.finish, OutputSet._rename

    def begin_and_tell(self, begun, *, force) -> None:
        begin(self, begun, force=force)
        now[0] = begun.name

    def killed_before_finish(self, ended) -> None:
        kill("done")
        now[0] = ""
        finish(self, ended)

    def killed_before_renaming(self) -> None:
        kill("renaming")
        rename(self)

    Records.begin, Records.finish, OutputSet._rename = begin_and_tell, killed_before_finish, killed_before_renaming
    colonnade.workflow.plan.write_report = quick_report
    Project(Path(folder)).run(progress=lambda _stage, done, _total: kill("progress" if done else ""))


if __name__ == "__main__":
    main(*sys.argv[1:])
