"""``colonnade plan``."""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from colonnade.cli import arguments

if TYPE_CHECKING:
    from colonnade.formats.alignments import AlignmentFile
    from colonnade.plan.ranges import Range
    from colonnade.run.progress import Report

_log = logging.getLogger(__name__)

_EPILOG = """\
examples:
  colonnade plan --bytes 64M wk4.bam wk30.bam > ranges.bed
  colonnade plan --bytes 1G --bed exome.bed --check tumour.bam -o ranges.bed

Writes BED (0-based, half-open) with one header line; after start and end, one
column for each file with the estimated uncompressed bytes of the range. Sizes
are powers of 1024.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "plan",
        help="cut a genome into ranges of about as many bytes of BAM as asked for",
        usage="%(prog)s [options] --bytes SIZE in.bam ...",
        description="Cut a genome, by the indexes of BAM files, into ranges that each hold about as\n"
        "many bytes as asked for.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("files", nargs="+", metavar="in.bam", help="sorted BAM files; ranges suit all of them")
    parser.add_argument(
        "--bytes",
        type=arguments.size,
        required=True,
        metavar="SIZE",
        help="most uncompressed bytes of any file in a range, such as 64M; a single window may hold more",
    )
    arguments.add_regions(parser)
    parser.add_argument("--reference", metavar="FASTA", help="what CRAM files were made with; others need none")
    parser.add_argument(
        "--check",
        action="store_true",
        help="read the files' blocks, add columns with the true bytes, and sum up on stderr how good the estimates are",
    )
    parser.add_argument(
        "-o", "--output", default=arguments.STDOUT, metavar="FILE", help="the BED file to write (default: stdout)"
    )
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    from colonnade.formats.alignments import common_lengths, open_all
    from colonnade.formats.output import OutputSet, refuse_existing, refuse_inputs
    from colonnade.jit import announce_compilation
    from colonnade.plan.ranges import plan_ranges
    from colonnade.regions import regions_of_interest
    from colonnade.run.progress import show_progress

    to_stdout = chosen.output == arguments.STDOUT
    if not to_stdout:
        refuse_existing([chosen.output], force=chosen.force)
        refuse_inputs([chosen.output], [*chosen.files, *filter(None, (chosen.bed, chosen.reference))])
    announce_compilation("ranges_kernels")
    shown = show_progress("planning", unit="positions", quiet=chosen.quiet, uses_stdout=to_stdout)
    with open_all(chosen.files, reference=chosen.reference) as files, shown as progress:
        regions = regions_of_interest(chosen.region, chosen.bed, common_lengths(files))
        ranges = _followed(plan_ranges(regions, files, size=chosen.bytes), sum(map(len, regions)), progress)
        lines = _checked_lines(ranges, files, target=chosen.bytes) if chosen.check else _lines(ranges, files)
        if to_stdout:
            sys.stdout.writelines(lines)
            sys.stdout.flush()
            return
        with OutputSet([chosen.output], force=chosen.force) as output:
            output.write(chosen.output, lines)


def _followed(ranges: "Iterator[Range]", total: int, progress: "Report") -> "Iterator[Range]":
    """The ranges as they are, while somebody is told how far they have come."""
    done = 0
    for planned in ranges:
        yield planned
        done += len(planned.region)
        progress(done, total)


def _lines(ranges: "Iterator[Range]", files: "Sequence[AlignmentFile]") -> Iterator[str]:
    yield _line("#contig", "start", "end", [file.path for file in files])
    for planned in ranges:
        region = planned.region
        yield _line(region.contig, region.start, region.end, planned.bytes)


def _checked_lines(ranges: "Iterator[Range]", files: "Sequence[AlignmentFile]", *, target: int) -> Iterator[str]:
    """As ``_lines``, with the true bytes beside the estimated ones, and at last a summary to the log."""
    from colonnade.plan.check import Accuracy, true_bytes

    yield _line("#contig", "start", "end", [name for f in files for name in (f"estimated:{f.path}", f"true:{f.path}")])
    accuracy = Accuracy(files, target=target)
    for planned in ranges:
        region = planned.region
        true = true_bytes(planned, files)
        accuracy.add(planned, true)
        pairs = zip(planned.bytes, true, strict=True)
        yield _line(region.contig, region.start, region.end, [number for pair in pairs for number in pair])
    _log.info("%s", accuracy)


def _line(contig: str, start: object, end: object, columns: Sequence[object]) -> str:
    return "\t".join([contig, str(start), str(end), *map(str, columns)]) + "\n"
