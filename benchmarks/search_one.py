"""Search reads for hits, and do nothing with them: ``search_one.py INDEX FASTQ modern|ancient``."""

import sys

from colonnade.align.index import open_index
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.reads import open_reads
from colonnade.align.search import search


def main(index: str, fastq: str, preset: str) -> None:
    """Print how many hits there are."""
    options = AlignOptions.preset(preset) if preset == "ancient" else AlignOptions()
    fm = open_index(index).fm
    with open_reads([ReadFiles(fastq)], options=options) as reads:
        print(sum(int(search(batch, fm, options).lists("hits")[0][-1]) for batch in reads.batches()))


if __name__ == "__main__":
    main(*sys.argv[1:])
