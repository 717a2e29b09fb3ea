"""``colonnade run``."""

import argparse
import logging
from typing import TYPE_CHECKING, Any, Final

from colonnade.cli import align, arguments, compare, report
from colonnade.cli.executors import add_cluster, chosen_executor

if TYPE_CHECKING:
    from colonnade.workflow.engine import SheetRun

_log = logging.getLogger(__name__)
_UNITS: Final = {**align.UNITS, "comparing": "loci", **report.UNITS}

_EPILOG = """\
examples:
  colonnade run sheet.tsv --reference ref.fa -o out
  colonnade run sheet.tsv --reference ref.fa -o out --dry-run
  colonnade run sheet.tsv --reference ref.fa -o out --min-distance 0.05 \\
      --gff genes.gff

The sheet has tabs or commas, and begins with the names of its columns: sample;
reads_1 and reads_2 for FASTQ, or reads for unaligned BAM, or bam for sorted
alignments; and, if wanted, time, group and library. Samples of a group are
compared with each other, each time point with the next where there are times.

What is there and up to date is left as it is, so the same command goes on after
an interruption, after a new line in the sheet, or with other options.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "run",
        help="align, compare and report the samples of a sheet",
        usage="%(prog)s [options] SHEET --reference FASTA -o DIR",
        description="Align, compare and report the samples of a sheet; only what is missing or out\nof date is made.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    _add_question(parser)
    _add_output(parser)
    align.add_differences(parser, letters=False)
    compare.add_read_filter(parser)
    compare.add_method(parser)
    add_cluster(parser)
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    align_options, compare_options = align.chosen_options(chosen), compare.chosen_options(chosen)
    from colonnade.run.progress import Stages
    from colonnade.workflow.engine import run_sheet

    with (
        chosen_executor(chosen) as executor,
        Stages(_UNITS, estimated=align.ESTIMATED, quiet=chosen.quiet, note=lambda: executor.status) as progress,
    ):
        result = run_sheet(
            chosen.sheet,
            reference=chosen.reference,
            folder=chosen.output,
            align_options=align_options,
            compare_options=compare_options,
            scheme="consecutive" if chosen.consecutive else "all-pairs" if chosen.all_pairs else None,
            against=chosen.against,
            regions=tuple(chosen.region),
            bed=chosen.bed,
            gff=chosen.gff,
            dry_run=chosen.dry_run,
            force=chosen.force,
            threads=chosen.threads,
            executor=executor,
            memory=chosen.memory,
            progress=progress,
        )
    if chosen.dry_run:
        _print_reasons(result)
    else:
        _log_results(result)


def _print_reasons(result: "SheetRun") -> None:
    for name, reason in result.reasons.items():
        print(f"{name}: {reason or 'up to date'}")


def _log_results(result: "SheetRun") -> None:
    from colonnade.compare.stored import read_result

    for group, prefix in result.results.items():
        _log.info("%s:", group)
        compare.log_changes(read_result(prefix).read("stats"))
    _log.info("%d of %d steps were up to date", len(result.reasons) - len(result.done), len(result.reasons))
    for path in result.reports.values():
        _log.info("report: %s", path)


def _add_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sheet", metavar="SHEET", help="table of the samples and their files")
    group = parser.add_argument_group("what to compare")
    group.add_argument("--reference", metavar="FASTA", required=True, help="the genome")
    schemes = group.add_mutually_exclusive_group()
    schemes.add_argument(
        "--all-pairs",
        action="store_true",
        help="each sample of a group with each other (default, unless the sheet has times)",
    )
    schemes.add_argument(
        "--consecutive",
        action="store_true",
        help="each with the next, by time if the sheet has times, else in its order (default if it has)",
    )
    schemes.add_argument("--against", metavar="NAME", help="each with this one, or with REF, the reference")
    arguments.add_regions(group)


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for all files")
    group.add_argument("--gff", metavar="FILE", help="genes, for the reports: changes are named by codon")
    group.add_argument("--dry-run", action="store_true", help="say what would be done, and why, and do nothing")
    compare.add_loci(group)
    align.add_orphans(group)
