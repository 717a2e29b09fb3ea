"""Follow the loci that change: python examples/time_course.py REFERENCE WEEK0=A.bam WEEK4=B.bam WEEK8=C.bam.

Each time point is compared with the one before. Where any of these comparisons confirms a change, one line per base shows its
share at all time points, with the 99 % interval.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import colonnade as cn

SMALLEST_SHARE = 0.01  # bases that never reach it are not shown


def time_course(
    reference: str, samples: Mapping[str, Any], options: cn.CompareOptions | None = None
) -> list[list[str]]:
    """Rows of contig, position, base, and its share at each time point; the first row is the header."""
    result = cn.compare(samples, reference=reference, scheme="consecutive", options=options)
    shares: dict[tuple[str, int, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in result.comp.to_pylist():
        shares[row["contig"], row["position"], row["base"]][row["sample"]] = row
    header = ["contig", "position", "base", *samples]
    return [
        header,
        *(
            [contig, str(position), base, *(described(by_sample[name]) for name in samples)]
            for (contig, position, base), by_sample in sorted(shares.items(), key=lambda item: item[0])
            if any((row["mean"] or 0) >= SMALLEST_SHARE for row in by_sample.values())
        ),
    ]


def described(row: Mapping[str, Any]) -> str:
    """A share with its interval, or a dash where the sample has no reads."""
    return "-" if row["mean"] is None else f"{row['mean']:.2f} ({row['q0.005']:.2f}-{row['q0.995']:.2f})"


if __name__ == "__main__":
    time_points = dict(argument.split("=", 1) for argument in sys.argv[2:])
    for cells in time_course(sys.argv[1], time_points, cn.CompareOptions(min_distance=0.05)):
        print("\t".join(cells))
