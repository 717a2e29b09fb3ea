"""Arguments that several commands share, and how their texts are read."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn, TypeVar

from colonnade.errors import ColonnadeError

Value = TypeVar("Value")

#: What names standard output where a file is asked for.
STDOUT: Final = "-"

_LARGEST: Final = (1 << 31) - 1
_UNITS: Final = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


class VerbParser(argparse.ArgumentParser):
    """The parser of a command, which speaks for itself also where there are arguments that it does not know.

    Parameters
    ----------
    hint
        What each of its messages ends with.
    """

    def __init__(self, *args: Any, hint: str = "", **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._hint = hint

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse does, but there are none left."""
        known, others = super().parse_known_args(args, namespace)
        if others:
            self.error(f"unrecognized arguments: {' '.join(others)}")
        return known, others

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with exit code 2."""
        super().error("; ".join(filter(None, (message, self._hint))))


def add_common(parser: argparse.ArgumentParser, *, letters: bool = True) -> None:
    """Add what every command has; without ``letters`` under long names only, where a command needs -v and -q itself."""
    group = parser.add_argument_group("run")
    group.add_argument(
        "--threads",
        type=positive,
        default=available_cpus(),
        metavar="N",
        help="threads to use (default: one for each CPU that is at hand)",
    )
    group.add_argument("--force", action="store_true", help="replace output that exists")
    group.add_argument(*["-v"] * letters, "--verbose", action="store_true", help="say more on stderr")
    group.add_argument(*["-q"] * letters, "--quiet", action="store_true", help="say nothing but errors")
    group.add_argument("--debug", action="store_true", help="show tracebacks")


def add_regions(group: argparse._ActionsContainer) -> None:
    """Add how regions of interest are named."""
    group.add_argument(
        "-r",
        "--region",
        action="append",
        default=[],
        metavar="REGION",
        help="only chr1 or chr1:1,001-2,000, 1-based with both ends; may be repeated",
    )
    group.add_argument("--bed", metavar="BED", help="only the regions of a BED file")


def available_cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parsed(parse: Callable[[str], Value], name: str) -> Callable[[str], Value]:
    """Make a parsing function fit for ``type=``: its errors become argparse's."""

    def read(text: str) -> Value:
        try:
            return parse(text)
        except (ColonnadeError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    read.__name__ = name
    return read


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"must be 1 or more, not {text}")
    return number


def _whole(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"must be 0 to {_LARGEST}, not {text}")
    return number


def _size(text: str) -> int:
    number = text.upper().removesuffix("B")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    try:
        size = int(float(number.removesuffix(unit)) * (1 << _UNITS[unit]))
    except (ValueError, OverflowError):
        size = 0
    if size < 1:
        raise ValueError(f"{text!r} is not a size such as 64M or 2G")
    return size


positive = parsed(_positive, "positive")
whole = parsed(_whole, "whole")
size = parsed(_size, "size")


class Unsupported(argparse.Action):
    """Refuse what a partner tool has and this command has not; ``metavar`` says why."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: Any,
        option_string: str | None = None,
    ) -> None:
        parser.exit(2, f"{parser.prog}: error: not supported: {option_string} ({self.metavar})\n")


class Version(argparse.Action):
    """Print the version, which is looked up only then: it takes as long as all the rest."""

    def __init__(self, option_strings: Sequence[str], dest: str, **settings: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **settings)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from colonnade.version import __version__

        print(parser.prog, __version__)
        parser.exit()
