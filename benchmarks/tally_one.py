"""Read, resolve mates and tally one sample over a whole reference, with one thread: ``tally_one.py REFERENCE BAM``."""

import sys
from typing import Final

from colonnade.compare.inputs import Inputs
from colonnade.compare.loading import LoadedRange
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import make_samples
from colonnade.plan.ranges import plan_ranges

BYTES: Final = 200 << 20  # of uncompressed BAM per range, and
POSITIONS: Final = 1 << 18  # positions: as in compare with its usual memory


def tally_all(reference: str, bam: str) -> int:
    """How many bases of good quality there are."""
    total = 0
    options = CompareOptions()
    with Inputs(make_samples({"one": bam}), reference) as inputs:
        files = [file for sample in inputs.samples for file in inputs.sample_files(sample)]
        for region in plan_ranges(inputs.regions([], None), files, size=BYTES, positions=POSITIONS):
            loaded = LoadedRange.load(inputs, region, options)
            total += int(loaded.counts("one").sum())
    return total


if __name__ == "__main__":
    print(tally_all(*sys.argv[1:3]))
