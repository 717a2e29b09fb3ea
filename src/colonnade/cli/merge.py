"""``colonnade merge``."""

import argparse
from typing import Any

from colonnade.cli import arguments
from colonnade.cli.compare import DEFAULT_KIND, add_files, log_changes

_EPILOG = """\
examples:
  colonnade merge all.part*of10 -o all
  colonnade merge all.part*of10 --format parquet --vcf all.vcf.gz -o all

The files are those that colonnade compare writes without --part, to the byte.
The parts stay.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "merge",
        help="join the parts of a comparison that were made apart",
        usage="%(prog)s [options] PART ... -o PREFIX",
        description="Join what colonnade compare --part has written: all parts of one comparison.\n"
        "Nothing else is needed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("part", nargs="+", metavar="PART", help="files of all parts, in any order")
    add_files(parser.add_argument_group("output"), default_tables="those that the parts were made for")
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    from colonnade.compare.engine import merge_parts
    from colonnade.run.progress import show_progress

    with show_progress("merging", unit="loci", quiet=chosen.quiet) as progress:
        stats = merge_parts(
            chosen.part,
            chosen.output,
            tables=chosen.write,
            kind=chosen.format or DEFAULT_KIND,
            vcf=chosen.vcf,
            force=chosen.force,
            progress=progress,
        )
    log_changes(stats)
