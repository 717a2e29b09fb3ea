"""Manual pages and completions of shells, made from the parser of the command line whenever a wheel is built."""

import argparse
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any, Final

import shtab
from argparse_manpage.manpage import Manpage
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SAMPLE_FILES: Final = {
    "bash": "_colonnade_sample_files",  # shtab knows by "_file" in the name that these are names of files
    "zsh": "_colonnade_sample_files",
    "fish": "(_colonnade_sample_files)",
    "preamble": {
        "bash": """\
_colonnade_sample_files() {  # to readline the equals sign is a word by itself
  [[ "$1" == "=" || "${COMP_WORDS[COMP_CWORD-1]}" == "=" ]] && compgen -f -- "${1#=}"
}""",
        "zsh": """\
_colonnade_sample_files() {
  compset -P '*=' && _files || _message -r 'NAME=PATH'
}""",
        "fish": """\
function _colonnade_sample_files
  set -l name_and_path (string split -m1 = -- (commandline -ct))
  and for path in (__fish_complete_path "$name_and_path[2]")
    printf '%s=%s\\n' $name_and_path[1] $path
  end
end""",
    },
}
#: What completes a value, by what the help calls it; what is not here only the user knows.
_COMPLETED: Final[dict[object, Any]] = {
    **dict.fromkeys(("BED", "FASTA", "FILE", "MATES", "PART", "PREFIX", "READS", "SHEET", "in.bam"), shtab.FILE),
    "DIR": shtab.DIRECTORY,
    "NAME=PATH": _SAMPLE_FILES,
}

_LITERAL: Final = str.maketrans({"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"})
_EXIT_STATUS: Final = """\
.TP
.B 0
all is well
.TP
.B 1
something is wrong with the data, or with reading or writing
.TP
.B 2
the arguments are wrong
.TP
.B 130
interrupted: nothing half\\-written is left"""


class ManualsAndCompletions(BuildHookInterface):
    """Adds to a wheel what is installed in ``share/``."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        """Make the files and say where they belong."""
        self._made = TemporaryDirectory()
        sys.path.insert(0, str(Path(self.root, "src")))  # the package is not installed yet
        from colonnade.cli import parser
        from colonnade.cli.completion import SCRIPTS

        files = {name: completion(parser(), shell) for shell, name in SCRIPTS.items()}
        files |= manuals(parser(), version=self.metadata.version)
        for name, text in files.items():
            path = Path(self._made.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(path)] = name

    def finalize(self, *_: object) -> None:
        """Take away what has been packed."""
        self._made.cleanup()


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """What completes this command line in a shell."""
    for command in _verbs(parser).choices.values():
        for action in command._actions:
            if action.nargs != 0 and action.metavar in _COMPLETED:
                action.complete = _COMPLETED[action.metavar]
    script = shtab.complete(parser, shell)
    if shell == "zsh":  # shtab lets one argument follow where several may; "*:" is zsh's word for several
        script = re.sub(r'"\(\*\)::?', '"*:', script)
    return f"{script.rstrip()}\n"


def manuals(parser: argparse.ArgumentParser, *, version: str) -> dict[str, str]:
    """The manual pages, one for all and one for each command, by the names of their files."""
    helps = {action.dest: action.help or "" for action in _verbs(parser)._choices_actions}
    pages = {"colonnade": _overview(parser, helps)}
    pages |= {f"colonnade-{name}": command for name, command in _verbs(parser).choices.items()}
    summaries = {"colonnade": parser.description or ""} | {f"colonnade-{name}": text for name, text in helps.items()}
    return {f"share/man/man1/{name}.1": _manual(name, page, summaries, version=version) for name, page in pages.items()}


def _verbs(parser: argparse.ArgumentParser) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    return next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))


def _overview(parser: argparse.ArgumentParser, helps: dict[str, str]) -> argparse.ArgumentParser:
    """A parser with the commands as arguments, of which the page lists no more than the help."""
    page = argparse.ArgumentParser(
        prog=parser.prog,
        usage=parser.usage,
        description=parser.description,
        epilog=parser.epilog,
        formatter_class=parser.formatter_class,
    )
    page.add_argument("--version", action="store_true", help="show the version and exit")
    group = page.add_argument_group("commands")
    for name, text in helps.items():
        group.add_argument(name, help=text)
    return page


def _manual(name: str, parser: argparse.ArgumentParser, summaries: dict[str, str], *, version: str) -> str:
    """One page; it has no date, so that it is the same whenever it is made."""
    examples, _, notes = (parser.epilog or "").partition("\n\n")
    parser.epilog = None
    page = Manpage(parser, {"project_name": "colonnade", "version": version, "manual_title": "colonnade"})
    page.prog, page.date, page.description = name, "", summaries[name].rstrip(".")
    for heading, text in (
        ("synopsis", _synopsis(parser)),
        ("examples", _verbatim(examples.partition("\n")[2])),
        ("notes", "\n.PP\n".join(map(_literal, notes.strip().split("\n\n")))),
        ("exit status", _EXIT_STATUS),
        ("see also", ",\n".join(f".BR {_literal(other)} (1)" for other in summaries if other != name)),
    ):
        if text:
            page.add_section(heading, "=", text)
    return str(page).replace(".SH NAME", ".nr HY 0\n.nh\n.ad l\n.SH NAME", 1)  # names are not torn apart


def _synopsis(parser: argparse.ArgumentParser) -> str:
    lines = parser.format_usage().removeprefix("usage: ").split("\n")
    usages = [_literal(line.strip().removeprefix(f"{parser.prog} ")) for line in lines if line]
    return "\n.br\n".join(f'.B "{parser.prog}"\n{usage}' for usage in usages)


def _verbatim(text: str) -> str:
    return f".EX\n{_literal(dedent(text).strip())}\n.EE" if text else ""


def _literal(text: str) -> str:
    """Text that roff prints as it is: quotes and hyphens to be copied, and no point that begins a command."""
    return re.sub(r"^\.", r"\\&.", text.translate(_LITERAL), flags=re.MULTILINE)
