"""Pairs of a genome that are hard to place together, of two libraries with different insert sizes, and where they truly lie."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from made_reads import reverse_complement
from stages import FIRST, LAST, UNMAPPED, Pair, Read, to_bam, to_fastq

ADAPTERS: Final = ("AGATCGGAAGAGCACACGTCTGAACTCCAGTCAC" * 4, "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGTA" * 4)
WORD: Final = 24  # bases: what stands twice in the genome is a repeat


class Library(NamedTuple):
    """A read group, and how long its templates are: mean and standard deviation, in bases."""

    read_group: str
    insert_size: int
    deviation: int


LIBRARIES: Final = (Library("short", 180, 20), Library("long", 420, 40))


class Place(NamedTuple):
    """What a read covers: contig, 0-based start and end, strand; beyond the contig's end for one that goes on into the next."""

    contig: str
    start: int
    end: int
    is_reverse: bool


class Template(NamedTuple):
    """First and last mate, or one read merged of both; the place is None of what is not of the genome."""

    name: str
    read_group: str
    kind: str
    reads: tuple[Read, ...]
    places: tuple[Place | None, ...]


class _Mate(NamedTuple):
    """Bases as sequenced, and the stretch of the concatenated contigs that they are from."""

    bases: str
    start: int = 0
    end: int = 0
    is_reverse: bool = False


_Mates = tuple[_Mate, ...]


