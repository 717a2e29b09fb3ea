"""Tally samples over a contig, one after the other, their indels moved left: ``tally_all.py REFERENCE BAM...``."""

import sys

from data import CONTIG

import colonnade


def main(reference: str, *bams: str) -> None:
    """Print how many records were counted in each."""
    for bam in bams:
        print(colonnade.tally(bam, CONTIG, reference=reference).records["kept"])


if __name__ == "__main__":
    main(*sys.argv[1:])
