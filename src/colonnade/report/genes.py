"""What a change of the genome does to the proteins.

Own code rather than gffutils, bcbio-gff or gffpandas with Biopython: those read GFF3 (into SQLite, objects of Biopython, or a
data frame) but none says which codon a position is in, so what they would save is the reading of nine columns.
"""

import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from os import PathLike
from typing import Final

from colonnade.formats.fasta import Fasta
from colonnade.regions import Region
from colonnade.report.coding import GENETIC_CODES, CodingSequence, read_coding

_log = logging.getLogger(__name__)

_COMPLEMENT: Final = str.maketrans("ACGT", "TGCA")
_CODONS: Final = ["".join(codon) for codon in product("TCAG", repeat=3)]
_AMINO_ACIDS: Final = {
    code: dict(zip(_CODONS, amino_acids, strict=True)) for code, amino_acids in GENETIC_CODES.items()
}
_LOOKED_AT: Final = 100  # coding sequences, to see whether they are of the reference
_UNKNOWN: Final = "X"  # the amino acid of a codon with a base that is not known


@dataclass(frozen=True, slots=True)
class Effect:
    """What an allele does to one protein.

    Parameters
    ----------
    gene
        Its name.
    codon_number
        The first codon that differs, from 1.
    amino_acid_reference, amino_acid_allele
        One letter each, ``*`` for stop and X where bases are unknown; of an indel as many as there are codons, none of the
        allele if it does not keep the frame.
    codon_reference, codon_allele
        The codons, on the strand of the gene.
    text
        All of that in short: ``env S123R``, ``pol K103K (synonymous)``, ``S HV69- (in-frame deletion)``, ``nef W57 frameshift``.
    """

    gene: str
    codon_number: int
    amino_acid_reference: str
    amino_acid_allele: str
    codon_reference: str
    codon_allele: str
    text: str


@dataclass(frozen=True, slots=True)
class Codon:
    """A codon of a coding sequence.

    Parameters
    ----------
    coding
        The coding sequence.
    number
        Which one, from 1.
    """

    coding: CodingSequence
    number: int

    @property
    def start(self) -> int:
        """Where it begins in the coding sequence, 0-based."""
        return self.coding.phase + 3 * (self.number - 1)

    def change(self, before: str, after: str) -> str:
        """What it means that some letters of it become others: ``R123S``, ``K103K (synonymous)``."""
        old, new = _translated(before, self.coding), _translated(after, self.coding)
        return f"{old}{self.number}{new}" + (" (synonymous)" if old == new else "")


@dataclass(frozen=True, slots=True)
class _Part:
    """An interval of the contig, and the place in the coding sequence of the base that is translated first."""

    coding: CodingSequence
    start: int
    end: int
    first: int

    def offset(self, position: int) -> int:
        """Where in the coding sequence a position is."""
        return self.first + (self.end - 1 - position if self.coding.is_reverse else position - self.start)


