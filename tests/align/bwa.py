"""Debian's bwa as a partner: its index, its hits, its alignments."""

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

RECORDS_START = 68  # bytes of a .sai file before its first read: magic and gap_opt_t

needs_bwa = pytest.mark.skipif(shutil.which("bwa") is None, reason="bwa is not installed")

_HIT = np.dtype([("differences", "<u8"), ("first", "<u8"), ("last", "<u8")])


class Hits(NamedTuple):
    """Hits of many reads: offsets (reads + 1,) into the fields, which are named as in ``colonnade.align.batch.HIT``."""

    offsets: np.ndarray
    fields: dict[str, np.ndarray]


def index(fasta: Path) -> Path:
    """Build bwa's index beside a FASTA."""
    subprocess.run(["bwa", "index", str(fasta)], check=True, capture_output=True)
    return fasta


def aln(fasta: Path, reads: Path, *options: str) -> Path:
    """The .sai file of ``bwa aln``."""
    target = reads.with_name(f"{reads.name}.sai")
    subprocess.run(["bwa", "aln", *options, "-f", str(target), str(fasta), str(reads)], check=True, capture_output=True)
    return target


def samse(fasta: Path, sai: Path, reads: Path, *options: str) -> list[str]:
    """The lines of ``bwa samse``, without its header."""
    done = subprocess.run(
        ["bwa", "samse", *options, str(fasta), str(sai), str(reads)], check=True, capture_output=True, text=True
    )
    return [line for line in done.stdout.splitlines() if not line.startswith("@")]


class Sampe(NamedTuple):
    """What bwa sampe says: SAM lines without the header, first and last mate of each pair in turns; and its log."""

    lines: list[str]
    log: str


def sampe(fasta: Path, sai: tuple[Path, Path], reads: tuple[Path, Path], *options: str) -> Sampe:
    """The lines and the log of ``bwa sampe``."""
    files = [str(path) for path in (fasta, *sai, *reads)]
    done = subprocess.run(["bwa", "sampe", *options, *files], check=True, capture_output=True, text=True)
    return Sampe([line for line in done.stdout.splitlines() if not line.startswith("@")], done.stderr)


def best_hits(sai: Path) -> np.ndarray:
    """How many places of each read are best, as the search found them: X0, also where no tag says it."""
    offsets, fields = read_sai(sai)
    counts = np.zeros(len(offsets) - 1, np.int64)
    for read, (start, end) in enumerate(pairwise(offsets)):
        best = fields["score"][start:end] == fields["score"][start : start + 1]
        counts[read] = (fields["row_end"] - fields["row_start"])[start:end][best].sum()
    return counts


def read_sai(path: Path) -> Hits:
    """The hits in a .sai file (bwt_aln1_t, bwtaln.h)."""
    data = path.read_bytes()
    offset, counts, parts = RECORDS_START, [], []
    while offset < len(data):
        count = int.from_bytes(data[offset : offset + 4], "little")
        parts.append(data[offset + 4 : offset + 4 + 24 * count])
        counts.append(count)
        offset += 4 + 24 * count
    hits = np.frombuffer(b"".join(parts), _HIT)
    bits = hits["differences"]

    def field(shift: int, width: int) -> np.ndarray:
        return (bits >> np.uint64(shift) & np.uint64((1 << width) - 1)).astype(np.int64)

    fields = {
        "row_start": hits["first"].astype(np.int64),
        "row_end": hits["last"].astype(np.int64) + 1,
        "mismatches": field(0, 8),
        "gap_opens": field(8, 8),
        "gap_extensions": field(16, 8),
        "score": field(24, 20),
        "insertions": field(44, 10),
        "deletions": field(54, 10),
    }
    return Hits(np.concatenate(([0], np.cumsum(counts))).astype(np.int64), fields)
