"""``colonnade align``."""

import argparse
import logging
from dataclasses import fields
from typing import Any, Final

from colonnade.align.options import ORPHANS, PRESETS, AlignOptions
from colonnade.cli import arguments
from colonnade.cli.executors import add_cluster, chosen_executor
from colonnade.errors import UsageError
from colonnade.run.progress import Stages

_log = logging.getLogger(__name__)
_DEFAULTS: Final = AlignOptions()
UNITS: Final = {"sorting suffixes": "bases", "aligning": "reads", "pairing": "reads"}
ESTIMATED: Final = ("aligning",)

_EPILOG = """\
examples:
  colonnade align --index ref.fa 1.fq.gz 2.fq.gz -r wk4 --sort -f wk4.bam
  colonnade align --index ref.fa old.bam --preset ancient --sort -f new.bam
  colonnade align --index ref.fa --inputs groups.tsv --local-cluster 4 -f a.bam
  samtools collate -uO old.bam | colonnade align --index ref.fa - -f - > new.bam

Letters and alignments are those of bwa aln, samse and sampe, but for -D, which
is samse's -n, -h, -H and -C, which are sampe's -n, -N and -o, and -r, which is
samse's and sampe's -r. An option wins over the preset, wherever it stands.

The file for --inputs is tab-separated and begins with the names of its columns:
read_group, path_1, path_2. An index that is not there is made, as by colonnade
index. What is sorted is ready for colonnade compare.
"""

_HINT: Final = (
    "help is --help; docs/from-bwa.md has what bwa's options are called here, "
    "such as -h, -H and -C for -n, -N and -o of sampe"
)

#: What bwa has besides: names, how many values follow, what for.
_UNSUPPORTED: Final[tuple[tuple[tuple[str, ...], int, str], ...]] = (
    (("-b", "-b0", "-b1", "-b2"), 0, "what the input is shows in itself"),
    (("-I",), 0, "qualities are Phred+33"),
    (("-B",), 1, "barcodes in reads"),
    (("-Y",), 0, "reads that a sequencer has marked: take them out first"),
    (("-P",), 0, "not needed: files are mapped"),
    (("-g", "--genome"), 1, "its name here is --index"),
    (("-@",), 1, "its name here is -t, --threads"),
)
_ENDS: Final = ("-0", "-1", "-2")  # of bwa aln -b; as options they would make -1 one in -e -1
_OTHER_FORMATS: Final = (".sam", ".sam.gz", ".cram")


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "align",
        help="align short reads, as bwa aln, samse and sampe do",
        usage="%(prog)s [options] --index PREFIX -f FILE READS [MATES]\n"
        "       %(prog)s [options] --index PREFIX -f FILE --inputs FILE",
        description="Align short reads, single or in pairs, as bwa aln, samse and sampe do, to BAM.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,  # -h is taken
        hint=_HINT,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("--help", action="help", help="show this help message and exit")
    _add_files(parser)
    add_differences(parser)
    _add_effort(parser)
    _add_scores(parser)
    _add_pairs(parser)
    _add_written(parser)
    add_cluster(parser)
    arguments.add_common(parser, letters=False)
    parser.add_argument(
        "-t", dest="threads", type=arguments.positive, default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    for names, count, what in _UNSUPPORTED:
        parser.add_argument(*names, nargs=count, action=arguments.Unsupported, metavar=what, help=argparse.SUPPRESS)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    options = chosen_options(chosen)
    _check_files(chosen)
    from colonnade.align.engine import align
    from colonnade.align.inputs import read_inputs
    from colonnade.formats.output import refuse_inputs

    if chosen.inputs:
        refuse_inputs([chosen.output], [chosen.inputs])
    if chosen.output.endswith(_OTHER_FORMATS):
        _log.warning("%s will be BAM, whatever its name says", chosen.output)
    with (
        chosen_executor(chosen) as executor,
        Stages(
            UNITS,
            estimated=ESTIMATED,
            quiet=chosen.quiet,
            uses_stdout=chosen.output == arguments.STDOUT,
            note=lambda: executor.status,
        ) as progress,
    ):
        summary = align(
            read_inputs(chosen.inputs) if chosen.inputs else chosen.reads,
            chosen.mates,
            index=chosen.index,
            out=chosen.output,
            options=options,
            read_group=chosen.read_group,
            reference=chosen.reference,
            sort=chosen.sort,
            force=chosen.force,
            threads=chosen.threads,
            executor=executor,
            resume=chosen.resume,
            progress=progress,
        )
    _log.info("%s", summary)
    if summary.too_long:
        _log.warning("%d reads are too long for this method, and were left unaligned", summary.too_long)


def _check_files(chosen: argparse.Namespace) -> None:
    """Raise unless it is clear what the input is."""
    if ends := {chosen.reads, chosen.mates}.intersection(_ENDS):
        raise UsageError(f"not supported: {min(ends)} (pairs and single reads are aligned in one go)")
    if chosen.inputs:
        if chosen.reads:
            raise UsageError("--inputs names all files of reads", found=f"{chosen.reads} besides")
        if chosen.read_group:
            raise UsageError("--inputs names the read groups", found="--read-group besides")
    elif not chosen.reads:
        raise UsageError("no reads", expected="a file, - for stdin, or --inputs FILE")
    if chosen.mates and "interleaved" in chosen:
        raise UsageError("mates are in a file of their own, or interleaved", found=f"--interleaved and {chosen.mates}")


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reads", nargs="?", metavar="READS", help="BAM, CRAM, SAM or FASTQ, compressed or not; - is stdin"
    )
    parser.add_argument(
        "mates", nargs="?", metavar="MATES", help="a second FASTQ, with the mates of the reads in the first"
    )
    group = parser.add_argument_group("files")
    group.add_argument(
        "--inputs",
        metavar="FILE",
        help="instead of reads and mates: a table of files and their read groups, which become one output",
    )
    group.add_argument(
        "--index",
        metavar="PREFIX",
        required=True,
        help="the FASTA of the genome; bwa's index files beside it are made if absent",
    )
    group.add_argument("-f", "--output", metavar="FILE", required=True, help="the BAM file to write; - is stdout")
    group.add_argument("--sort", action="store_true", help="sort by coordinate, and write an index of the BAM")
    group.add_argument(
        "--resume", action="store_true", help="go on with an interrupted run, or be able to go on with this one"
    )
    group.add_argument(
        "-r", "--read-group", metavar="LINE", help="put all reads into a group: its ID, or '@RG\\tID:a\\tSM:wk4'"
    )
    group.add_argument("--reference", metavar="FASTA", help="what a CRAM was made with; other files need none")
    _add(group, None, "interleaved", "the mate of each read of FASTQ follows it in the same file")
    add_orphans(group)
    _add(group, None, "skip_aligned", "leave reads that are aligned already, or whose mate is, as they are")
    _add(group, None, "skip_duplicates", "do not align reads that are marked as duplicates, or whose mate is")


