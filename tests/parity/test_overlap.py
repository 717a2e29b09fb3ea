"""Qualities after mate overlap resolution equal htslib's, on made-up records of every kind."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mpileup import mpileup

from colonnade.formats.bam import BamFile
from colonnade.records.batch import RecordBatch
from colonnade.records.batch_kernels import DROPPED
from colonnade.records.filters import ReadFilter
from colonnade.records.overlap import resolve_overlaps
from colonnade.records.source import read_batches
from colonnade.regions import Region

LENGTH = 400
CONSUMES_QUERY, CONSUMES_REFERENCE = "MIS=X", "MDN=X"
EVERYTHING = ReadFilter(min_mapq=0, min_baseq=0)


@pytest.mark.parametrize("seed", range(12))
def test_overlap_equals_mpileup(make_bam, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [line for number in range(120) for line in _template(rng, number)]
    path = make_bam("random.bam", {"c": LENGTH}, lines)
    bases, _ = mpileup(path, "-Q", "0", "-q", "0", "-A")
    expected = {position: n for (_, position), n in bases.items()}
    for n_batches in (1, 2, 7, 400):
        assert _resolved(path, n_batches) == expected, n_batches


def _resolved(path: Path, n_batches: int) -> dict[int, Counter[tuple[str, int]]]:
    """Base and quality per position of records whose mates are resolved in so many batches, by a plain walk."""
    bam = BamFile(path)
    (batch,) = read_batches([bam], Region("c", 0, LENGTH), EVERYTHING)
    bam.close()
    parts = [
        replace(batch, records=part, complete=int(part["start"][-1]))
        for part in np.array_split(batch.records, n_batches)
        if len(part)
    ]
    columns: dict[int, Counter[tuple[str, int]]] = {}
    complete = seen = 0
    for resolved in resolve_overlaps(parts, as_htslib=True):
        assert np.all(np.diff(resolved.records["start"]) >= 0)
        assert resolved.records["start"].min() >= complete
        complete = max(complete, resolved.complete)
        seen += len(resolved)
        _add_columns(resolved, columns)
    assert seen == len(batch)
    return columns


def _add_columns(batch: RecordBatch, columns: dict[int, Counter[tuple[str, int]]]) -> None:
    data = batch.data
    for record in batch.records:
        position, query = int(record["start"]), 0
        for k in range(int(record["n_cigar"])):
            offset = int(record["cigar"]) + 4 * k
            packed = int.from_bytes(data[offset : offset + 4].tobytes(), "little")
            length, operation = packed >> 4, "MIDNSHP=X"[packed & 15]
            if operation in "M=X":
                for step in range(length):
                    q = query + step
                    base = "=ACMGRSVTWYHKDBN"[data[int(record["seq"]) + q // 2] >> (0 if q % 2 else 4) & 15]
                    quality = int(data[int(record["qual"]) + q])
                    key = base, min(93, 0 if quality == DROPPED else quality)
                    columns.setdefault(position + step, Counter())[key] += 1
            query += length if operation in CONSUMES_QUERY else 0
            position += length if operation in CONSUMES_REFERENCE else 0


def _template(rng: np.random.Generator, number: int) -> list[str]:
    """SAM lines of one template: two mates that may overlap, sometimes a third record of the same name."""
    n_records = int(rng.choice([2, 2, 2, 2, 3]))
    starts = np.sort(rng.integers(1, 120, n_records) + rng.choice([0, 150]))
    flags = [0x1 | 0x2 | 0x40, 0x1 | 0x2 | 0x80, 0x1 | 0x2 | 0x40 | 0x800]
    rng.shuffle(flags)
    lines = []
    cigars = [_cigar(rng) for _ in range(n_records)]
    spans = [sum(n for n, o in cigar if o in CONSUMES_REFERENCE) for cigar in cigars]
    template_length = int(max(s + n for s, n in zip(starts, spans, strict=True)) - starts[0])
    template_length = int(rng.choice([template_length, template_length, 0, 1000]))
    for i in range(n_records):
        mate = (i + 1) % n_records
        length = sum(n for n, o in cigars[i] if o in CONSUMES_QUERY)
        sequence = "".join(rng.choice(list("ACGTN"), length, p=[0.6, 0.15, 0.1, 0.1, 0.05]))
        qualities = "".join(chr(33 + q) for q in rng.choice([0, 1, 2, 10, 20, 30, 41], length))
        flag = flags[i] & ~0x2 if rng.random() < 0.08 else flags[i]
        flag |= 0x8 if rng.random() < 0.05 else 0  # said to have no mapped mate, and yet a proper pair
        lines.append(
            f"t{number}\t{flag}\tc\t{starts[i]}\t60\t{''.join(f'{n}{o}' for n, o in cigars[i])}\t=\t{starts[mate]}\t"
            f"{template_length if i == 0 else -template_length}\t{sequence}\t{qualities}"
        )
    return lines


def _cigar(rng: np.random.Generator) -> list[tuple[int, str]]:
    cigar = [(int(rng.integers(1, 9)), "S")] if rng.random() < 0.3 else []
    for block in range(int(rng.integers(1, 5))):
        if block:
            cigar.append((int(rng.integers(1, 6)), str(rng.choice(list("IDDN")))))
        cigar.append((int(rng.integers(1, 30)), str(rng.choice(list("MMM=X")))))
    return [*cigar, (4, "S")] if rng.random() < 0.2 else cigar
