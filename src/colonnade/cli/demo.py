"""``colonnade demo``."""

import argparse
import logging
from pathlib import Path
from typing import Any

from colonnade.cli import arguments

_log = logging.getLogger(__name__)


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "demo",
        help="simulate two time points of a virus population, align and compare them, show found against true changes",
        description="Simulate reads of a virus population at two time points, align them, compare the time points, and show "
        "found against true changes.",
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
    from colonnade.run.progress import show_progress
    from colonnade.simulate.demo import OPTIONS, run_demo

    with show_progress("comparing", unit="loci", quiet=chosen.quiet) as progress:
        result = run_demo(chosen.output, force=chosen.force, threads=chosen.threads, progress=progress)
    print(f"true changes are those with a distance above {OPTIONS.min_distance:g}")
    for line in result.lines():
        print(line)
    _log.info("the tables are %s/result.*.tsv, the truth is in virus.truth.tsv beside them", chosen.output)
