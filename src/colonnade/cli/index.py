"""``colonnade index``."""

import argparse
from typing import Any

from colonnade.cli import arguments

_EPILOG = """\
examples:
  colonnade index ref.fa
  colonnade index --prefix indexes/ref ref.fa.gz

Writes PREFIX.bwt, .sa, .pac, .ann and .amb, which are those of bwa index, byte
for byte, and PREFIX.colonnade, which is PREFIX.bwt in the layout that align
searches. Letters other than A, C, G and T become random bases, as with bwa.
colonnade align does the same by itself where an index is not there.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "index",
        help="index a genome, so that reads can be aligned to it",
        usage="%(prog)s [options] FASTA",
        description="Index a genome, so that reads can be aligned to it: the files of bwa index,\n"
        "and one made from them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("fasta", metavar="FASTA", help="the genome, plain or gzipped")
    parser.add_argument(
        "--prefix", metavar="PREFIX", help="start of the files' names (default: the name of the FASTA file)"
    )
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    from colonnade.align.index import build_index
    from colonnade.run.progress import show_progress

    with show_progress("sorting suffixes", unit="bases", quiet=chosen.quiet) as progress:
        build_index(chosen.fasta, prefix=chosen.prefix, force=chosen.force, progress=progress)
