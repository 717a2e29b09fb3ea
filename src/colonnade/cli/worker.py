"""``colonnade worker``."""

import argparse
from typing import Any

from colonnade.cli import arguments
from colonnade.cli.executors import add_scheduler, need_distributed

_EPILOG = """\
examples:
  colonnade worker --scheduler tcp://host:8786 --role full --threads 16
  colonnade worker --scheduler cluster.json --role small --threads 4 --memory 2G

The scheduler is Dask's: dask scheduler --port 8786. A small worker does only
the first step of align, which needs little memory; a full worker does
everything. Both need the BAM files, the reference and the index under the names
that the command was given, and the same version of colonnade. A worker whose
process uses too much memory is started anew.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "worker",
        help="do the work of other commands, as one of a cluster",
        usage="%(prog)s [options] --scheduler ADDRESS",
        description="Do the work of commands that were given the same scheduler, until told to end.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    group = parser.add_argument_group("worker")
    add_scheduler(group, required=True)
    group.add_argument(
        "--role", choices=("small", "full"), default="full", help="what it is given to do (default: %(default)s)"
    )
    group.add_argument(
        "--memory",
        type=arguments.size,
        metavar="SIZE",
        help="end and start anew beyond this (default: its share, by threads, of this machine's)",
    )
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    need_distributed()
    from colonnade.run.worker import WorkerOptions, serve

    options = WorkerOptions(role=chosen.role, threads=chosen.threads, memory=chosen.memory)
    serve(chosen.scheduler, options, tls_ca=chosen.tls_ca, tls_cert=chosen.tls_cert, tls_key=chosen.tls_key)
