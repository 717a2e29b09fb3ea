"""What tests of indexes need: SAM lines of every kind, indexes written by hand, and the records of a BAM with their offsets."""

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pysam
from random_letters import random_letters

from colonnade.formats.bgzf import Chunk

CONTIGS = {"long": 3_000_000, "empty": 5000, "x:1-9": 200_000, "single": 40_000, "last_empty": 100}
UNPLACED = 300

Bins = dict[int, tuple[int, list[tuple[int, int]]]]


@cache
def made_lines(seed: int) -> list[str]:
    """SAM lines with long reads, gaps of every size, long skips, duplicates and unmapped reads in every place."""
    rng = np.random.default_rng(seed)
    lines = []
    for contig, length, n in (("long", 3_000_000, 900), ("x:1-9", 200_000, 400), ("single", 40_000, 1)):
        centres = rng.integers(0, length - 1000, 12)
        for number in range(n):
            start = int(np.clip(rng.choice(centres) + rng.normal(0, 3000), 1, length - 300))
            size = int(10 ** rng.uniform(1, 3.5))
            skip = int(10 ** rng.uniform(2, 6)) if rng.random() < 0.05 else 0
            if start + 2 * size + skip >= length:
                size, skip = 50, 0
            cigar = f"{size}M{skip}N{size}M" if skip else f"{2 * size}M"
            flag = int(rng.choice([0, 16, 256, 1024, 2048, 4], p=[0.4, 0.4, 0.05, 0.05, 0.05, 0.05]))
            sequence = random_letters(rng, 2 * size)
            lines.append(
                f"{contig[0]}{number}\t{flag}\t{contig}\t{start}\t{int(rng.integers(0, 61))}\t{'*' if flag & 4 else cigar}"
                f"\t*\t0\t0\t{sequence}\t*"
            )
    lines += [f"u{number}\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII" for number in range(UNPLACED)]
    return lines


def spread_lines(contig: str, length: int, n: int, seed: int) -> list[str]:
    """Lines of reads spread evenly over a contig, with some long skips."""
    rng = np.random.default_rng(seed)
    lines = []
    for number, start in enumerate(rng.integers(1, length - 200, n).tolist()):
        skip = min(int(10 ** rng.uniform(2, 8)), length - start - 150) if rng.random() < 0.05 else 0
        sequence = random_letters(rng, 100)
        cigar = f"50M{skip}N50M" if skip else "100M"
        lines.append(f"r{number}\t0\t{contig}\t{start}\t60\t{cigar}\t*\t0\t0\t{sequence}\t*")
    return lines


@dataclass(frozen=True)
class Placed:
    """The records of a BAM file that have a position, in file order: arrays of the same length."""

    names: np.ndarray
    contigs: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray
    offsets_after: np.ndarray

    @classmethod
    def of(cls, path: Path) -> "Placed":
        rows = []
        with pysam.AlignmentFile(str(path)) as file:
            offset = file.tell()
            for record in file.fetch(until_eof=True):
                after = file.tell()
                if record.reference_id >= 0:
                    end = record.reference_end or 0
                    start = record.reference_start
                    name = f"{record.query_name} {record.flag}"
                    rows.append((name, record.reference_id, start, max(end, start + 1), offset, after))
                offset = after
        return cls(*map(np.array, zip(*rows, strict=True)))

    def overlapping(self, contig: int, start: int, end: int) -> np.ndarray:
        return (self.contigs == contig) & (self.starts < end) & (self.ends > start)

    def inside(self, chunks: list[Chunk]) -> np.ndarray:
        found = np.zeros(self.offsets.size, bool)
        for first, last in packed(chunks):
            found |= (self.offsets >= first) & (self.offsets < last)
        return found


def packed(chunks: list[Chunk]) -> list[tuple[int, int]]:
    return [(start.block << 16 | start.within, end.block << 16 | end.within) for start, end in chunks]


def bai_bytes(contigs: list[tuple[Bins, list[int]]], *, tail: bytes = b"") -> bytes:
    """A BAI of any bins (number to unused loff and chunks) and windows."""
    parts = [b"BAI\x01", struct.pack("<I", len(contigs))]
    for bins, windows in contigs:
        parts.append(struct.pack("<I", len(bins)))
        for number, (_, chunks) in bins.items():
            parts.append(struct.pack("<II", number, len(chunks)))
            parts += [struct.pack("<QQ", *chunk) for chunk in chunks]
        parts.append(struct.pack(f"<I{len(windows)}Q", len(windows), *windows))
    return b"".join(parts) + tail


def csi_bytes(
    contigs: list[Bins], *, min_shift: int = 14, depth: int = 5, auxiliary: bytes = b"", tail: bytes = b""
) -> bytes:
    """An uncompressed CSI of any bins: number to loff and chunks."""
    parts = [b"CSI\x01", struct.pack("<III", min_shift, depth, len(auxiliary)), auxiliary]
    parts.append(struct.pack("<I", len(contigs)))
    for bins in contigs:
        parts.append(struct.pack("<I", len(bins)))
        for number, (loff, chunks) in bins.items():
            parts.append(struct.pack("<IQI", number, loff, len(chunks)))
            parts += [struct.pack("<QQ", *chunk) for chunk in chunks]
    return b"".join(parts) + tail
