"""SAM and CRAM through htslib into BAM, which our own reader takes from there; and which of the three a file is."""

import contextlib
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import pysam

from colonnade.errors import FormatError, IndexMismatchError, InputError, OutputError
from colonnade.formats.bgzf import EOF_BLOCK
from colonnade.formats.fasta import Fasta
from colonnade.formats.silence import silence

Kind = Literal["bam", "cram", "sam"]
StrPath = str | os.PathLike[str]

_PEEK: Final = 1 << 16
_SAM_HEADER: Final = re.compile(rb"@(HD|SQ|RG|PG|CO)\t")
#: QNAME, FLAG, RNAME, POS, MAPQ, CIGAR, RNEXT, PNEXT and TLEN (SAM specification, section 1.4); the rest may be long.
_SAM_LINE: Final = re.compile(
    rb"[!-?A-~]+\t\d+\t[!-~]+\t\d+\t\d+\t(\*|(\d+[MIDNSHPX=])+)\t[!-~]+\t\d+\t-?\d+\t[A-Za-z=.*]"
)
_OTHERS: Final = ((b"##fileformat=VCF", "VCF"), (b"BCF", "BCF"), (b">", "FASTA"), (b"@", "FASTQ"))

#: The container that ends a CRAM, by version (CRAM specification, section 9).
_CRAM_END: Final = {
    b"\2\1": bytes.fromhex("0b000000ffffffff0fe0454f460000000001000001000606010001000100"),
    **dict.fromkeys(
        (b"\3\0", b"\3\1"),
        bytes.fromhex("0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b"),
    ),
}


def file_kind(path: StrPath) -> Kind:
    """Tell BAM, CRAM and SAM apart by what is in the file; its name does not matter.

    Whatever cannot be told, because it is empty, damaged or no regular file, counts as BAM, whose reader says what is wrong.

    Raises
    ------
    FormatError
        The file is whole, but of another kind.
    """
    start = _first_bytes(path, _PEEK)
    if start.startswith(b"CRAM"):
        return "cram"
    packed = start.startswith(b"\x1f\x8b")
    content = _inflated_start(start) if packed else start
    if not content or content.startswith(b"BAM\x01"):
        return "bam"
    if _SAM_HEADER.match(content) or _SAM_LINE.match(content):
        return "sam"
    found = next((name for magic, name in _OTHERS if content.startswith(magic)), repr(content[:8]))
    raise FormatError(
        "not a file of alignments",
        path=path,
        found=f"{found}, compressed" if packed else found,
        expected="BAM, CRAM or SAM",
    )


def decode_to_bam(
    path: StrPath,
    target: StrPath,
    *,
    reference: StrPath | None = None,
    contig: str | None = None,
    start: int | None = None,
    end: int | None = None,
) -> None:
    """Decode a CRAM or SAM file, whole or one region of it, to a BAM file of stored blocks.

    The records are those of ``samtools view -b``, byte for byte, without MD and NM tags that a CRAM does not hold. htslib gets
    every base from ``reference``, nothing from the network. Nothing is left at ``target`` after an error.

    Parameters
    ----------
    path
        CRAM, or SAM: plain, or compressed with gzip or bgzip.
    target
        The BAM to write.
    reference
        FASTA that the CRAM was made with; SAM needs none.
    contig, start, end
        Only the records that overlap this region (0-based, half-open); from the start or to the end of the contig where not
        given. A CRAM needs its index for that, a SAM is read whole. A contig that the header lacks has no records.

    Raises
    ------
    FormatError
        The file is damaged or cut short.
    IndexMismatchError
        A region is wanted of a CRAM without index.
    InputError
        The reference is missing, or is not that of the CRAM.
    OutputError
        The BAM cannot be written.
    """
    is_cram = file_kind(path) == "cram"
    _check_end(path)
    with silence, contextlib.ExitStack() as stack:
        fasta = stack.enter_context(_reference(path, reference)) if is_cram else None
        source = _open(path, fasta)
        stack.callback(_close, source)
        if fasta is not None:
            _check_reference(path, source.header, fasta, contig)
        records: Iterator[pysam.AlignedSegment]
        if contig is None:
            records = source.fetch(until_eof=True)
        elif contig not in source.references:
            records = iter(())
        else:
            region = contig, start or 0, source.get_reference_length(contig) if end is None else end
            records = _cram_region(path, source, *region) if is_cram else _sam_region(source, *region)
        _write(target, source.header, _checked(path, source, records))


