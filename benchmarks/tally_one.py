"""Tally one sample over a whole contig, with its indels moved left: ``tally_one.py REFERENCE BAM THREADS``."""

import sys

from data import CONTIG

import colonnade


def main(reference: str, bam: str, threads: str) -> None:
    """Print how many bases of good quality there are."""
    counts = colonnade.tally(bam, CONTIG, reference=reference, threads=int(threads))
    print(counts.bases.sum())


if __name__ == "__main__":
    main(*sys.argv[1:])
