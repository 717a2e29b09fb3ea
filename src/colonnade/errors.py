"""What colonnade raises, so that a caller can tell bad data from a bad question."""

from os import PathLike
from typing import Final

_MOST_SHOWN: Final = 60  # letters


class ColonnadeError(Exception):
    """Data or the system is not as it must be: one line that names file, place, found, expected and the way out.

    Parameters
    ----------
    message
        What is wrong, in words.
    path
        The file that it is about.
    place
        Where in the file: an offset, a line, a record, a contig.
    found, expected
        What stands there, and what should.
    advice
        What to do about it.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        path: str | PathLike[str] | None = None,
        place: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = None if path is None else str(path)
        self.place = place
        self.found = found
        self.expected = expected
        self.advice = advice

    def __str__(self) -> str:
        text = ": ".join(part for part in (self.path, self.place, self.message) if part)
        if self.found is not None:
            text += f"; found {self.found}"
        if self.expected is not None:
            text += f"; expected {self.expected}"
        if self.advice is not None:
            text += f"; {self.advice}"
        return in_one_line(text)


class FormatError(ColonnadeError):
    """A file is damaged, cut short, or not of the format that it should be."""


class IndexMismatchError(ColonnadeError):
    """An index is missing, or describes another file than the one that it stands beside."""


class InputError(ColonnadeError):
    """A readable file that cannot be used together with the others: contigs, samples, regions."""


class OutputError(ColonnadeError):
    """A result cannot be written where it was asked for."""


class UsageError(ColonnadeError):
    """The question itself makes no sense: an option out of range, a sample named twice."""

    exit_code = 2


def shortened(text: str) -> str:
    """What is found, cut where it is long: an error is one line."""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def in_one_line(text: str) -> str:
    """Names of files and what is in them may hold anything: what would end the line or command a terminal is escaped."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
