"""A tab completes commands, options, choices and files, in each shell that is at hand."""

import argparse
import re
import shutil

import pytest
from shells import STARTS, Shell

from colonnade.cli import parser
from colonnade.cli.completion import SCRIPTS

#: What the help calls values that no shell can know.
WORDS = {
    *("ADDRESS", "CHAR", "F", "FLAGS", "I/N", "KIND,...", "LENGTH", "LINE", "LIST", "N", "NAME", "NAME,...", "N|F"),
    *("Q:SHARE,...", "REGION", "SIZE", "TABLE,..."),
}


@pytest.fixture(scope="module", params=STARTS)
def shell(request, unpacked, share, tmp_path_factory):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp("folder")
    for name in ("wk4.bam", "wk30.bam", "ref.fa", "two words.fa"):
        (folder / name).touch()
    (folder / "made").mkdir()
    with Shell(request.param, share.parent / SCRIPTS[request.param], folder) as opened:
        yield opened


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("colonnade pil", "colonnade pileup"),
        ("colonnade compare --min-dis", "colonnade compare --min-distance"),
        ("colonnade compare --format p", "colonnade compare --format parquet"),
        ("colonnade compare --reference r", "colonnade compare --reference ref.fa"),
        ("colonnade compare --reference t", r"colonnade compare --reference two\ words.fa"),
        ("colonnade compare wk4=wk4", "colonnade compare wk4=wk4.bam"),
        ("colonnade compare wk4=wk4.bam wk30=wk3", "colonnade compare wk4=wk4.bam wk30=wk30.bam"),
        ("colonnade compare wk4=wk4.bam --ref", "colonnade compare wk4=wk4.bam --reference"),
        ("colonnade plan --bytes 64M wk30.bam wk4", "colonnade plan --bytes 64M wk30.bam wk4.bam"),
        ("colonnade align --index ref.fa wk4", "colonnade align --index ref.fa wk4.bam"),
        ("colonnade demo -o ", "colonnade demo -o made"),
    ],
)
def test_a_tab_completes(shell, typed: str, completed: str) -> None:
    assert shell.complete(typed).rstrip(" -/") == completed


@pytest.mark.parametrize("typed", ["colonnade compare wk", "colonnade plan --bytes 6", "colonnade nothing "])
def test_a_tab_does_nothing_where_nothing_fits(shell, typed: str) -> None:
    assert shell.complete(typed) == typed


def test_values_are_completed_unless_no_shell_can_know_them(share) -> None:
    script = (share.parent / SCRIPTS["bash"]).read_text(encoding="utf-8")
    (commands,) = (action.choices for action in parser()._actions if action.dest == "verb")
    for command, described in commands.items():
        options = [action for action in described._actions if action.option_strings and action.nargs != 0]
        for action in options:
            if action.help != argparse.SUPPRESS and action.metavar not in WORDS:
                name = re.sub(r"\W", "_", action.option_strings[-1])
                assert re.search(rf"^_shtab_colonnade_{command}_{name}_(COMPGEN|choices)=", script, re.MULTILINE)
