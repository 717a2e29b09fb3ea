"""``colonnade report``."""

import argparse
import logging
from typing import Any, Final

from colonnade.cli import arguments
from colonnade.errors import UsageError

_log = logging.getLogger(__name__)
UNITS: Final = {"reading tables": "rows", "writing": "rows"}

_EPILOG = """\
examples:
  colonnade report result -o report.html
  colonnade report result --gff genes.gff3 -o report.html

The page holds what it shows, and needs no network. A table that colonnade
compare was not asked to write is left out, and the page says so.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "report",
        help="show on one page what changed, by how much, and the reads behind it",
        usage="%(prog)s [options] PREFIX -o FILE",
        description="Write the result of a comparison as one HTML page.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("prefix", metavar="PREFIX", help="what colonnade compare was given as -o")
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", metavar="FILE", required=True, help="the page to write; - is stdout")
    group = parser.add_argument_group("genes")
    group.add_argument(
        "--gff", metavar="FILE", help="GFF3 with coding sequences: changes are named by gene and amino acid"
    )
    group.add_argument(
        "--reference",
        metavar="FASTA",
        help="what the samples were compared to, for the codons (default: as in PREFIX.run.json)",
    )
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    if chosen.reference and not chosen.gff:
        raise UsageError("--reference says nothing without --gff")
    from colonnade.report.engine import write_report
    from colonnade.run.progress import Stages

    to_stdout = chosen.output == arguments.STDOUT
    with Stages(UNITS, quiet=chosen.quiet, uses_stdout=to_stdout) as progress:
        write_report(
            chosen.prefix,
            chosen.output,
            gff=chosen.gff,
            reference=chosen.reference,
            force=chosen.force,
            progress=progress,
        )
    if not to_stdout:
        _log.info("open %s in a browser", chosen.output)
