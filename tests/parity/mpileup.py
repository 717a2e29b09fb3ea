"""Reading the text of samtools mpileup, as bundled with pysam, for comparison."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pysam

#: (contig, 0-based position) to (base, quality) pairs; (contig, position) to events such as +ACG and -2.
Bases = dict[tuple[str, int], Counter[tuple[str, int]]]
Events = dict[tuple[str, int], Counter[str]]


def mpileup(path: Path, *options: str) -> tuple[Bases, Events]:
    """Bases with qualities, and indels, per position; deletions and skips left out."""
    text = pysam.samtools.mpileup("-B", "-d", "0", *options, str(path), catch_stdout=True)
    bases: Bases = {}
    events: Events = {}
    for line in text.splitlines():
        contig, position, _, _, column, qualities = line.split("\t")[:6]
        key = contig, int(position) - 1
        # A column in which no base passes is written as "*" or nothing, without alignments to number.
        marks = list(_marks(column)) if line.split("\t")[3] != "0" else []
        quality = iter(qualities)
        for mark, event in marks:
            q = ord(next(quality)) - 33
            if mark in "ACGTN":
                bases.setdefault(key, Counter())[mark, q] += 1
            if event and mark in "ACGTN":
                events.setdefault(key, Counter())[event] += 1
    return bases, events


def _marks(column: str) -> Iterator[tuple[str, str]]:
    """Each alignment of a column: its base (or * # < >), and the indel that follows, as +ACG or -2."""
    at = 0
    while at < len(column):
        if column[at] == "^":
            at += 2
        mark, event = column[at].upper(), ""
        at += 1
        if at < len(column) and column[at] in "+-":
            length = re.match(r"\d+", column[at + 1 :])[0]
            start = at + 1 + len(length)
            letters = column[start : start + int(length)].upper()
            event = f"+{letters}" if column[at] == "+" else f"-{length}"
            at = start + int(length)
        if at < len(column) and column[at] == "$":
            at += 1
        yield mark, event