class _Source:
    """A genome to draw templates from."""

    def __init__(self, contigs: Mapping[str, str], draw: random.Random) -> None:
        self.draw = draw
        self.names = list(contigs)
        self.bases = "".join(contigs.values()).replace("R", "A")
        self.borders = [0]
        for bases in contigs.values():
            self.borders.append(self.borders[-1] + len(bases))
        words = [self._word(start) for start in range(len(self.bases) - WORD)]
        seen = Counter(words)
        last: dict[str, int] = {}
        self.copies = []
        for start in range(len(words)):
            word = self.bases[start : start + WORD]
            self.copies += [(last[word], start)] if word in last and last[word] < start - 1000 else []
            last[word] = start
        self.repeats = [start for start, word in enumerate(words) if seen[word] > 1 and "N" not in word]

    def _word(self, start: int) -> str:
        word = self.bases[start : start + WORD]
        return min(word, reverse_complement(word))

    def template(self, start: int, size: int, length: int) -> _Mates:
        """Mates from the ends of a stretch, of either strand; where they are longer than it, they go on in adapters."""
        start = min(max(start, 0), len(self.bases) - size)
        end, covered = start + size, min(size, length)
        left = self.bases[start : start + covered] + ADAPTERS[0][: length - covered]
        right = reverse_complement(self.bases[end - covered : end]) + ADAPTERS[1][: length - covered]
        mates = _Mate(left, start, start + covered), _Mate(right, end - covered, end, is_reverse=True)
        return mates if self.draw.random() < 0.5 else mates[::-1]

    def plain(self, size: int, length: int) -> _Mates:
        """Both mates as they are, within a contig."""
        starts = [range(start, end - size) for start, end in pairwise(self.borders) if end - start > size]
        places = self.draw.choices(starts, weights=list(map(len, starts)))[0]
        return self.template(self.draw.choice(places), size, length)

    def changed(self, size: int, length: int) -> _Mates:
        """A few bases of each mate are others, or unknown."""
        return tuple(self._substituted(mate, self.draw.sample(range(length), 3)) for mate in self.plain(size, length))

    def gapped(self, size: int, length: int) -> _Mates:
        """One mate has an insertion or a deletion."""
        one, other = self.plain(size, length)
        at, gap = self.draw.randint(8, length - 12), self.draw.randint(1, 4)
        added = "".join(self.draw.choices("ACGT", k=gap))
        rest = one.bases[at:] if self.draw.random() < 0.5 else one.bases[at + gap :]
        is_added = len(rest) == length - at
        return one._replace(bases=one.bases[:at] + (added if is_added else "") + rest), other

    def damaged(self, size: int, length: int) -> _Mates:
        """One mate has more differences than the search allows, but enough equal bases in between."""
        one, other = self.plain(size, length)
        if self.draw.random() < 0.3:
            middle, gap = length // 2, self.draw.randint(8, 14)
            return one._replace(bases=one.bases[:middle] + one.bases[middle + gap :]), other
        return self._substituted(one, range(self.draw.randint(5, 8), length - 4, self.draw.randint(7, 9))), other

    def repeated(self, size: int, length: int) -> _Mates:
        """One mate lies on a repeat."""
        shift = self.draw.choice([0, WORD - size]) + self.draw.randint(-10, 10)
        return self.template(self.draw.choice(self.repeats) + shift, size, length)

    def misled(self, size: int, length: int) -> _Mates:
        """One mate is copied from another place that is nearly equal to its own."""
        there, here = self.draw.choice(self.copies)
        one, other = self.template(here - self.draw.randint(0, length - WORD), size, length)
        if one.is_reverse:
            one, other = other, one
        start = max(there + one.start - here, 0)
        return one._replace(bases=self.bases[start : start + length]), other

    def bordering(self, size: int, length: int) -> _Mates:
        """The template begins on one contig and ends on another; often a mate does, too."""
        shift = self.draw.choice([self.draw.randint(0, size), self.draw.randint(0, length)])
        return self.template(self.draw.choice(self.borders[1:-1]) - shift, size, length)

    def chimeric(self, size: int, length: int) -> _Mates:
        """Mates of two templates."""
        return self.plain(size, length)[0], self.plain(size, length)[1]

    def half_foreign(self, size: int, length: int) -> _Mates:
        """One mate is not of the genome."""
        return self.plain(size, length)[0], self._foreign(length)

    def foreign(self, size: int, length: int) -> _Mates:
        """Neither mate is."""
        return self._foreign(length), self._foreign(length)

    def overlapping(self, size: int, length: int) -> _Mates:
        """Mates that have some bases in common, or all, or go on into the adapter."""
        return self.plain(self.draw.choice([length * 4 // 3, length + 3, length, length - 7]), length)

    def merged(self, size: int, length: int) -> _Mates:
        """One read of a whole short template."""
        mate = self.plain(length, length)[0]
        return (mate,)

    def _foreign(self, length: int) -> _Mate:
        return _Mate("".join(self.draw.choices("ACGT", k=length)))

    def _substituted(self, mate: _Mate, places: Iterable[int]) -> _Mate:
        bases = list(mate.bases)
        for at in places:
            bases[at] = self.draw.choice([base for base in "ACGTACGTACGTN" if base != bases[at]])
        return mate._replace(bases="".join(bases))

    def place(self, mate: _Mate) -> Place | None:
        """Where a mate is from."""
        if mate.end == 0:
            return None
        contig = next(k for k, border in enumerate(self.borders[1:]) if mate.start < border)
        before = self.borders[contig]
        return Place(self.names[contig], mate.start - before, mate.end - before, mate.is_reverse)


#: What templates are like, and how many of each kind for one of the rarest.
KINDS: Final[Mapping[Callable[[_Source, int, int], _Mates], int]] = {
    _Source.plain: 8,
    _Source.changed: 4,
    _Source.gapped: 3,
    _Source.damaged: 5,
    _Source.repeated: 4,
    _Source.misled: 2,
    _Source.bordering: 2,
    _Source.chimeric: 1,
    _Source.half_foreign: 2,
    _Source.foreign: 1,
    _Source.overlapping: 2,
    _Source.merged: 2,
}


def made_pairs(contigs: Mapping[str, str], count: int, seed: int) -> list[Template]:
    """Templates of all kinds and libraries, mixed; each third ends in bad qualities."""
    draw = random.Random(seed)
    source = _Source(contigs, draw)
    templates = []
    for number in range(count):
        kind = draw.choices(list(KINDS), list(KINDS.values()))[0]
        library = draw.choice(LIBRARIES)
        size = round(draw.gauss(library.insert_size, library.deviation))
        mates = kind(source, size, draw.choice([75, 75, draw.randint(45, 110)]))
        name = f"pair{number}"
        reads = tuple(
            Read(name, mate.bases, _qualities(len(mate.bases), number % 3 == 0, draw), f"RG:Z:{library.read_group}")
            for mate in mates
        )
        templates.append(Template(name, library.read_group, kind.__name__, reads, tuple(map(source.place, mates))))
    return templates


def _qualities(length: int, worse: bool, draw: random.Random) -> str:
    levels = [36 - 34 * worse * (at / length) ** 3 for at in range(length)]
    return "".join(chr(33 + min(max(round(draw.gauss(level, 3)), 2), 40)) for level in levels)


def pairs(templates: Iterable[Template], read_group: str) -> list[Pair]:
    """First and last mates of a read group, without merged reads."""
    return [
        (template.reads[0], template.reads[1])
        for template in templates
        if template.read_group == read_group and len(template.reads) == 2
    ]


def to_fastqs(some: Iterable[Pair], stem: Path) -> tuple[Path, Path]:
    """Write pairs for bwa: files of first and of last mates."""
    first, last = zip(*some, strict=True)
    return to_fastq(first, Path(f"{stem}_1.fq")), to_fastq(last, Path(f"{stem}_2.fq"))


def to_ubam(templates: Iterable[Template], path: Path) -> Path:
    """Write unaligned records of all, with their read groups; of every second pair the last mate comes first."""
    lines = ["@HD\tVN:1.6\tSO:unsorted\tGO:query"]
    lines += [f"@RG\tID:{library.read_group}\tSM:sample\tLB:{library.read_group}" for library in LIBRARIES]
    for number, template in enumerate(templates):
        flags = (UNMAPPED,) if len(template.reads) == 1 else (FIRST, LAST)
        records = [read.sam(flag) for read, flag in zip(template.reads, flags, strict=True)]
        lines += records[:: -1 if number % 2 else 1]
    return to_bam(lines, path)