class Genes:
    """Coding sequences on a reference.

    Parameters
    ----------
    coding
        The coding sequences.
    fasta
        The reference; it must stay open.
    doubts
        What speaks against the annotation, a sentence each.
    """

    def __init__(self, coding: Iterable[CodingSequence], fasta: Fasta, doubts: Iterable[str] = ()) -> None:
        self.coding = tuple(coding)
        self.doubts = tuple(doubts)
        self._fasta = fasta
        parts: dict[str, list[_Part]] = defaultdict(list)
        for sequence in self.coding:
            parts[sequence.contig] += _parts(sequence)
        self._covers = {contig: _Cover(some) for contig, some in parts.items()}
        self._letters: dict[CodingSequence, str] = {}

    @classmethod
    def read(cls, path: str | PathLike[str], fasta: Fasta) -> "Genes":
        """The genes of a GFF3 file, plain or compressed by gzip; raises as ``read_coding``."""
        annotation = read_coding(path, fasta.lengths)
        genes = cls(annotation.coding, fasta, annotation.doubts)
        looked_at = genes.coding[:_LOOKED_AT]
        interrupted = sum(genes._has_stop_within(coding) for coding in looked_at)
        if 2 * interrupted > len(looked_at):
            doubt = (
                f"{interrupted} of {len(looked_at)} coding sequences have stop codons within:"
                " is it the annotation of this reference?"
            )
            _log.warning("%s: %s", path, doubt)
            genes.doubts += (doubt,)
        return genes

    def effects(self, contig: str, position: int, allele: str) -> tuple[Effect, ...]:
        """What an allele does to each protein that has the position; nothing if it is that of the reference.

        Parameters
        ----------
        contig
            Name of the contig; one without genes is fine.
        position
            0-based; of an indel that of the base before it.
        allele
            A base, ``+ACG`` (insertion), ``-TT`` (deletion), or ``@`` (no indel); of the forward strand, as in the tables.
        """
        cover = self._covers.get(contig)
        if cover is None or allele == "@":
            return ()
        if allele.startswith("+"):
            found = self._insertion(cover, position, allele[1:])
        elif allele.startswith("-"):
            found = self._deletion(cover, position + 1, len(allele) - 1)
        else:
            found = self._substitution(cover, position, allele)
        return tuple(dict.fromkeys(found))  # transcripts that share a change are one line

    def codons(self, contig: str, position: int) -> tuple[Codon, ...]:
        """The whole codons that have a position, 0-based: one of each coding sequence, two where ribosomes slip back."""
        cover = self._covers.get(contig)
        return () if cover is None else tuple(self._codons(cover, position))

    def codon_letters(self, codon: Codon, bases: Mapping[int, str]) -> str:
        """A codon, on the strand of its gene, with some bases, of the forward strand, at positions, else the reference's."""
        letters = self._sequence(codon.coding)
        found = list(letters[codon.start : codon.start + 3])
        for position, base in bases.items():
            for offset in self._covers[codon.coding.contig].offsets(position).get(codon.coding, ()):
                if codon.start <= offset < codon.start + 3:
                    found[offset - codon.start] = _on_strand(base, codon.coding)
        return "".join(found)

    def _codons(self, cover: "_Cover", position: int) -> Iterator[Codon]:
        for coding, offsets in cover.offsets(position).items():
            for number in dict.fromkeys((offset - coding.phase) // 3 + 1 for offset in offsets):
                codon = Codon(coding, number)
                if number > 0 and codon.start + 3 <= len(self._sequence(coding)):
                    yield codon

    def _substitution(self, cover: "_Cover", position: int, base: str) -> Iterator[Effect]:
        for codon in self._codons(cover, position):
            before, after = self.codon_letters(codon, {}), self.codon_letters(codon, {position: base})
            if before != after:
                yield _substituted(codon, before, after)

    def _insertion(self, cover: "_Cover", position: int, bases: str) -> Iterator[Effect]:
        here, behind = cover.offsets(position), cover.offsets(position + 1)
        for coding in dict.fromkeys((*here, *behind)):
            letters = self._sequence(coding)
            upstream, downstream = (behind, here) if coding.is_reverse else (here, behind)
            ends, starts = upstream.get(coding, ()), downstream.get(coding, ())
            inside = [offset for offset in ends if offset + 1 in starts]
            if inside:
                new = _on_strand(bases, coding)
                yield from _replaced(coding, letters, inside[0], inside[0] + 1, letters[inside[0]] + new, "insertion")
                continue
            for offset in (*(o for o in ends if o + 1 < len(letters)), *(o for o in starts if o > 0)):
                yield from _broken(coding, letters, offset, "splice site")

    def _deletion(self, cover: "_Cover", start: int, length: int) -> Iterator[Effect]:
        gone: dict[CodingSequence, list[int]] = defaultdict(list)
        for position in range(start, start + length):
            for coding, offsets in cover.offsets(position).items():
                gone[coding] += offsets
        for coding, offsets in gone.items():
            letters = self._sequence(coding)
            first, end = min(offsets), max(offsets) + 1
            if len(offsets) == length == end - first:
                yield from _replaced(coding, letters, first, end, "", "deletion")
            else:
                yield from _broken(coding, letters, first, _lost(len(offsets) - length, first, len(letters) - end))

    def _sequence(self, coding: CodingSequence) -> str:
        """The letters that are translated, upper case."""
        if coding not in self._letters:
            regions = (Region(coding.contig, start, end) for start, end in coding.parts)
            pieces = [self._fasta.letters(region).tobytes().decode("ascii").upper() for region in regions]
            self._letters[coding] = "".join(_on_strand(piece, coding) for piece in pieces)
        return self._letters[coding]

    def _has_stop_within(self, coding: CodingSequence) -> bool:
        return "*" in _translated(self._sequence(coding)[coding.phase :], coding)[:-1]


class _Cover:
    """Which parts are where on a contig: between two neighbouring bounds they are the same."""

    def __init__(self, parts: Iterable[_Part]) -> None:
        parts = list(parts)
        self._bounds = sorted({bound for part in parts for bound in (part.start, part.end)})
        self._parts: list[list[_Part]] = [[] for _ in self._bounds]
        index = {bound: k for k, bound in enumerate(self._bounds)}
        for part in parts:
            for k in range(index[part.start], index[part.end]):
                self._parts[k].append(part)

    def offsets(self, position: int) -> Mapping[CodingSequence, list[int]]:
        """Where a position is in each coding sequence; twice where ribosomes slip back."""
        found: dict[CodingSequence, list[int]] = {}
        k = bisect_right(self._bounds, position) - 1
        if k >= 0:
            for part in self._parts[k]:
                found.setdefault(part.coding, []).append(part.offset(position))
        return found


def _parts(coding: CodingSequence) -> Iterator[_Part]:
    first = 0
    for start, end in coding.parts:
        yield _Part(coding, start, end, first)
        first += end - start


def _on_strand(bases: str, coding: CodingSequence) -> str:
    return bases[::-1].translate(_COMPLEMENT) if coding.is_reverse else bases


def _translated(bases: str, coding: CodingSequence) -> str:
    amino_acids = _AMINO_ACIDS[coding.genetic_code]
    return "".join(amino_acids.get(bases[k : k + 3], _UNKNOWN) for k in range(0, len(bases), 3))


def _substituted(codon: Codon, before: str, after: str) -> Effect:
    coding = codon.coding
    old, new = _translated(before, coding), _translated(after, coding)
    return Effect(coding.gene, codon.number, old, new, before, after, f"{coding.gene} {codon.change(before, after)}")


def _replaced(coding: CodingSequence, letters: str, first: int, end: int, new: str, what: str) -> Iterator[Effect]:
    """The effect of other letters between two offsets, as many codons as these are in."""
    start = first - (first - coding.phase) % 3
    stop = end + (coding.phase - end) % 3
    before = letters[start:stop]
    after = letters[start:first] + new + letters[end:stop]
    if start < coding.phase or stop > len(letters):
        return  # a codon that is not all there
    if len(after) % 3:
        yield from _broken(coding, letters, first, "frameshift")
        return
    number = (start - coding.phase) // 3 + 1
    old_text, new_text = _translated(before, coding), _translated(after, coding)
    while what == "deletion" and new_text and old_text[0] == new_text[0]:
        old_text, new_text, before, after, number = old_text[1:], new_text[1:], before[3:], after[3:], number + 1
    text = f"{coding.gene} {old_text}{number}{new_text or '-'} (in-frame {what})"
    yield Effect(coding.gene, number, old_text, new_text, before, after, text)


def _lost(surplus: int, before: int, behind: int) -> str:
    """What a deletion takes, which has more or fewer coding bases than bases, and so many coding bases on either side."""
    if surplus >= 0:
        return "slippage site"
    return "start lost" if before == 0 else "end lost" if behind == 0 else "splice site"


def _broken(coding: CodingSequence, letters: str, offset: int, what: str) -> Iterator[Effect]:
    """The effect of an indel behind which there is no saying what is translated."""
    codon = (offset - coding.phase) // 3
    before = letters[coding.phase + 3 * codon : coding.phase + 3 * codon + 3]
    if codon >= 0 and len(before) == 3:
        old = _translated(before, coding)
        yield Effect(coding.gene, codon + 1, old, "", before, "", f"{coding.gene} {old}{codon + 1} {what}")
