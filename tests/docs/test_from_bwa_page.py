"""The page for users of bwa: its tables have all options of bwa and ours as they are, and its commands are understood."""

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from colonnade.cli import parser

PAGE = (Path(__file__).parents[2] / "docs" / "from-bwa.md").read_text(encoding="utf-8")
TABLES = {
    name: re.findall(r"^\| (`.*?) \| (.*?) \| (.*) \|$", text, re.MULTILINE)
    for name, text in re.findall(r"^### bwa (\w+)\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
ROWS = [(name, *row) for name, rows in TABLES.items() for row in rows]
OWN = {"debug", "force", "help", "inputs", "interleaved", "preset", "quiet", "reference", "seed", "skip_aligned"} | {
    *("sort", "bwa_quirks", "verbose", "resume"),
    *("scheduler", "local_cluster", "tls_ca", "tls_cert", "tls_key"),
}
BAM2BAM_LETTERS = set("gnoeidlkLRmtNMOEqfCDascHhAp012B")


def align_parser() -> argparse.ArgumentParser:
    verbs = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return verbs.choices["align"]


def names(cell: str) -> list[str]:
    return re.findall(r"`(-[^` ]*)", cell)


@pytest.mark.parametrize(("program", "theirs", "ours", "meaning"), ROWS, ids=lambda text: text[:24])
def test_options_are_what_the_tables_say(program: str, theirs: str, ours: str, meaning: str) -> None:
    known = align_parser()._option_string_actions
    if ours == "refused":
        for name in names(theirs):
            assert name not in known or known[name].help == argparse.SUPPRESS
    elif ours != "none":
        actions = {known[name].dest for name in names(ours)}
        assert len(actions) == 1
        assert names(ours)


def test_options_that_keep_their_letter_are_called_the_same_in_all_tables() -> None:
    meanings: dict[str, set[str]] = {}
    for _, _, ours, _ in ROWS:
        if letters := [name for name in names(ours) if len(name) == 2]:
            meanings.setdefault(letters[0], set()).add(ours)
    assert all(len(same) == 1 for same in meanings.values())


@pytest.mark.skipif(shutil.which("bwa") is None, reason="bwa is not installed")
@pytest.mark.parametrize("program", ["aln", "samse", "sampe"])
def test_tables_have_all_options_that_bwa_lists(program: str) -> None:
    usage = subprocess.run(["bwa", program], capture_output=True, text=True).stderr
    listed = set(re.findall(r"[\s\[](-\w)\b", usage))
    assert len(listed) > 2
    assert listed == {name for row in TABLES[program] for name in names(row[0])}


def test_all_letters_of_bam2bam_are_there() -> None:
    letters = {name[1] for row in TABLES["bam2bam"] for name in names(row[0]) if len(name) == 2}
    assert letters == BAM2BAM_LETTERS


def test_all_options_of_ours_are_there_but_those_that_bwa_has_nothing_like() -> None:
    listed = {align_parser()._option_string_actions[name].dest for row in ROWS for name in names(row[2])}
    shown = {
        action.dest for action in align_parser()._actions if action.option_strings and action.help != argparse.SUPPRESS
    }
    assert shown - listed == OWN


@pytest.mark.parametrize("command", re.findall(r"colonnade align (--index .*)", PAGE))
def test_commands_are_understood(command: str) -> None:
    assert align_parser().parse_args(shlex.split(command)).output
