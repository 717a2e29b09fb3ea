"""The page about aligning has the options that the command has, and its arguments work."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from colonnade.align.options import PRESETS, AlignOptions, most_differences
from colonnade.cli import parser

PAGE = (Path(__file__).parents[2] / "docs" / "align.md").read_text(encoding="utf-8")
TABLE = re.search(r"<!-- colonnade align --help -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)[1]


def align_parser() -> argparse.ArgumentParser:
    verbs = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return verbs.choices["align"]


def row(action: argparse.Action) -> str:
    """Letter, name, default and meaning of an option, as the page has them."""
    *letter, name = action.option_strings
    meaning, _, default = action.help.partition(" (default: ")
    default = default.removesuffix(")") or ("needed" if action.required else "")
    return f"| {f'`{letter[0]}`' if letter else ''} | `{name}` | {default} | {meaning.replace('|', ', ')} |"


def test_the_table_has_the_options_of_the_command() -> None:
    shown = [a for a in align_parser()._actions if a.option_strings and a.help not in (argparse.SUPPRESS, None)]
    common = {"help", "preset", "threads", "force", "verbose", "quiet", "debug"}
    common |= {"scheduler", "local_cluster", "tls_ca", "tls_cert", "tls_key"}  # docs/cluster.md
    rows = [row(action) for action in shown if action.dest not in common]
    assert TABLE.splitlines() == ["| letter | name | default | meaning |", "|---|---|---|---|", *rows]


def test_presets_are_what_the_page_says() -> None:
    for name, options in PRESETS.items():
        text = " ".join(f"--{field.replace('_', '-')} {value}" for field, value in options.items())
        assert f"`--preset {name}` stands for `{text}`" in " ".join(PAGE.split())


@pytest.mark.parametrize("command", re.findall(r"colonnade align (--index .*)", PAGE))
def test_commands_are_understood(command: str) -> None:
    assert align_parser().parse_args(shlex.split(command)).output


def test_differences_by_length_are_those_of_the_page() -> None:
    counts = {int(k): int(length) for k, length in re.findall(r"(\d) up to (\d+)", PAGE)}
    assert len(counts) == 5
    share = AlignOptions().differences
    for most, length in counts.items():
        assert [most_differences(bases, share) for bases in (length, length + 1)] == [most, most + 1]
