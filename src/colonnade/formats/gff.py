"""Features of a GFF3 file, as in its specification (Sequence Ontology, version 1.26)."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Final
from urllib.parse import unquote

from colonnade.errors import FormatError, shortened
from colonnade.formats.stream import CHUNK, FileSource, InputStream

#: The type under which ``##sequence-region`` comes, which says how long a contig is.
SEQUENCE_REGION: Final = "##sequence-region"

_COLUMNS: Final = 9
_PHASES: Final = {"0": 0, "1": 1, "2": 2, ".": None}
_STRANDS: Final = ("+", "-", ".", "?")
_MOST_DIGITS: Final = 18  # of what 64 bits hold


@dataclass(frozen=True, slots=True)
class Feature:
    """A line of the file.

    Parameters
    ----------
    contig, type
        Columns 1 and 3; or ``SEQUENCE_REGION`` as type.
    start, end
        0-based, half-open; behind the contig's end where the contig is circular and the feature goes on at its start.
    strand
        ``+``, ``-``, ``.`` (none) or ``?`` (not known).
    phase
        Bases up to the start of the next codon; None where the file does not say.
    attributes
        Column 9 by name; values are still encoded where they may be lists, see ``values``.
    line
        Number of the line, from 1.
    """

    contig: str
    type: str
    start: int
    end: int
    strand: str
    phase: int | None
    attributes: Mapping[str, str]
    line: int

    def values(self, name: str) -> list[str]:
        """The values of an attribute; none where it has none."""
        return [unquote(value) for value in self.attributes.get(name, "").split(",") if value]


def read_features(path: str | PathLike[str], *, skip: Collection[str] = ()) -> Iterator[Feature]:
    """The features in the order of the file, which may be compressed by gzip; those of some types are left out.

    Raises
    ------
    FormatError
        A line is not of GFF3, which GTF's are not either; or the file is damaged or cut short.
    """
    name = fspath(path)
    for number, line in enumerate(_lines(name), start=1):
        if line.startswith(("##FASTA", ">")):
            return
        if line.startswith(SEQUENCE_REGION):
            yield _sequence_region(line, name, number)
        elif line and not line.startswith("#"):
            fields = line.split("\t")
            if len(fields) != _COLUMNS:
                raise _wrong("wrong number of fields", name, number, str(len(fields)), str(_COLUMNS))
            if fields[2] not in skip:
                yield _feature(fields, name, number)


def _lines(path: str) -> Iterator[str]:
    with closing(FileSource(path)) as source:
        stream = InputStream(source)
        rest = b""
        while part := stream.take(CHUNK):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
        if rest:
            yield rest.decode(errors="replace").rstrip("\r")


def _feature(fields: list[str], path: str, number: int) -> Feature:
    contig, _, kind, first, last, _, strand, phase, attributes = fields
    start, end = _interval(first, last, path, number)
    if strand not in _STRANDS:
        raise _wrong("unknown strand", path, number, repr(strand), " ".join(_STRANDS))
    if phase not in _PHASES:
        raise _wrong("unknown phase", path, number, repr(phase), " ".join(_PHASES))
    named = _attributes(attributes, path, number)
    return Feature(unquote(contig), kind, start, end, strand, _PHASES[phase], named, number)


def _sequence_region(line: str, path: str, number: int) -> Feature:
    fields = line.split()
    if len(fields) != 4:
        raise _wrong(
            "wrong number of words", path, number, repr(shortened(line)), f"{SEQUENCE_REGION} contig start end"
        )
    start, end = _interval(fields[2], fields[3], path, number)
    return Feature(unquote(fields[1]), SEQUENCE_REGION, start, end, ".", None, {}, number)


def _interval(first: str, last: str, path: str, number: int) -> tuple[int, int]:
    are_numbers = all(text.isdecimal() and len(text) <= _MOST_DIGITS for text in (first, last))
    if not (are_numbers and 1 <= int(first) <= int(last)):
        raise _wrong(
            "not an interval", path, number, shortened(f"{first} {last}"), "start and end, start first, from 1"
        )
    return int(first) - 1, int(last)


def _attributes(text: str, path: str, number: int) -> dict[str, str]:
    named = {}
    for pair in text.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            named[name] = value
        elif name not in ("", "."):
            is_gtf = name.endswith('"')
            raise FormatError(
                "GTF, not GFF3" if is_gtf else "not an attribute",
                path=path,
                place=f"line {number}",
                found=repr(shortened(pair.strip())),
                expected="name=value",
                advice="convert it: gffread -E annotation.gtf -o annotation.gff3" if is_gtf else None,
            )
    return named


def _wrong(message: str, path: str, number: int, found: str, expected: str) -> FormatError:
    return FormatError(message, path=path, place=f"line {number}", found=found, expected=expected, advice="is it GFF3?")
