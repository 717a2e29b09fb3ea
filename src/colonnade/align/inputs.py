"""Which files reads come from: one or two, or those that a table names."""

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from os import fspath
from typing import Final

from colonnade.align.read_group import ReadGroup
from colonnade.errors import FormatError, UsageError
from colonnade.formats.stream import STANDARD_INPUT, StrPath

COLUMNS: Final = ("read_group", "path_1", "path_2")

_EXCERPT: Final = 60  # characters of a line that a message shows


@dataclass(frozen=True)
class ReadFiles:
    r"""Reads that come from one place.

    Parameters
    ----------
    path
        FASTQ (plain, gzip or bgzip), BAM, SAM or CRAM; ``-`` is standard input.
    mates
        FASTQ of their mates, in the same order.
    read_group
        ID or whole ``@RG`` line (tabs may be written ``\t``) of the reads, all of them: of BAM, SAM and CRAM it replaces the
        read groups that there were, as ``samtools addreplacerg`` does. None: as the file has them.
    """

    path: StrPath
    mates: StrPath | None = None
    read_group: str | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Its files, one or two."""
        return tuple(fspath(path) for path in (self.path, self.mates) if path is not None)


def read_inputs(path: StrPath) -> tuple[ReadFiles, ...]:
    """The inputs that a tab-separated file names, with the header ``read_group  path_1  path_2``, of which the last may be absent.

    An empty ``read_group`` leaves reads in the groups that they have, an empty ``path_2`` is no file. Paths are as seen from the
    folder that one is in.

    Raises
    ------
    FormatError
        A line is not understood, or there is none.
    """
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        lines = [line.rstrip("\r\n") for line in file]
    if tuple(lines[:1]) not in {("\t".join(COLUMNS),), ("\t".join(COLUMNS[:2]),)}:
        raise FormatError(
            "wrong header",
            path=path,
            place="line 1",
            found=ascii("".join(lines[:1])[:_EXCERPT]),
            expected=r"\t".join(COLUMNS),
        )
    width = lines[0].count("\t") + 1
    rows = [(number, line) for number, line in enumerate(lines[1:], 2) if line.strip()]
    if not rows:
        raise FormatError("no inputs", path=path, found="a header alone", expected="a line for each input")
    return tuple(_input(path, number, line, width) for number, line in rows)


def check_inputs(inputs: Sequence[ReadFiles]) -> None:
    """Raise UsageError where a file is named twice, whatever it is called, or none is."""
    if not inputs:
        raise UsageError("no reads", expected="one file or more")
    seen: set[Hashable] = set()
    for path in (path for item in inputs for path in item.paths):
        file = _identity(path)
        if file in seen:
            name = "standard input" if path == STANDARD_INPUT else path
            raise UsageError("a file of reads is named twice", found=name, expected="each once")
        seen.add(file)


def _identity(path: str) -> Hashable:
    """What is the same for all names of a file."""
    if path == STANDARD_INPUT or not os.path.isfile(path):
        return path
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _input(path: StrPath, number: int, line: str, width: int) -> ReadFiles:
    fields = line.split("\t")
    place = f"line {number}"
    if "\0" in line:
        raise FormatError("not a text file", path=path, place=place, found="a NUL byte")
    if not 2 <= len(fields) <= width or not fields[1]:
        found = f"{len(fields)} fields" if fields[1:2] != [""] else "no path"
        raise FormatError(
            "no input",
            path=path,
            place=place,
            found=found,
            expected="read_group and path_1, which may have path_2 behind",
        )
    read_group, first, second = (*fields, "")[:3]
    try:
        if read_group:
            ReadGroup.parse(read_group)
    except UsageError as error:
        raise FormatError(error.message, path=path, place=place, found=error.found, expected=error.expected) from None
    return ReadFiles(first, second or None, read_group or None)
