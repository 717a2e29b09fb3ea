"""The reference of the command line: a section for each command, from the parser that the program itself uses."""

import argparse
import re
from collections.abc import Iterator

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from colonnade.cli import parser

Verbs = argparse._SubParsersAction  # argparse has no public name for it


class Commands(SphinxDirective):
    """``.. commands::``, within ``{eval-rst}``, as options are described in reStructuredText."""

    def run(self) -> list[nodes.Node]:
        """A section with options for each command, in the order of ``colonnade --help``."""
        (verbs,) = (action for action in parser()._actions if isinstance(action, Verbs))
        return [self._section(command) for command in verbs.choices.values()]

    def _section(self, command: argparse.ArgumentParser) -> nodes.section:
        title = command.prog
        section = nodes.section(ids=[nodes.make_id(title)], names=[nodes.fully_normalize_name(title)])
        section += nodes.title(title, title)
        self.state.document.note_implicit_target(section, section)
        self.state.nested_parse(StringList(list(_lines(command)), source=title), self.content_offset, section)
        return section


def _lines(command: argparse.ArgumentParser) -> Iterator[str]:
    """The section as reStructuredText."""
    yield from (f".. program:: {command.prog}", "", _escaped(command.description or ""), "")
    yield from _literal(_usage(command))
    for group in command._action_groups:
        shown = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        if shown:
            yield from (f".. rubric:: {_heading(group)}", "")
        for action in shown:
            yield from (f".. option:: {_names(action)}", "", f"   {_help(command, action)}", "")
    if command.epilog:
        yield from _literal(command.epilog)


def _usage(command: argparse.ArgumentParser) -> str:
    """How it is called: a line for each way."""
    lines = command.format_usage().removeprefix("usage: ").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _positional(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]"}.get(str(action.nargs), name)


def _heading(group: argparse._ArgumentGroup) -> str:
    return {"positional arguments": "Arguments", "options": "Help"}.get(
        group.title or "", (group.title or "").capitalize()
    )


def _names(action: argparse.Action) -> str:
    """``-o PREFIX, --output PREFIX``."""
    if not action.option_strings:
        return _positional(action)
    value = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "")
    return ", ".join(f"{name} {value}".strip() for name in action.option_strings)


def _help(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    return _escaped(command._get_formatter()._expand_help(action))


def _escaped(text: str) -> str:
    """Text in which no character is markup."""
    return re.sub(r"([\\*`_|<>\[\]])", r"\\\1", text)


def _literal(text: str) -> Iterator[str]:
    yield from ("::", "", *(f"   {line}" for line in text.splitlines()), "")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
