"""``colonnade demo``."""

import argparse
import logging
from pathlib import Path
from typing import Any, Final

from colonnade.cli import align, arguments

_log = logging.getLogger(__name__)

_EPILOG = """\
examples:
  colonnade demo
  colonnade demo -o elsewhere --force

Writes DIR/virus.*, the made-up reference, reads and truth, and DIR/result.*,
the tables of colonnade compare. The first run takes some minutes, as parts of
the program are compiled; later ones are much quicker.
"""
_UNITS: Final = {"simulating": "positions", **align.UNITS, "comparing": "loci"}


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "demo",
        help="see it work: simulate two time points, align, compare, show what is found",
        usage="%(prog)s [options]",
        description="Simulate reads of a virus population at two time points, align them, compare\n"
        "the time points, and show the changes found beside the true ones.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("demo"),
        metavar="DIR",
        help="folder for all files (default: %(default)s)",
    )
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    from colonnade.run.progress import Stages
    from colonnade.simulate.demo import OPTIONS, run_demo

    with Stages(_UNITS, estimated=align.ESTIMATED, quiet=chosen.quiet) as progress:
        result = run_demo(chosen.output, force=chosen.force, threads=chosen.threads, progress=progress)
    print(f"true changes are those with a distance above {OPTIONS.min_distance:g}")
    for line in result.lines():
        print(line)
    _log.info("the tables are %s/result.*.tsv, the truth is in virus.truth.tsv beside them", chosen.output)
    _log.info("for a page to look at: colonnade report %s/result -o %s/report.html", chosen.output, chosen.output)
