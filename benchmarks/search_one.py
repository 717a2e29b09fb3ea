"""Search reads for hits, and do nothing with them: ``search_one.py INDEX FASTQ PRESET [READS]``."""

import sys
from itertools import islice

from colonnade.align.index import open_index
from colonnade.align.options import PRESETS, AlignOptions
from colonnade.align.reads import open_reads
from colonnade.align.search import search


def main(index: str, fastq: str, preset: str, batches: str = "") -> None:
    """Print how many hits there are."""
    options = AlignOptions(**PRESETS.get(preset, {}))
    fm = open_index(index).fm
    with open_reads(fastq) as reads:
        some = islice(reads.batches(), int(batches) if batches else None)
        print(sum(int(search(batch, fm, options).lists("hits")[0][-1]) for batch in some))


if __name__ == "__main__":
    main(*sys.argv[1:])
