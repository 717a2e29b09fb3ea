"""Coding sequences of a GFF3 file: their parts in the order of translation, and the genes that they are of."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from os import PathLike
from typing import Final, NamedTuple

from colonnade.errors import FormatError, InputError
from colonnade.formats.gff import SEQUENCE_REGION, Feature, read_features

_log = logging.getLogger(__name__)

#: Amino acids of the codons TTT, TTC, TTA, TTG, TCT, ... GGG by NCBI's number of the genetic code
#: (https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi).
GENETIC_CODES: Final[Mapping[int, str]] = {
    1: "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
    2: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSS**VVVVAAAADDEEGGGG",
    4: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
    11: "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
}

#: Types that name no gene, and of which large files have most lines.
_SKIPPED: Final = frozenset(
    ("exon", "intron", "five_prime_UTR", "three_prime_UTR", "start_codon", "stop_codon", "match", "match_part")
)
_NAMES: Final = ("gene", "gene_name", "Name", "locus_tag", "product", "ID")  # attributes, the best first
_GENE_NAMES: Final = ("gene", "gene_name")


@dataclass(frozen=True, eq=False)
class CodingSequence:
    """What is translated to one protein.

    Parameters
    ----------
    gene
        Name of the gene; of the product or the like where it has none.
    contig, is_reverse
        Where it is.
    parts
        Its intervals in the order of translation: 0-based, half-open, all within the contig.
    phase
        Bases before its first whole codon.
    genetic_code
        NCBI's number.
    """

    gene: str
    contig: str
    is_reverse: bool
    parts: tuple[tuple[int, int], ...]
    phase: int
    genetic_code: int


class Annotation(NamedTuple):
    """What a file says of proteins.

    Parameters
    ----------
    coding
        Coding sequences, in the order of the file.
    doubts
        What speaks against taking them as they are, a sentence each.
    """

    coding: tuple[CodingSequence, ...]
    doubts: tuple[str, ...]


class _Part(NamedTuple):
    """What is kept of a line, as there may be a million."""

    start: int
    end: int
    phase: int | None
    strand: str
    line: int


@dataclass
class _File:
    """What a file says that coding sequences need."""

    path: str | PathLike[str]
    lengths: Mapping[str, int]
    coding: dict[tuple[str, str, str], tuple[Feature, list[_Part]]] = field(
        default_factory=dict
    )  # the first line, and all
    by_id: dict[str, Feature] = field(default_factory=dict)
    circular: set[str] = field(default_factory=set)
    strangers: dict[str, None] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    def doubt(self, text: str) -> None:
        """Note what speaks against the file, and warn of it."""
        _log.warning("%s: %s", self.path, text)
        self.doubts.append(text)

    def take(self, feature: Feature) -> None:
        """A feature, whatever it is."""
        if feature.contig not in self.lengths:
            self.strangers[feature.contig] = None
            return
        self._check_length(feature)
        if feature.attributes.get("Is_circular") == "true":
            self.circular.add(feature.contig)
        if feature.type == "CDS":
            part = _Part(feature.start, feature.end, feature.phase, feature.strand, feature.line)
            for key in _keys(feature):
                self.coding.setdefault(key, (feature, []))[1].append(part)
        elif name := feature.attributes.get("ID"):
            self.by_id.setdefault(name, feature)

    def _check_length(self, feature: Feature) -> None:
        length = self.lengths[feature.contig]
        if feature.type == SEQUENCE_REGION and feature.start == 0 and feature.end != length:
            raise InputError(
                f"contig {feature.contig} has another length than in the reference",
                path=self.path,
                place=f"line {feature.line}",
                found=str(feature.end),
                expected=str(length),
                advice="use the annotation of the reference",
            )


def read_coding(path: str | PathLike[str], lengths: Mapping[str, int]) -> Annotation:
    """All coding sequences on contigs of these lengths, in the order of the file.

    Lines of type CDS with the same ID are one coding sequence; without ID, those with the same parent. Parts may overlap or
    leave a gap of a base or two, as where ribosomes slip. One that crosses the start of a circular contig (``Is_circular``)
    may end behind the contig's end, or be two parts.

    Raises
    ------
    FormatError
        The file is not GFF3, or a coding sequence has no strand.
    InputError
        It is of a contig of another length, or a genetic code is not one of ``GENETIC_CODES``.
    """
    file = _File(path, lengths)
    for feature in read_features(path, skip=_SKIPPED):
        file.take(feature)
    if file.strangers:
        file.doubt(f"contigs that the reference has not are left out: {_some(list(file.strangers))}")
    found = tuple(_joined(file))
    if not found:
        file.doubt("no CDS on a contig of the reference")
    return Annotation(found, tuple(file.doubts))


def _keys(feature: Feature) -> Iterator[tuple[str, str, str]]:
    """Which coding sequences a line is of."""
    if own := feature.attributes.get("ID"):
        yield feature.contig, "ID", own
    elif parents := feature.values("Parent"):
        for parent in parents:
            yield feature.contig, "Parent", parent
    else:
        yield feature.contig, "line", str(feature.line)


def _joined(file: _File) -> Iterator[CodingSequence]:
    on_both_strands, out_of_frame = [], []
    for first, lines in file.coding.values():
        gene = _gene(first, file.by_id)
        code = _genetic_code(first, file)
        for part in lines:
            _check(part, first.contig, file)
        if len({part.strand for part in lines}) > 1:
            on_both_strands.append(gene)
            continue
        parts = _in_order(lines, file.lengths[first.contig], is_circular=first.contig in file.circular)
        if not _is_in_frame(parts):
            out_of_frame.append(gene)
        intervals = tuple((part.start, part.end) for part in parts)
        yield CodingSequence(gene, first.contig, first.strand == "-", intervals, parts[0].phase or 0, code)
    if on_both_strands:
        file.doubt(f"genes with parts on both strands are left out: {_some(on_both_strands)}")
    if out_of_frame:
        file.doubt(f"codons run on through parts whose phase is another: {_some(out_of_frame)}")


def _check(part: _Part, contig: str, file: _File) -> None:
    place = f"line {part.line}"
    length = file.lengths[contig]
    is_too_long = part.end - part.start > length or (part.end > length and contig not in file.circular)
    if part.start >= length or is_too_long:
        raise InputError(
            f"a CDS outside of contig {contig} of the reference",
            path=file.path,
            place=place,
            found=f"{part.start + 1}-{part.end}",
            expected=f"1-{length}",
            advice="use the annotation of the reference",
        )
    if part.strand not in ("+", "-"):
        raise FormatError("a CDS without strand", path=file.path, place=place, found=part.strand, expected="+ or -")


def _genetic_code(feature: Feature, file: _File) -> int:
    code = feature.attributes.get("transl_table", "1")
    if code not in map(str, GENETIC_CODES):
        raise InputError(
            "unknown genetic code",
            path=file.path,
            place=f"line {feature.line}",
            found=f"transl_table={code}",
            expected=f"one of {', '.join(map(str, GENETIC_CODES))}",
        )
    return int(code)


def _in_order(lines: list[_Part], length: int, *, is_circular: bool) -> list[_Part]:
    """The parts in the order of translation, none across the end of the contig."""
    is_reverse = lines[0].strand == "-"
    parts: list[_Part] = []
    for part in lines:
        if part.end <= length:
            parts.append(part)
        else:  # the phase is that of the piece that is translated first
            parts.append(part._replace(end=length, phase=None if is_reverse else part.phase))
            parts.append(part._replace(start=0, end=part.end - length, phase=part.phase if is_reverse else None))
    parts.sort(key=lambda part: (part.start, part.end))
    if is_circular and len(parts) > 1 and parts[0].start == 0 and parts[-1].end == length:
        gaps = [second.start - first.end for first, second in pairwise(parts)]
        first = gaps.index(max(gaps)) + 1
        parts = parts[first:] + parts[:first]
    return parts[::-1] if is_reverse else parts


def _is_in_frame(parts: list[_Part]) -> bool:
    """Whether the phases say what the lengths of the parts do."""
    left = parts[0].phase or 0
    for part in parts:
        if part.phase is not None and part.phase != left:
            return False
        left = (left - (part.end - part.start)) % 3
    return True


def _gene(feature: Feature, by_id: Mapping[str, Feature]) -> str:
    """The name of the gene, from the line or from what it is part of; else the best name that the line has."""
    line: Feature | None = feature
    seen = set()
    while line is not None and line.line not in seen:
        seen.add(line.line)
        for name in (*_GENE_NAMES, *(("Name", "locus_tag") if line.type.endswith("gene") else ())):
            if name in line.attributes:
                return ", ".join(line.values(name))
        line = next((by_id[parent] for parent in line.values("Parent") if parent in by_id), None)
    return next((", ".join(feature.values(name)) for name in _NAMES if name in feature.attributes), "CDS")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
