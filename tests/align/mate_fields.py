"""Are the flags, the mate fields and the tags of an alignment file what they must be? A strict look at each record and its mate."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pysam
from pysam import AlignedSegment
from stages import load

from colonnade.align.record_kernels import BIN

PLACE_TAGS: Final = ("XT", "NM", "MD", "X0", "X1", "XM", "XO", "XG")
MATE_TAGS: Final = ("SM", "AM")
OWN_TAGS: Final = (*PLACE_TAGS, *MATE_TAGS, "XN", "XA")
MATE_BITS: Final = 0x2 | 0x8 | 0x20 | 0x40 | 0x80
FOREIGN_BITS: Final = 0x100 | 0x800 | 0xF000  # secondary, supplementary, and bits that SAM does not define
NOWHERE: Final = (-1, -1)

_XA: Final = re.compile(r"([^,;]+,[+-][0-9]+,([0-9]+[MIDS])+,[0-9]+;)+")
_CIGAR_ITEM: Final = re.compile(r"([0-9]+)([MIDS])")


def problems(path: Path, fasta: Path) -> list[str]:
    """What is wrong in a BAM file: a line for each finding, with name and number of the read."""
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        records = list(file)
    with pysam.FastaFile(str(fasta)) as file:
        contigs = {name: file.fetch(name).upper() for name in file.references}
    found = [
        (record, "wrong bin") for record, data in zip(records, load(path)[1], strict=True) if not _has_bin(record, data)
    ]
    found += [(record, problem) for record in records for problem in _of_record(record, contigs)]
    found += [(one, problem) for one, other in _pairs(records) for problem in _of_mates(one, other)]
    lines = [f"{record.query_name}/{_number(record)}: {problem}" for record, problem in found]
    return lines + list(_of_templates(records))


def _number(record: AlignedSegment) -> int:
    return 2 * record.is_read2 + record.is_read1


def _key(record: AlignedSegment) -> tuple[str, str]:
    return (str(record.get_tag("RG")) if record.has_tag("RG") else "", record.query_name or "")


def _templates(records: Iterable[AlignedSegment]) -> dict[tuple[str, str], list[AlignedSegment]]:
    templates = defaultdict(list)
    for record in records:
        if record.is_paired:
            templates[_key(record)].append(record)
    return templates


def _pairs(records: Iterable[AlignedSegment]) -> Iterator[tuple[AlignedSegment, AlignedSegment]]:
    """Each mate with the other one."""
    for template in _templates(records).values():
        if len(template) == 2:
            yield template[0], template[1]
            yield template[1], template[0]


def _of_templates(records: Iterable[AlignedSegment]) -> Iterator[str]:
    for (_, name), template in _templates(records).items():
        if sorted(map(_number, template)) != [1, 2]:
            yield f"{name}: not one first and one last mate"


def _has_bin(record: AlignedSegment, data: bytes) -> bool:
    """By the bytes of the record, as htslib repairs what it reads."""
    end = record.reference_end or record.reference_start + 1
    return int.from_bytes(data[BIN : BIN + 2], "little") == _bin(record.reference_start, end)


def _bin(start: int, end: int) -> int:
    """reg2bin of the SAM specification, section 5.3."""
    for level, shift in enumerate(range(14, 29, 3)):
        if start >> shift == end - 1 >> shift:
            return ((1 << 15 - 3 * level) - 1) // 7 + (start >> shift)
    return 0


def _of_record(record: AlignedSegment, contigs: dict[str, str]) -> Iterator[str]:
    if record.flag & FOREIGN_BITS:
        yield "bits of the flag that no record should have"
    if not record.is_paired:
        yield from _of_single(record)
    if record.is_unmapped:
        yield from _of_unmapped(record)
    else:
        yield from _of_mapped(record, contigs)


def _of_single(record: AlignedSegment) -> Iterator[str]:
    if record.flag & MATE_BITS:
        yield "a single read has bits of a mate"
    if _mate_place(record) != NOWHERE or record.template_length != 0:
        yield "a single read has mate fields"
    if any(map(record.has_tag, MATE_TAGS)):
        yield "a single read has SM or AM"
    if record.is_unmapped and _place(record) != NOWHERE:
        yield "an unaligned single read has a place"


def _of_unmapped(record: AlignedSegment) -> Iterator[str]:
    if record.mapping_quality != 0:
        yield "mapping quality of an unaligned read"
    if record.cigartuples:
        yield "CIGAR of an unaligned read"
    if record.is_proper_pair:
        yield "an unaligned read in a proper pair"
    if any(map(record.has_tag, OWN_TAGS)):
        yield "tags of a place on an unaligned read"
    if record.is_reverse and _place(record) == NOWHERE:
        yield "strand of a read without a place"


def _place(record: AlignedSegment) -> tuple[int, int]:
    return record.reference_id, record.reference_start


def _mate_place(record: AlignedSegment) -> tuple[int, int]:
    return record.next_reference_id, record.next_reference_start


def _of_mapped(record: AlignedSegment, contigs: dict[str, str]) -> Iterator[str]:
    contig = contigs.get(record.reference_name or "", "")
    if not record.cigartuples or record.reference_end is None:
        yield "without CIGAR"
    elif not 0 <= record.reference_start < record.reference_end <= len(contig):
        yield "not within the contig"
    elif missing := [tag for tag in PLACE_TAGS if not record.has_tag(tag) and tag not in ("X0", "X1")]:
        yield f"without {' '.join(missing)}"
    else:
        yield from _of_differences(record, contig)
        yield from _of_hits(record)
        if record.has_tag("XA"):
            yield from _of_other_places(record, contigs)
    if record.is_paired and not all(map(record.has_tag, MATE_TAGS)):
        yield "a mate without SM or AM"


def _of_differences(record: AlignedSegment, contig: str) -> Iterator[str]:
    """MD must say what the reference has; where that is ambiguous, the index has some base, which only MD knows."""
    covered = contig[record.reference_start : record.reference_end]
    try:
        said = record.get_reference_sequence().upper()
    except (AssertionError, ValueError):
        said = ""
    if len(said) != len(covered) or any(
        base != other for base, other in zip(covered, said, strict=True) if base in "ACGT"
    ):
        yield "MD does not fit CIGAR, sequence and reference"
        return
    md, differences = _md_and_nm(record, said)
    if record.get_tag("MD") != md:
        yield "MD is not as it should be written"
    if record.get_tag("NM") != differences:
        yield "wrong NM"


def _md_and_nm(record: AlignedSegment, reference: str) -> tuple[str, int]:
    """MD and NM by the definition (SAM tags specification); ``reference`` has the bases that the read covers."""
    read, text = record.query_sequence or "", ""
    matches = differences = i = j = 0
    for kind, length in record.cigartuples or ():
        if kind == pysam.CMATCH:
            for base, other in zip(reference[i : i + length], read[j : j + length], strict=True):
                if base == other:
                    matches += 1
                else:
                    text, matches, differences = f"{text}{matches}{base}", 0, differences + 1
        elif kind == pysam.CDEL:
            text, matches = f"{text}{matches}^{reference[i : i + length]}", 0
        differences += length if kind in (pysam.CINS, pysam.CDEL) else 0
        i += length if kind in (pysam.CMATCH, pysam.CDEL) else 0
        j += length if kind != pysam.CDEL else 0
    return f"{text}{matches}", differences


def _of_hits(record: AlignedSegment) -> Iterator[str]:
    kind = record.get_tag("XT")
    best = record.get_tag("X0") if record.has_tag("X0") else None
    if kind not in ("U", "R", "M", "N"):
        yield "XT is none of U, R, M, N"
    if record.has_tag("X1") and best is None:
        yield "X1 without X0"
    if (kind == "M" and best is not None) or (kind in ("U", "R") and (best is None or (kind == "U") != (best == 1))):
        yield "X0 does not fit XT"
    if record.get_tag("XG") < record.get_tag("XO"):
        yield "XG is less than XO"


def _of_other_places(record: AlignedSegment, contigs: dict[str, str]) -> Iterator[str]:
    """What was trimmed of a read is in an entry that is without gaps, but need not be within the contig."""
    text = str(record.get_tag("XA"))
    if not _XA.fullmatch(text):
        yield "XA is not well formed"
        return
    searched = record.get_tag("XC") if record.has_tag("XC") else record.query_length
    for entry in text.removesuffix(";").split(";"):
        contig, place, cigar, _ = entry.split(",")
        start = int(place[1:]) - 1
        items = [(int(length), kind) for length, kind in _CIGAR_ITEM.findall(cigar)]
        length = sum(length for length, kind in items if kind in "MIS")
        span = sum(length for length, kind in items if kind in "MD") if len(items) > 1 else searched
        if length not in (searched, record.query_length):
            yield "XA: CIGAR and sequence have different lengths"
        if not 0 <= start <= start + span <= len(contigs.get(contig, "")):
            yield "XA: not within a contig"
        if (contig, start, place[0] == "-") == (record.reference_name, record.reference_start, record.is_reverse):
            yield "XA lists the record's own place"


def _of_mates(record: AlignedSegment, mate: AlignedSegment) -> Iterator[str]:
    if _mate_place(record) != _place(mate):
        yield "RNEXT and PNEXT are not where the mate is"
    if record.mate_is_unmapped != mate.is_unmapped:
        yield "bit 0x8 does not fit the mate"
    if record.mate_is_reverse != mate.is_reverse:
        yield "bit 0x20 does not fit the mate"
    if record.template_length != _template_length(record, mate):
        yield "wrong TLEN"
    if record.is_proper_pair and not (mate.is_proper_pair and _faces(record, mate)):
        yield "not a proper pair"
    yield from _of_mate_tags(record, mate)
    if record.is_unmapped:
        if _place(record) != (NOWHERE if mate.is_unmapped else _place(mate)):
            yield "not where the mate is"
        if record.is_reverse != (mate.is_reverse and not mate.is_unmapped):
            yield "an unaligned read has its mate's strand"
    elif all(map(record.has_tag, MATE_TAGS)) and record.get_tag("AM") != _lower_quality(record, mate):
        yield "AM is not the lower SM of both"


def _of_mate_tags(record: AlignedSegment, mate: AlignedSegment) -> Iterator[str]:
    """MC and MQ need not be there."""
    if record.has_tag("MC") and record.get_tag("MC") != (mate.cigarstring or "*"):
        yield "MC is not the mate's CIGAR"
    if record.has_tag("MQ") and record.get_tag("MQ") != mate.mapping_quality:
        yield "MQ is not the mate's mapping quality"


def _template_length(record: AlignedSegment, mate: AlignedSegment) -> int:
    """From the 5' end of a read to that of its mate; 0 where one is unaligned or elsewhere (bwa_print_sam1, bwase.c)."""
    if record.is_unmapped or mate.is_unmapped or record.reference_id != mate.reference_id:
        return 0
    return _five_prime(mate) - _five_prime(record)


def _five_prime(record: AlignedSegment) -> int:
    return (record.reference_end or 0) if record.is_reverse else record.reference_start


def _faces(record: AlignedSegment, mate: AlignedSegment) -> bool:
    """Whether mates are on opposite strands of one contig, the forward one before the reverse one."""
    if record.is_unmapped or mate.is_unmapped or record.is_reverse == mate.is_reverse:
        return False
    forward, reverse = (mate, record) if record.is_reverse else (record, mate)
    return forward.reference_id == reverse.reference_id and _five_prime(forward) < _five_prime(reverse)


def _lower_quality(record: AlignedSegment, mate: AlignedSegment) -> int:
    """The lower single-end mapping quality; 0 with an unaligned mate."""
    qualities = [int(one.get_tag("SM")) if one.has_tag("SM") else 0 for one in (record, mate)]
    return 0 if mate.is_unmapped else min(qualities)
