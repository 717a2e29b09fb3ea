"""Read a BAM into checked batches, all records of it: ``load_one.py BAM``."""

import sys

from colonnade.formats.bam import BamFile
from colonnade.records.filters import NO_FLAGS, ReadFilter
from colonnade.records.source import read_batches
from colonnade.regions import Region


def main(path: str) -> None:
    """Print how many records there are."""
    everything = ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=NO_FLAGS)
    bam = BamFile(path)
    regions = [Region(contig, 0, length) for contig, length in bam.header.lengths.items()]
    print(sum(len(batch) for region in regions for batch in read_batches([bam], region, everything, size=16 << 20)))
    bam.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