def _first_bytes(path: StrPath, size: int) -> bytes:
    """The first bytes of a regular file; of a folder or a pipe none, whose bytes would be gone for the next reader."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, size, 0)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _inflated_start(raw: bytes) -> bytes:
    """What can be inflated of the first bytes of a gzip file, which may be cut short or damaged."""
    content = b""
    with contextlib.suppress(zlib.error):
        while raw and len(content) < _PEEK:
            member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            content += member.decompress(raw, _PEEK)
            raw = member.unused_data
    return content


def _check_end(path: StrPath) -> None:
    """Find a file that was cut short before htslib does: in a CRAM it does not look, and of gzip it cannot close what it opened."""
    start = _first_bytes(path, 16)
    if start.startswith(b"\x1f\x8b") and start[12:14] != b"BC":
        _inflate_all(path)
        return
    end = _CRAM_END.get(start[4:6], b"") if start.startswith(b"CRAM") else EOF_BLOCK * start.startswith(b"\x1f\x8b")
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(end)))
        if file.read(len(end)) != end:
            raise _truncated(path, size)


def _inflate_all(path: StrPath) -> None:
    try:
        with gzip.open(path) as file:
            while file.read(_PEEK):
                pass
    except EOFError:
        raise _truncated(path, os.stat(path).st_size) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(
            "does not inflate", path=path, found=str(error), advice="the file is damaged: make it again"
        ) from None


def _truncated(path: StrPath, size: int) -> FormatError:
    return FormatError(
        "file is truncated",
        path=path,
        place=f"offset {size}",
        found="no end-of-file mark",
        advice="copy or make the file again",
    )


def _reference(path: StrPath, reference: StrPath | None) -> contextlib.closing[Fasta]:
    if reference is None:
        raise InputError("a CRAM needs its reference", path=path, advice="name the FASTA that it was made with")
    return contextlib.closing(Fasta(os.fspath(reference)))


def _open(path: StrPath, fasta: Fasta | None) -> pysam.AlignmentFile:
    reference = None if fasta is None else fasta.path
    try:
        return pysam.AlignmentFile(
            os.fspath(path), "r", reference_filename=reference, check_sq=False, format_options=["decode_md=0"]
        )
    except (OSError, ValueError):
        raise FormatError("the header cannot be read", path=path, advice="the file is damaged: make it again") from None


def _close(source: pysam.AlignmentFile) -> None:
    """Close a file that was read; an error that ended the reading comes up here once more."""
    with contextlib.suppress(OSError):
        source.close()


def _check_reference(path: StrPath, header: pysam.AlignmentHeader, fasta: Fasta, contig: str | None) -> None:
    """All contigs are there, and those that are wanted have the right bases.

    For a contig that the FASTA lacks htslib would look in REF_PATH, on the network too. Of other bases it complains in most
    slices, but in those of several contigs it makes wrong reads of them (test_wrong_reference_is_found_where_htslib_is_silent).
    """
    for line in header.to_dict().get("SQ", ()):
        name, length, checksum = line["SN"], line["LN"], line.get("M5")
        advice = f"use the FASTA that {path} was made with"
        if name not in fasta.lengths:
            raise InputError("the reference lacks a contig of the CRAM", path=fasta.path, expected=name, advice=advice)
        if fasta.lengths[name] != length:
            raise InputError(
                "contig differs in length from that of the CRAM",
                path=fasta.path,
                place=name,
                found=f"{fasta.lengths[name]} bases",
                expected=str(length),
                advice=advice,
            )
        if checksum is not None and contig in (None, name) and _checksum(fasta, name) != checksum.lower():
            raise InputError(
                "contig is not the one that the CRAM was made with",
                path=fasta.path,
                place=name,
                found=f"MD5 {_checksum(fasta, name)}",
                expected=checksum.lower(),
                advice=advice,
            )


def _checksum(fasta: Fasta, contig: str) -> str:
    """MD5 of a contig, remembered: many regions of a few contigs are decoded in a row."""
    status = os.stat(fasta.path)
    key = fasta.path, status.st_size, status.st_mtime_ns, contig
    if key not in _checksums:
        _checksums[key] = fasta.checksum(contig)
    return _checksums[key]


_checksums: Final[dict[tuple[str, int, int, str], str]] = {}


def _cram_region(
    path: StrPath, source: pysam.AlignmentFile, contig: str, start: int, end: int
) -> Iterator[pysam.AlignedSegment]:
    if not source.has_index():
        raise IndexMismatchError(
            "no index that can be read",
            path=path,
            expected=f"{Path(path).name}.crai",
            advice="make it: samtools index",
        )
    return source.fetch(contig, start, max(start, end))


def _sam_region(source: pysam.AlignmentFile, contig: str, start: int, end: int) -> Iterator[pysam.AlignedSegment]:
    """The records of a SAM that overlap a region, in one pass, as pysam seeks in no SAM; without a span they count as one base."""
    number = source.get_tid(contig)
    for record in source.fetch(until_eof=True):
        position = record.reference_start
        if record.reference_id == number and position < end and (record.reference_end or position + 1) > start:
            yield record


def _checked(
    path: StrPath, source: pysam.AlignmentFile, records: Iterator[pysam.AlignedSegment]
) -> Iterator[pysam.AlignedSegment]:
    """The records; what htslib says of one that it cannot decode ("truncated file", whatever it is) is made plainer."""
    count = 0
    try:
        for record in records:
            yield record
            count += 1
    except (OSError, ValueError):
        raise FormatError(
            "a record cannot be decoded",
            path=path,
            place=f"after {count} records",
            found=None if source.references else "a header without @SQ lines",
            advice="the file is damaged, or cut short: make it again",
        ) from None


def _write(target: StrPath, header: pysam.AlignmentHeader, records: Iterator[pysam.AlignedSegment]) -> None:
    try:
        with pysam.AlignmentFile(os.fspath(target), "wb0", header=header) as file:
            for record in records:
                file.write(record)
    except BaseException as error:
        if os.path.isfile(target):
            os.unlink(target)
        if isinstance(error, OSError):
            raise OutputError("cannot be written", path=target, found=error.strerror or str(error)) from None
        raise
