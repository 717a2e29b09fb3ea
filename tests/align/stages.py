"""Reads through all stages, and what bwa makes of the same reads."""

import gzip
import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import bwa
import numpy as np
import pysam

from colonnade.align.batch import Batch
from colonnade.align.finish import finish
from colonnade.align.index import open_index
from colonnade.align.locate import locate
from colonnade.align.options import AlignOptions
from colonnade.align.search import search


class Read(NamedTuple):
    """A read as it was sequenced; qualities are ASCII, tags those of a SAM line."""

    name: str
    bases: str
    qualities: str
    tags: str = ""

    def sam(self) -> str:
        """An unaligned record."""
        line = f"{self.name}\t4\t*\t0\t0\t*\t*\t0\t0\t{self.bases}\t{self.qualities}"
        return f"{line}\t{self.tags}" if self.tags else line


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
    fastq = folder / "reads.fq"
    fastq.write_text("".join(f"@{read.name}\n{read.bases}\n+\n{read.qualities}\n" for read in reads))
    lines = bwa.samse(fasta, bwa.aln(fasta, fastq, *options), fastq, "-n", str(listed))
    names = [line.split("\t")[:2] for line in Path(f"{fasta}.fai").read_text().splitlines()]
    header = [f"@SQ\tSN:{name}\tLN:{length}" for name, length in names]
    return load(to_bam([*header, *lines], folder / "bwa.bam"))


def by_us(fasta: Path, batch: Batch, options: AlignOptions) -> list[bytes]:
    """Records of search, locate and finish."""
    index = open_index(fasta)
    return split(finish(locate(search(batch, index.fm, options), index, options), index, options))


def place_set(record: pysam.AlignedSegment) -> set[tuple[str, str, int]]:
    """Contig, strand and 1-based position of a record and of all that its XA lists."""
    places = {(record.reference_name, "-" if record.is_reverse else "+", record.reference_start + 1)}
    for entry in record.get_tag("XA").split(";")[:-1] if record.has_tag("XA") else ():
        contig, position, _, _ = entry.split(",")
        places.add((contig, position[0], int(position[1:])))
    return places
