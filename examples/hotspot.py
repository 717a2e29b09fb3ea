"""The share of one base at one place: python examples/hotspot.py REFERENCE chr7 140453136 T NORMAL=A.bam.

A variant that is known in advance needs no list of changes. One line per sample says how many reads show it, and the 99 %
interval of its share: the upper end is what the depth cannot exclude.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import colonnade as cn


def hotspot(
    reference: str | Path, contig: str, position: int, base: str, samples: Mapping[str, Any]
) -> list[list[str]]:
    """Rows of sample, depth, reads with the base at a 1-based position, and the interval of its share, below a header."""
    options = cn.CompareOptions(loci="tested", quantiles=(0.005, 0.995))
    locus = cn.Region(contig, position - 1, position)
    result = cn.compare(samples, reference=reference, against=cn.REF, regions=[locus], options=options)
    reads = dict.fromkeys(samples, 0)
    for row in result.evidence.to_pylist():
        if row["base"] == base:
            reads[row["sample"]] += row["count"]
    shares = {row["sample"]: row for row in result.comp.to_pylist() if row["base"] == base}
    rows = [[name, *described(shares.get(name), reads[name])] for name in samples]
    return [["sample", "depth", base, "share"], *rows]


def described(row: Mapping[str, Any] | None, reads: int) -> list[str]:
    """Depth, reads, and the interval of the share; without any reads it can be anything."""
    if row is None or row["mean"] is None:
        return ["0", "0", "any"]
    return [str(row["depth"]), str(reads), f"{row['q0.005']:.4f}-{row['q0.995']:.4f}"]


if __name__ == "__main__":
    reference, contig, position, base, *named = sys.argv[1:]
    for cells in hotspot(reference, contig, int(position), base, dict(argument.split("=", 1) for argument in named)):
        print("\t".join(cells))
