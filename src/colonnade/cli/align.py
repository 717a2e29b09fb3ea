"""``colonnade align``."""

import argparse
import logging
from dataclasses import fields
from typing import Any, Final

from colonnade.align.options import PRESETS, AlignOptions
from colonnade.cli import arguments
from colonnade.errors import UsageError

_log = logging.getLogger(__name__)
_DEFAULTS: Final = AlignOptions()

_EPILOG = """\
examples:
  colonnade align --index ref.fa reads.fq.gz --read-group '@RG\\tID:a\\tSM:wk4' -f aligned.bam
  colonnade align --index ref.fa unaligned.bam --preset ancient --sort -f sorted.bam
  samtools view -u -F 1 old.bam | colonnade align --index ref.fa - -f - > aligned.bam

Letters and alignments are those of bwa aln and bwa samse, but for -h, which is samse's -n, and -r, which is samse's -r. An
index that is not there is made. An option wins over the preset, wherever it stands.
"""

#: What bwa aln or sampe has besides: names, how many values follow, what for.
_UNSUPPORTED: Final[tuple[tuple[tuple[str, ...], int, str], ...]] = (
    (("-b",), 0, "what the input is shows in itself"),
    (("-I",), 0, "qualities are Phred+33"),
    (("-B",), 1, "barcodes in reads"),
    (("-Y",), 0, "reads that a sequencer has marked: take them out first"),
    (("-a", "-c", "-C", "-D", "-H"), 1, "paired reads cannot be aligned yet"),
    (("-A", "-P", "-s", "--interleaved"), 0, "paired reads cannot be aligned yet"),
)


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "align",
        help="short reads to alignments, as bwa aln and samse make them",
        description="Align single reads, as bwa aln and bwa samse do, and write them as BAM.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,  # -h is taken
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("--help", action="help", help="show this help message and exit")
    _add_files(parser)
    _add_differences(parser)
    _add_effort(parser)
    _add_scores(parser)
    _add_written(parser)
    arguments.add_common(parser, letters=False)
    parser.add_argument(
        "-t", dest="threads", type=arguments.positive, default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    for names, count, what in _UNSUPPORTED:
        parser.add_argument(*names, nargs=count, action=arguments.Unsupported, metavar=what, help=argparse.SUPPRESS)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    options = _options(chosen)
    if chosen.mates:
        raise UsageError("paired reads cannot be aligned yet", found=f"{chosen.reads} and {chosen.mates}")
    from colonnade.align.engine import align
    from colonnade.run.progress import show_progress

    with show_progress("aligning", unit="reads", estimated=True, quiet=chosen.quiet) as progress:
        summary = align(
            chosen.reads,
            index=chosen.index,
            out=chosen.output,
            options=options,
            read_group=chosen.read_group,
            reference=chosen.reference,
            sort=chosen.sort,
            force=chosen.force,
            threads=chosen.threads,
            progress=progress,
        )
    _log.info("%s", summary)
    if summary.too_long:
        _log.warning("%d reads are too long for this method, and were left unaligned", summary.too_long)


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reads", help="BAM, CRAM, SAM or FASTQ, compressed or not; - is stdin")
    parser.add_argument("mates", nargs="?", help=argparse.SUPPRESS)
    group = parser.add_argument_group("files")
    group.add_argument(
        "--index",
        metavar="PREFIX",
        required=True,
        help="the FASTA of the genome; bwa's index files beside it are made if absent",
    )
    group.add_argument("-f", "--output", metavar="FILE", required=True, help="the BAM file to write; - is stdout")
    group.add_argument("--sort", action="store_true", help="sort by coordinate, and write an index of the BAM")
    group.add_argument(
        "-r", "--read-group", metavar="LINE", help="put all reads into a group: its ID, or '@RG\\tID:a\\tSM:wk4'"
    )
    group.add_argument("--reference", metavar="FASTA", help="what a CRAM was made with; other files need none")


def _add_differences(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what a read may differ by")
    group.add_argument(
        "--preset",
        choices=PRESETS,
        default=argparse.SUPPRESS,
        help=f"ancient, for short and damaged reads: {_as_arguments(PRESETS['ancient'])}",
    )
    _add(
        group,
        "-n",
        "differences",
        "differences at most; with a point, the share of reads that may be missed at an error rate of 0.02",
        type=arguments.parsed(_count_or_share, "differences"),
        metavar="N|F",
    )
    _add(group, "-o", "gap_opens", "gaps at most")
    _add(
        group, "-e", "gap_extensions", "bases at most by which gaps go on; -1 allows 6, and counts each as a difference"
    )
    _add(group, "-i", "indel_end_skip", "no indel within so many bases of the ends")
    _add(
        group,
        "-d",
        "deletion_hits",
        "a deletion as long as the differences allowed goes on only where it has fewer hits",
    )
    _add(group, "-l", "seed_length", "bases at the start of a read that are its seed")
    _add(group, "-k", "seed_differences", "differences in the seed at most")
    _add(group, "-q", "trim_quality", "trim the end of reads where the quality is lower, down to 35 bases")


def _add_effort(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how long to search")
    _add(
        group, "-m", "queue_entries", "partial alignments kept of a read at most; where there are more, its search ends"
    )
    _add(group, "-R", "most_best_hits", "no search for worse hits where there are more of the best than these")
    _add(
        group,
        "-N",
        "all_hits",
        "search for all hits with the differences allowed, not only those nearly as good as the best; slow",
    )


def _add_scores(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("penalties")
    _add(group, "-M", "mismatch_penalty", "of each mismatch")
    _add(group, "-O", "gap_open_penalty", "of each gap")
    _add(group, "-E", "gap_extension_penalty", "of each base by which a gap goes on")
    _add(group, "-L", "log_gap_penalty", "let long gaps come near to the ends, by the logarithm of their length")


def _add_written(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is written")
    _add(group, "-h", "listed_hits", "other places in XA at most; none where there are more")
    _add(group, None, "seed", "another number makes other choices among equally good places")
    _add(group, None, "bwa_quirks", "keep what bwa writes of reads that bridge two contigs, and the own place in XA")


def _add(group: argparse._ActionsContainer, letter: str | None, name: str, text: str, **settings: Any) -> None:
    """Add a field of ``AlignOptions``; where it is not given, the namespace lacks it."""
    default = getattr(_DEFAULTS, name)
    if default is False:
        settings["action"] = "store_true"
    else:
        settings = {"type": int, "metavar": "N", **settings}
        text = f"{text} (default: {default})"
    names = [letter, _option(name)] if letter else [_option(name)]
    group.add_argument(*names, dest=name, default=argparse.SUPPRESS, help=text, **settings)


def _options(chosen: argparse.Namespace) -> AlignOptions:
    given = {field.name: getattr(chosen, field.name) for field in fields(AlignOptions) if field.name in chosen}
    return AlignOptions.preset(chosen.preset, **given) if "preset" in chosen else AlignOptions(**given)


def _count_or_share(text: str) -> int | float:
    """A share where there is a point, as bwa reads it."""
    return float(text) if "." in text else int(text)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _as_arguments(options: dict[str, int | float]) -> str:
    return " ".join(f"{_option(name)} {value}" for name, value in options.items())
