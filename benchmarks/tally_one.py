"""Tally one sample over a contig or a region, its indels moved left: ``tally_one.py REFERENCE BAM THREADS [REGION]``."""

import sys

from data import CONTIG

import colonnade


def main(reference: str, bam: str, threads: str, region: str = CONTIG) -> None:
    """Print how many records were counted."""
    counts = colonnade.tally(bam, region, reference=reference, threads=int(threads))
    print(counts.records["kept"])


if __name__ == "__main__":
    main(*sys.argv[1:])
