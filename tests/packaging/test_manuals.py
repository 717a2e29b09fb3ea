"""The pages of the manual say what the help says, and roff understands them."""

import argparse
import re
import shutil
import subprocess

import pytest

from colonnade.cli import parser
from colonnade.version import __version__

(COMMANDS,) = (action.choices for action in parser()._actions if action.dest == "verb")
MACROS = {"TH", "SH", "TP", "PP", "B", "BR", "br", "EX", "EE", "ad", "nh", "nr"}


@pytest.fixture(params=["colonnade", *(f"colonnade-{name}" for name in COMMANDS)])
def page(request, share):
    return share / "man" / "man1" / f"{request.param}.1"


def plain(text: str) -> str:
    """What a page says, without fonts and escapes, and without its lines."""
    text = re.sub(r"\\f[BIR]|\\[,/&]|^\.\w+ ?", "", text, flags=re.MULTILINE)
    for escape, letter in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ha", "^"), (r"\(ti", "~"), (r"\e", "\\"), (r"\\", "\\")):
        text = text.replace(escape, letter)
    return " ".join(text.split())


def test_a_page_is_named_after_its_command_and_says_what_it_is_for(page) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    name = page.stem.replace("-", r"\-")
    assert lines[0].startswith(f'.TH {name.upper()} "1" "" "colonnade {__version__}"')
    assert lines[lines.index(".SH NAME") + 1].startswith(rf"{name} \- ")


def test_a_page_has_every_option_that_is_shown_and_every_example(page) -> None:
    command = COMMANDS[page.stem.partition("-")[2]] if "-" in page.stem else parser()
    text = plain(page.read_text(encoding="utf-8"))
    for action in command._actions:
        if action.option_strings and action.help != argparse.SUPPRESS and "--help" not in action.option_strings:
            assert all(re.search(rf" {re.escape(name)}[ ,]", text) for name in action.option_strings)
            assert " ".join((action.help % vars(action)).split()) in text
    assert " ".join(command.epilog.removeprefix("examples:").partition("\n\n")[0].split()) in text


def test_the_page_of_all_names_each_command(share) -> None:
    text = plain((share / "man" / "man1" / "colonnade.1").read_text(encoding="utf-8"))
    assert all(f"colonnade-{name} (1)" in text for name in COMMANDS)


def test_no_line_of_text_is_taken_for_a_command_of_roff(page) -> None:
    starts = re.findall(r"^[.'](\w*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert {*starts} <= MACROS


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_has_no_complaint(page) -> None:
    done = subprocess.run(["groff", "-ww", "-man", "-Tutf8", page], capture_output=True, text=True, check=True)
    assert done.stderr == ""
