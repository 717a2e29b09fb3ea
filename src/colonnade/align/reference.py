"""A FASTA file that is to be indexed: its contigs, and what bwa would take without a word."""

import gzip
import logging
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from colonnade.errors import FormatError, InputError

_log = logging.getLogger(__name__)

_GZIP: Final = b"\x1f\x8b"
_LETTERS: Final = b"ACGTRYSWKMBDHVNXacgtryswkmbdhvnx"
_NAME: Final = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")  # SAM specification, 1.2.1
_USABLE: Final = re.compile(r"[!-)+-<>-~][!-~]*")  # what programs take nonetheless, as many a FASTA has a comma there
_LONGEST: Final = (1 << 31) - 1  # LN of SAM, and an int of bwa


def contig_lengths(path: str) -> dict[str, int]:
    """Names and lengths of the contigs of a FASTA file, plain or gzipped, after a look at every letter.

    Stricter than bwa, which skips what is before the first contig, indexes contigs of no bases, of no name and of equal
    names, and puts random bases in place of all letters but A, C, G and T, such as U, gaps and blanks.

    Raises
    ------
    FormatError
        It is not FASTA, has a letter that is none of DNA, or is cut short.
    InputError
        It is not a file, or its contigs cannot be told apart, or have no bases, too many, or a name that SAM does not have.
    """
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise InputError("not a file, and it must be read several times", path=path)
    lengths: dict[str, int] = {}
    name = None
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            if line.startswith(b">"):
                name = _name(line, path, number)
                if name in lengths:
                    raise InputError(f"contig {name} is there twice", path=path, place=f"line {number}")
                lengths[name] = 0
                continue
            bases = line.removesuffix(b"\n")
            if name is None or lengths[name] or bases != b"\r":  # which bwa takes for a base at the start of a contig
                bases = bases.removesuffix(b"\r")
            if name is not None and not bases.translate(None, _LETTERS):
                lengths[name] += len(bases)
            elif bases:
                raise _stranger(bases, path, number, in_contig=name is not None)
    _check(lengths, path)
    return lengths


@contextmanager
def _open(path: str) -> Iterator[Iterable[bytes]]:
    with Path(path).open("rb") as plain:
        if not plain.peek(2).startswith(_GZIP):
            yield plain
            return
        try:
            with gzip.open(plain) as file:
                yield file
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FormatError("gzipped file is cut short or damaged", path=path, found=str(error)) from None


def _name(line: bytes, path: str, number: int) -> str:
    words = line[1:].split(maxsplit=1)
    name = words[0].decode(errors="replace") if words and line[1:].startswith(words[0]) else ""
    if not _USABLE.fullmatch(name):
        raise InputError(
            "not a name for a contig",
            path=path,
            place=f"line {number}",
            found=repr(name),
            expected="letters, digits and !#$%&*+./:;=?@^_|~- as in SAM, right behind the >",
        )
    if not _NAME.fullmatch(name):
        _log.warning("%s: contig name %s has a character that SAM does not allow; some programs refuse it", path, name)
    return name


def _stranger(bases: bytes, path: str, number: int, *, in_contig: bool) -> FormatError:
    place = f"line {number}"
    if not in_contig:
        return FormatError("not FASTA", path=path, place=place, found=repr(bases[:20]), expected="> and a name")
    letter = bases.translate(None, _LETTERS)[:1]
    return FormatError(
        "not a letter of DNA",
        path=path,
        place=place,
        found=repr(letter.decode(errors="replace")),
        expected="A, C, G, T, N, or what else IUPAC has for bases; U is to be written as T",
    )


def _check(lengths: dict[str, int], path: str) -> None:
    if not lengths:
        raise InputError("has no contigs", path=path, expected="FASTA")
    for name, length in lengths.items():
        if not 0 < length <= _LONGEST:
            raise InputError(
                "contig is too long" if length else "contig has no bases",
                path=path,
                place=name,
                found=str(length),
                expected=f"1 to {_LONGEST} bases",
            )