def add_orphans(group: argparse._ActionsContainer) -> None:
    """Add what becomes of mates without their mates."""
    _add(
        group,
        None,
        "orphans",
        "what becomes of a mate whose mate is missing: error ends the run, drop leaves it out, single makes it a single read",
        type=str,
        choices=ORPHANS,
        metavar="WAY",
    )


def add_differences(parser: argparse.ArgumentParser, *, letters: bool = True) -> None:
    """Add what a read may differ by; without ``letters`` under long names only."""

    def add(letter: str, name: str, text: str, **settings: Any) -> None:
        _add(group, letter if letters else None, name, text, **settings)

    group = parser.add_argument_group("what a read may differ by")
    group.add_argument(
        "--preset",
        choices=PRESETS,
        default=argparse.SUPPRESS,
        help=f"ancient, for short and damaged reads: {_as_arguments(PRESETS['ancient'])}",
    )
    add(
        "-n",
        "differences",
        "differences at most; with a point, the share of reads that may be missed at an error rate of 0.02",
        type=arguments.parsed(_count_or_share, "differences"),
        metavar="N|F",
    )
    add("-o", "gap_opens", "gaps at most")
    add("-e", "gap_extensions", "bases at most by which gaps go on; -1 allows 6, and counts each as a difference")
    add("-i", "indel_end_skip", "no indel within so many bases of the ends")
    add(
        "-d",
        "deletion_hits",
        "a deletion as long as the differences allowed goes on only where it has fewer hits",
    )
    add("-l", "seed_length", "bases at the start of a read that are its seed")
    add("-k", "seed_differences", "differences in the seed at most")
    add("-q", "trim_quality", "trim the end of reads where the quality is lower, down to 35 bases")


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


def _add_pairs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pairs")
    _add(
        group, "-a", "max_insert_size", "insert size of a proper pair at most, where too few pairs tell how large it is"
    )
    _add(
        group, "-c", "chimeric_share", "share of pairs that are not of one template, at least", type=float, metavar="F"
    )
    _add(group, "-C", "pairing_hits", "a mate with more places than these is not paired")
    _add(group, "-s", "no_rescue", "do not look for a mate without a place, or with a bad one, near the other one")
    _add(group, "-A", "no_insert_sizes", "do not estimate insert sizes; then no mate is looked for near the other one")


def _add_written(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is written")
    _add(group, None, "only_aligned", "only reads that are aligned, and of pairs only those of which both are")
    _add(group, "-D", "listed_single_hits", "other places of a single read in XA at most; none where there are more")
    _add(group, "-h", "listed_hits", "other places of a mate in XA at most; none where there are more")
    _add(group, "-H", "listed_discordant_hits", "the same where both mates have places, but are no proper pair")
    _add(group, None, "seed", "another number makes other choices among equally good places")
    _add(
        group,
        None,
        "bwa_quirks",
        "keep what bwa writes against SAM's rules or by mistake; the manual lists it",
    )


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


def chosen_options(chosen: argparse.Namespace) -> AlignOptions:
    """What of ``AlignOptions`` is asked for."""
    given = {field.name: getattr(chosen, field.name) for field in fields(AlignOptions) if field.name in chosen}
    try:
        return AlignOptions.preset(chosen.preset, **given) if "preset" in chosen else AlignOptions(**given)
    except UsageError as error:
        if error.message.startswith("gap opens"):
            error.advice = "sampe's -o is -C, --pairing-hits"
        raise


def _count_or_share(text: str) -> int | float:
    """A share where there is a point, as bwa reads it."""
    return float(text) if "." in text else int(text)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _as_arguments(options: dict[str, int | float]) -> str:
    return " ".join(f"{_option(name)} {value}" for name, value in options.items())
