"""Reads the file of a sheet, and says of everything wrong in which line and column it is."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from os import PathLike
from typing import Final, TextIO

from colonnade.align.inputs import ReadFiles
from colonnade.compare.samples import REF
from colonnade.errors import FormatError
from colonnade.workflow.sheet import DEFAULT_GROUP, NAME, NAME_RULE, Sheet, SheetSample, Time

_SAMPLE: Final = "sample"
_OTHER_NAMES: Final = {"fastq_1": "reads_1", "fastq_2": "reads_2"}  # as in the sample sheets of nf-core
_PAIR: Final = ("reads_1", "reads_2")
_READS: Final = ("reads_1", "reads")
_FILES: Final = (*_PAIR, "reads", "bam")
_COLUMNS: Final = (_SAMPLE, *_FILES, "time", "group", "library")
_EXCERPT: Final = 60  # characters of a field that a message shows


@dataclass(frozen=True)
class _Row:
    """A line of a sheet.

    Parameters
    ----------
    path, line
        Where it is.
    fields
        Column to text; empty where there is none.
    titles
        Column to the name that it has in this sheet.
    """

    path: str
    line: int
    fields: dict[str, str]
    titles: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.fields.get(column, "")

    def error(self, column: str, message: str, *, found: str | None = None, expected: str | None = None) -> FormatError:
        """What is wrong with a field."""
        place = f"line {self.line}, column {self.titles.get(column, column)}"
        return FormatError(message, path=self.path, place=place, found=found, expected=expected)

    def name(self, column: str) -> str:
        """A field that names something."""
        text = self[column]
        if not NAME.fullmatch(text):
            raise self.error(column, "not a name", found=_excerpt(text), expected=NAME_RULE)
        return text

    def file(self, column: str) -> str | None:
        """The file that a field names, seen from the folder of the sheet; None where it names none."""
        if not self[column]:
            return None
        path = os.path.join(os.path.dirname(self.path), self[column])
        if not os.path.isfile(path):
            found = "a folder" if os.path.isdir(path) else "a device or pipe" if os.path.exists(path) else None
            raise self.error(column, f"no such file: {path}", found=found)
        if not os.access(path, os.R_OK):
            raise self.error(column, f"file may not be read: {path}")
        return path

    def time(self) -> Time | None:
        """When the sample was taken."""
        text = self["time"]
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if isfinite(number):
            return number
        try:
            return date.fromisoformat(text)
        except ValueError:
            expected = "a number, or a day such as 2024-01-31"
            raise self.error("time", "not a time", found=_excerpt(text), expected=expected) from None

    def kind(self) -> str:
        """The column that says where the reads are: reads_1, reads or bam."""
        given = [column for column in _FILES if self[column]]
        if not given:
            known = [self.titles[column] for column in _FILES if column in self.titles]
            raise self.error(_SAMPLE, "no file", expected=f"one in {' or '.join(known)}")
        if given[0] == "reads_2":
            expected = f"the reads in {self.titles.get('reads_1', 'reads_1')}"
            raise self.error("reads_2", "mates of no reads", expected=expected)
        for other in given[1:]:
            if (given[0], other) != _PAIR:
                found = f"{self.titles[other]} besides {self.titles[given[0]]}"
                raise self.error(other, "files of two kinds in one line", found=found)
        return given[0]


def read_sheet(path: str | PathLike[str]) -> Sheet:
    """Read a sheet of samples: tab-separated, or with commas, its first line the names of the columns.

    Parameters
    ----------
    path
        The file. Its columns are ``sample``, and the files in ``reads_1`` and ``reads_2``, in ``reads``, or in ``bam``; there may
        be ``time``, ``group`` and ``library``. A sample on several lines has several files. Files that are not absolute are
        seen from the folder of the sheet.

    Raises
    ------
    FormatError
        Something in it is wrong; it says in which line and column.

    Examples
    --------
    >>> read_sheet("sheet.tsv").groups  # doctest: +SKIP
    """
    path = os.fspath(path)
    rows = _read_rows(path)
    _check_files(rows)
    _check_cases(rows)
    lines: dict[str, list[_Row]] = {}
    for row in rows:
        lines.setdefault(_sample_name(row), []).append(row)
    samples = tuple(_sample(name, of_sample) for name, of_sample in lines.items())
    sheet = Sheet(path, samples)
    _check_times(sheet, lines)
    return sheet


def _read_rows(path: str) -> list[_Row]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            rows = list(_rows(path, file))
        except (UnicodeDecodeError, csv.Error) as error:
            raise FormatError("not a text file", path=path, found=str(error), expected="a table as text") from None
    if not rows:
        raise FormatError("no samples", path=path, found="a header alone", expected="a line for each sample")
    return rows


def _rows(path: str, file: TextIO) -> Iterator[_Row]:
    first = next(filter(str.strip, file), "")
    delimiter = "\t" if "\t" in first else ","
    file.seek(0)
    reader = csv.reader(file, delimiter=delimiter)
    header = _without_empty_end(next(filter(_says_something, reader), []))
    columns = [_OTHER_NAMES.get(title, title) for title in header]
    line = max(1, reader.line_num)
    _check_header(path, line, header, columns)
    titles = dict(zip(columns, header, strict=True))
    for fields in reader:
        fields = _without_empty_end(fields)
        if not fields:
            continue
        if len(fields) > len(columns):
            raise FormatError(
                "too many fields",
                path=path,
                place=f"line {reader.line_num}",
                found=str(len(fields)),
                expected=f"{len(columns)}, as in line {line}",
            )
        named = zip(columns, fields, strict=False)  # an editor may have cut the empty ones at the end
        yield _Row(path, reader.line_num, dict(named), titles)


def _says_something(fields: Sequence[str]) -> bool:
    return any(map(str.strip, fields))


def _without_empty_end(fields: Sequence[str]) -> list[str]:
    """The fields of a line; spreadsheets write empty ones behind them where a cell was used once."""
    stripped = [field.strip() for field in fields]
    while stripped and not stripped[-1]:
        stripped.pop()
    return stripped


def _check_header(path: str, line: int, header: Sequence[str], columns: Sequence[str]) -> None:
    """Raise unless the first line names columns that are known, each once, and among them those that are needed."""
    for number, (title, column) in enumerate(zip(header, columns, strict=True), 1):
        problem = "unknown column" if column not in _COLUMNS else "column is there twice"
        if column not in _COLUMNS or column in columns[: number - 1]:
            raise FormatError(
                problem,
                path=path,
                place=f"line {line}, column {number}",
                found=_excerpt(title),
                expected=f"names of columns in the first line, some of {', '.join(_COLUMNS)}",
                advice="tabs or commas go between columns" if len(header) == 1 else None,
            )
    for needed in ((_SAMPLE,), ("reads_1", "reads", "bam")):
        if not set(needed) & set(columns):
            raise FormatError(
                "a column is missing",
                path=path,
                place=f"line {line}",
                found=", ".join(header) or "no text",
                expected=" or ".join(needed),
            )


def _check_files(rows: Sequence[_Row]) -> None:
    """Raise where a file is missing, of two kinds, or named twice within a group, whatever it is called."""
    seen: dict[tuple[str, int, int], str] = {}
    for row in rows:
        row.kind()
        for column in _FILES:
            if (file := row.file(column)) is None:
                continue
            status, place = os.stat(file), f"line {row.line}, column {row.titles[column]}"
            before = seen.setdefault((row["group"] or DEFAULT_GROUP, status.st_dev, status.st_ino), place)
            if before != place:
                raise row.error(column, "file is named twice", found=f"it in {before}, too", expected="each once")


def _check_cases(rows: Sequence[_Row]) -> None:
    """Raise where names differ in upper and lower case alone: on some systems these are one file."""
    for column in (_SAMPLE, "group"):
        seen: dict[str, _Row] = {}
        for row in rows:
            before = seen.setdefault(row[column].lower(), row)
            if before[column] != row[column]:
                raise row.error(
                    column,
                    "a name in another case",
                    found=_excerpt(row[column]),
                    expected=f"{_excerpt(before[column])}, as in line {before.line}, or another name",
                )


def _sample_name(row: _Row) -> str:
    name = row.name(_SAMPLE)
    if name == REF:
        raise row.error(_SAMPLE, "not a name", found=REF, expected="another one, as this is the reference's")
    return name


def _sample(name: str, rows: Sequence[_Row]) -> SheetSample:
    """A sample from all its lines."""
    first = rows[0]
    for row in rows[1:]:
        for column in ("time", "group"):
            if row[column] != first[column]:
                raise row.error(
                    column,
                    f"another {column} of the same sample",
                    found=_excerpt(row[column]),
                    expected=f"{_excerpt(first[column])}, as in line {first.line}",
                )
    reads = [row for row in rows if row.kind() in _READS]
    numbers = [f".{number}" for number in range(1, len(reads) + 1)] if len(reads) > 1 else [""]
    alignments = (row.file("bam") for row in rows)
    return SheetSample(
        name,
        group=first.name("group") if first["group"] else DEFAULT_GROUP,
        time=first.time(),
        reads=tuple(_reads(row, name, f"{name}{number}") for row, number in zip(reads, numbers, strict=False)),
        alignments=tuple(file for file in alignments if file is not None),
    )


def _reads(row: _Row, sample: str, read_group: str) -> ReadFiles:
    library = f"\tLB:{row.name('library')}" if row["library"] else ""
    file = row.file(row.kind())
    return ReadFiles(file or "", row.file("reads_2"), f"@RG\tID:{read_group}\tSM:{sample}{library}")


def _check_times(sheet: Sheet, lines: dict[str, list[_Row]]) -> None:
    """Raise unless in each group all samples have a time, of one kind, or none has."""
    kinds: dict[str, SheetSample] = {}
    for sample in sheet.samples:
        first = kinds.setdefault(sample.group, sample)
        if type(sample.time) is not type(first.time):
            row, before = lines[sample.name][0], lines[first.name][0]
            raise row.error(
                "time",
                "times of a group are numbers, or days, or not told",
                found=_excerpt(row["time"]),
                expected=f"as in line {before.line}, {_excerpt(before['time'])}",
            )


def _excerpt(text: str) -> str:
    return ascii(text[:_EXCERPT]) if text else "none"
