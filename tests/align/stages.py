"""Reads through all stages, and what bwa makes of the same reads."""

import gzip
import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import bwa
import numpy as np
import pysam

from colonnade.align.batch import Batch
from colonnade.align.finish import finish
from colonnade.align.index import open_index
from colonnade.align.insert_sizes import Histogram, observe
from colonnade.align.locate import locate
from colonnade.align.options import AlignOptions
from colonnade.align.search import search

UNMAPPED, FIRST, LAST = 4, 77, 141  # flags of reads that nothing was done with: single ones, and mates


class Read(NamedTuple):
    """A read as it was sequenced; qualities are ASCII, tags those of a SAM line."""

    name: str
    bases: str
    qualities: str
    tags: str = ""

    def sam(self, flag: int = UNMAPPED) -> str:
        """An unaligned record."""
        line = f"{self.name}\t{flag}\t*\t0\t0\t*\t*\t0\t0\t{self.bases}\t{self.qualities}"
        return f"{line}\t{self.tags}" if self.tags else line


Pair = tuple[Read, Read]  #: first and last mate


class Record(NamedTuple):
    """A final record: its bytes, and what htslib reads in them."""

    data: bytes
    segment: pysam.AlignedSegment


def load(path: Path) -> tuple[bytes, list[bytes]]:
    """Header and records of a BAM file."""
    data = gzip.decompress(path.read_bytes())
    at = 8 + int.from_bytes(data[4:8], "little")
    (contigs,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(contigs):
        at += 8 + int.from_bytes(data[at : at + 4], "little")
    header, records = data[:at], []
    while at < len(data):
        size = 4 + int.from_bytes(data[at : at + 4], "little")
        records.append(data[at : at + size])
        at += size
    return header, records


def to_bam(lines: Iterable[str], path: Path) -> Path:
    """Let htslib make BAM of SAM lines."""
    text = path.with_suffix(".sam")
    text.write_text("".join(f"{line}\n" for line in lines))
    pysam.samtools.view("-b", "-o", str(path), str(text), catch_stdout=False)
    return path


def pristine(reads: Iterable[Read], folder: Path) -> Batch:
    """Reads that nothing was done with yet."""
    return of_records(load(to_bam(["@HD\tVN:1.6", *(read.sam() for read in reads)], folder / "pristine.bam"))[1])


def pristine_pairs(pairs: Iterable[Pair], folder: Path) -> Batch:
    """Pairs that nothing was done with yet."""
    lines = (line for first, last in pairs for line in (first.sam(FIRST), last.sam(LAST)))
    return of_records(load(to_bam(["@HD\tVN:1.6", *lines], folder / "pristine.bam"))[1])


def of_records(records: Sequence[bytes]) -> Batch:
    """A pristine batch of unaligned records."""
    offsets = np.cumsum([0, *map(len, records)], dtype=np.int64)
    return Batch.of_records(np.frombuffer(b"".join(records), np.uint8), offsets)


def split(batch: Batch) -> list[bytes]:
    """The bytes of each record."""
    data, offsets = batch.records()
    return [data[start:end].tobytes() for start, end in pairwise(offsets)]


def as_records(header: bytes, records: list[bytes], path: Path) -> list[Record]:
    """Let htslib read records."""
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(header + b"".join(records))
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return [Record(data, segment) for data, segment in zip(records, file, strict=True)]


def by_bwa(
    fasta: Path, reads: Iterable[Read], folder: Path, *options: str, listed: int = 3
) -> tuple[bytes, list[bytes]]:
    """Header and records of bwa aln and samse, made BAM by htslib."""
    fastq = to_fastq(reads, folder / "reads.fq")
    lines = bwa.samse(fasta, bwa.aln(fasta, fastq, *options), fastq, "-n", str(listed))
    return load(to_bam([*contig_lines(fasta), *lines], folder / "bwa.bam"))


class BwaPairs(NamedTuple):
    """What bwa makes of pairs: header and records, both mates of a pair in turns; best hits of each record; its log."""

    header: bytes
    records: list[bytes]
    best_hits: list[int]
    log: str


def pairs_by_bwa(
    fasta: Path, pairs: Sequence[Pair], folder: Path, *, aln: Sequence[str] = (), sampe: Sequence[str] = ()
) -> BwaPairs:
    """Pairs by bwa aln, twice, and sampe, made BAM by htslib."""
    first, last = (to_fastq((pair[end] for pair in pairs), folder / f"reads_{end + 1}.fq") for end in (0, 1))
    sai = bwa.aln(fasta, first, *aln), bwa.aln(fasta, last, *aln)
    lines, log = bwa.sampe(fasta, sai, (first, last), *sampe)
    counts = np.stack([bwa.best_hits(path) for path in sai], axis=1).ravel().tolist()
    return BwaPairs(*load(to_bam([*contig_lines(fasta), *lines], folder / "bwa.bam")), counts, log)


def write_fasta(contigs: Mapping[str, str], path: Path) -> Path:
    """Write a genome, its .fai, and its index by bwa."""
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    return index_fasta(path)


def index_fasta(path: Path) -> Path:
    """Make the .fai of a genome, and its index by bwa."""
    pysam.faidx(str(path))
    return bwa.index(path)


def to_fastq(reads: Iterable[Read], path: Path) -> Path:
    """Write reads for bwa."""
    path.write_text("".join(f"@{read.name}\n{read.bases}\n+\n{read.qualities}\n" for read in reads))
    return path


def contig_lines(fasta: Path) -> list[str]:
    """The @SQ lines of a genome with a .fai."""
    names = [line.split("\t")[:2] for line in Path(f"{fasta}.fai").read_text().splitlines()]
    return [f"@SQ\tSN:{name}\tLN:{length}" for name, length in names]


def by_us(fasta: Path, batch: Batch, options: AlignOptions) -> list[bytes]:
    """Records of search, locate, and finish, with the insert sizes of this batch."""
    index = open_index(fasta)
    located = locate(search(batch, index.fm, options), index, options)
    histogram = Histogram()
    histogram.add(observe(located))
    return split(finish(located, index, options, histogram.estimate(index.contigs.length, options)))


def place_set(record: pysam.AlignedSegment) -> set[tuple[str, str, int]]:
    """Contig, strand and 1-based position of a record and of all that its XA lists."""
    places = {(record.reference_name, "-" if record.is_reverse else "+", record.reference_start + 1)}
    for entry in record.get_tag("XA").split(";")[:-1] if record.has_tag("XA") else ():
        contig, position, _, _ = entry.split(",")
        places.add((contig, position[0], int(position[1:])))
    return places
