"""A plan for a thousand samples of a human-size genome: seconds and memory, from synthetic indexes."""

import argparse
import resource
import sys
from pathlib import Path
from time import perf_counter
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "plan"))

from made_index import made_file

from colonnade.plan.ranges import plan_ranges
from colonnade.regions import Region

HUMAN: Final = [17_000, 15_000, *[8000] * 18, *[3500] * 4]  # windows of 16 kb per contig, 190,000 in all
TARGETS: Final = ((1 << 20, 1), (16 << 20, 8))


def peak() -> int:
    """Peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)


def main() -> None:
    """Make the indexes, plan, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    options = parser.parse_args()
    files = [made_file(HUMAN, seed, leaves=0.04) for seed in range(options.samples)]
    regions = [Region(contig, 0, length) for contig, length in files[0].header.lengths.items()]
    list(plan_ranges(regions[-1:], files[:1], size=1 << 20, workers=2))  # compiles
    bins = sum(file.index.bins.size for file in files)
    print(f"{len(files):,} indexes of {sum(HUMAN):,} windows, {bins // len(files):,} bins each; {peak():,} MiB")
    for size, workers in TARGETS:
        started = perf_counter()
        n = sum(1 for _ in plan_ranges(regions, files, size=size, workers=workers))
        seconds = perf_counter() - started
        print(f"- {size >> 20} MiB per file, {workers} workers: {n:,} ranges in {seconds:.0f} s, peak {peak():,} MiB")


if __name__ == "__main__":
    main()
