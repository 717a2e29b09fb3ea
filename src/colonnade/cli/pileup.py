"""``colonnade pileup``."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from colonnade.cli import arguments
from colonnade.cli.executors import add_cluster, chosen_executor
from colonnade.errors import ColonnadeError, FormatError, UsageError
from colonnade.pileup.options import TextOptions
from colonnade.records.filters import parse_flags

_DEFAULTS: Final = TextOptions()
_STDIN: Final = "-"

_EPILOG = """\
examples:
  colonnade pileup -f ref.fa -r chr1:1,001-2,000 wk4.bam wk30.bam > columns.txt
  colonnade pileup -aa -d 0 -Q 20 -l exome.bed tumour.bam -o columns.txt
  samtools view -u -q 30 wk4.bam | colonnade pileup -sO --output-extra NM,RG -

Letters and text are those of samtools mpileup. BAQ is off unless --baq or -E
asks for it: the text is that of samtools mpileup -B.
"""

#: Options of this command with the names of ``TextOptions``.
_SAME: Final = (
    "reference", "region", "positions", "min_mapq", "min_baseq", "max_depth", "count_orphans", "resolve_mates",
    "any_flags", "exclude_flags", "illumina13", "redo_baq", "mapq", "query_positions", "query_positions_5", "separator",
    "empty", "ends", "reverse_deletions",
)  # fmt: skip

#: What samtools mpileup has besides, or had once: names, how many values follow, what for.
_UNSUPPORTED: Final[tuple[tuple[tuple[str, ...], int | str, str], ...]] = (
    (("-C", "--adjust-MQ", "--adjust-mq"), "?", "adjusted mapping qualities"),
    (("-M", "--output-mods", "--no-output-ins-mods"), 0, "base modifications"),
    (("-X", "--customized-index"), 0, "names of indexes: each lies beside its file"),
    (("-g", "--BCF", "-v", "--VCF", "-u", "--uncompressed", "-I", "--skip-indels", "-p", "--per-sample-mF",
      "-D", "-S", "-V"), 0, "BCF and VCF: see bcftools mpileup"),
    (("-t", "--output-tags", "-e", "--ext-prob", "-F", "--gap-frac", "--tandem-qual", "-L", "--max-idepth", "-m",
      "--min-ireads", "-P", "--platforms", "--open-prob"), "?", "BCF and VCF: see bcftools mpileup"),
)  # fmt: skip


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "pileup",
        help="write all reads at each position, as samtools mpileup does",
        usage="%(prog)s [options] in.bam ...\n       %(prog)s [options] -b FILE",
        description="Write all reads at each position as text: byte for byte that of\nsamtools mpileup -B.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("files", nargs="*", metavar="in.bam", help="sorted BAM, CRAM or SAM; - is stdin")
    _add_where(parser)
    _add_reads(parser)
    _add_qualities(parser)
    _add_columns(parser)
    _add_output(parser)
    add_cluster(parser)
    arguments.add_common(parser, letters=False)
    for names, count, what in _UNSUPPORTED:
        parser.add_argument(*names, nargs=count, action=arguments.Unsupported, metavar=what, help=argparse.SUPPRESS)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    options = _options(chosen)
    files = _files(chosen)
    if chosen.output != arguments.STDOUT:
        _refuse_output(chosen, files)
    with _stdin_as_file(files) as paths:
        _write(paths, options, chosen)


def _add_where(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where")
    _add(group, "-b", "--bam-list", metavar="FILE", help="file with the names of the input files, one a line")
    _add(
        group,
        "-f",
        "--reference",
        "--fasta-ref",
        metavar="FASTA",
        help="what the reads were aligned to: matching bases are written as . and , (CRAM needs it)",
    )
    _add(group, "-r", "--region", action=_Once, metavar="REGION", help="only chr1 or chr1:1,001-2,000")
    _add(
        group, "-l", "--positions", metavar="FILE", help="only where a BED file, or one of contigs and positions, says"
    )
    _add(
        group,
        "-a",
        "--all-positions",
        action="count",
        default=0,
        help="also positions without reads; twice: also contigs without any",
    )


def _add_reads(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which reads")
    flags = arguments.parsed(parse_flags, "flags")
    _add_number(group, "-q", "--min-mapq", "--min-MQ", dest="min_mapq", help="smallest mapping quality")
    _add_number(group, "-d", "--max-depth", dest="max_depth", help="about how many reads of a file at most; 0: all")
    _add(group, "-A", "--count-orphans", action="store_true", help="keep paired reads that are not a proper pair")
    _add(
        group,
        "--rf",
        "--incl-flags",
        "--any-flags",
        dest="any_flags",
        type=flags,
        default=_DEFAULTS.any_flags,
        metavar="FLAGS",
        help="only reads with at least one of these: names or a number",
    )
    _add(
        group,
        "--ff",
        "--excl-flags",
        "--exclude-flags",
        dest="exclude_flags",
        type=flags,
        default=_DEFAULTS.exclude_flags,
        metavar="FLAGS",
        help="only reads with none of these (default: UNMAP,SECONDARY,QCFAIL,DUP)",
    )
    _add(
        group,
        "-G",
        "--exclude-RG",
        "--exclude-read-groups",
        dest="exclude_read_groups",
        metavar="FILE",
        help="leave out the read groups whose IDs this file has",
    )
    _add(group, "-R", "--ignore-RG", action="store_true", help="has no effect on text; for scripts that give it")


def _add_qualities(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("base qualities")
    _add_number(group, "-Q", "--min-baseq", "--min-BQ", dest="min_baseq", help="smallest base quality")
    _add(
        group,
        "-x",
        "--ignore-overlaps",
        "--ignore-overlaps-removal",
        "--disable-overlap-removal",
        dest="resolve_mates",
        action="store_false",
        help="count both of two overlapping mates",
    )
    _add(
        group,
        "-6",
        "--illumina1.3+",
        dest="illumina13",
        action="store_true",
        help="qualities are in the Illumina 1.3+ encoding",
    )
    _add(group, "-B", "--no-BAQ", dest="no_baq", action="store_true", help="no BAQ (default)")
    _add(group, "--baq", action="store_true", help="lower the quality of bases whose alignment is doubtful; needs -f")
    _add(
        group,
        "-E",
        "--redo-BAQ",
        dest="redo_baq",
        action="store_true",
        help="the same, whatever the tags of the reads say",
    )


def _add_columns(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("columns")
    _add(group, "-s", "--output-MQ", dest="mapq", action="store_true", help="add mapping qualities")
    _add(
        group,
        "-O",
        "--output-BP",
        dest="query_positions",
        action="store_true",
        help="add positions in the reads as aligned",
    )
    _add(
        group,
        "--output-BP-5",
        dest="query_positions_5",
        action="store_true",
        help="add positions from the reads' 5' ends",
    )
    _add(group, "--output-QNAME", dest="qname", action="store_true", help="add names of reads")
    _add(
        group,
        "--output-extra",
        action=_Once,
        metavar="LIST",
        help="add fields and tags: QNAME, FLAG, RNAME, POS, MAPQ, RNEXT, PNEXT, RLEN, NM, RG, ...",
    )
    _add_letter(group, "--output-sep", dest="separator", help="between the values of a tag")
    _add_letter(group, "--output-empty", dest="empty", help="for a tag that a read lacks")
    for name, what in (("ins", "inserted"), ("del", "deleted")):
        _add(
            group,
            f"--no-output-{name}",
            action="count",
            default=0,
            help=f"leave out the {what} bases; twice: also how many",
        )
    _add(group, "--no-output-ends", dest="ends", action="store_false", help="leave out ^ and $ at the ends of reads")
    _add(
        group,
        "--reverse-del",
        dest="reverse_deletions",
        action="store_true",
        help="deleted bases of reverse reads as # instead of *",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--output", default=arguments.STDOUT, metavar="FILE", help="the text file to write (default: stdout)"
    )
    group.add_argument(
        "--memory", type=arguments.size, default=1 << 30, metavar="SIZE", help="memory for reads (default: 1G)"
    )


def _add(group: argparse._ActionsContainer, *names: str, **settings: Any) -> None:
    """Add an argument, and unseen in the help the names in small letters that samtools has beside --min-MQ and the like."""
    action = group.add_argument(*names, **settings)
    small = [name.lower() for name in names if name.startswith("--") and not name.islower()]
    if small:
        unseen = {"dest": action.dest, "default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
        group.add_argument(*small, **{**settings, **unseen})


def _add_number(group: argparse._ActionsContainer, *names: str, dest: str, help: str) -> None:
    default = getattr(_DEFAULTS, dest)
    _add(
        group,
        *names,
        dest=dest,
        type=arguments.whole,
        default=default,
        metavar="N",
        help=f"{help} (default: {default})",
    )


def _add_letter(group: argparse._ActionsContainer, name: str, *, dest: str, help: str) -> None:
    default = getattr(_DEFAULTS, dest)
    _add(group, name, dest=dest, default=default, metavar="CHAR", help=f"{help} (default: {default})")


class _Once(argparse.Action):
    """Keep a value, and refuse a second one rather than forget the first."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest, None) is not None:
            advice = "; for several regions use -l with a BED file" if self.dest == "region" else ""
            parser.error(f"argument {option_string}: given more than once{advice}")
        setattr(namespace, self.dest, values)


def _options(chosen: argparse.Namespace) -> TextOptions:
    if chosen.no_baq and (chosen.baq or chosen.redo_baq):
        raise UsageError("-B contradicts --baq and -E", expected="one of them")
    return TextOptions(
        **{name: getattr(chosen, name) for name in _SAME},
        all_positions=min(2, chosen.all_positions),
        exclude_read_groups=_words(chosen.exclude_read_groups) if chosen.exclude_read_groups else (),
        baq=chosen.baq or chosen.redo_baq,
        extra=_extra(chosen),
        insertions=max(0, 2 - chosen.no_output_ins),
        deletions=max(0, 2 - chosen.no_output_del),
    )


def _extra(chosen: argparse.Namespace) -> tuple[str, ...]:
    names = tuple(filter(None, (chosen.output_extra or "").split(",")))
    return ("QNAME", *names) if chosen.qname and "QNAME" not in names else names


def _words(path: str) -> tuple[str, ...]:
    """The words of a file, which white space of any kind separates, as samtools reads the IDs of read groups."""
    words = Path(path).read_bytes().split()
    return tuple(dict.fromkeys(word.decode(errors="surrogateescape") for word in words))


def _files(chosen: argparse.Namespace) -> list[str]:
    files: list[str] = chosen.files
    if chosen.bam_list and files:
        raise UsageError("files are named both in a list and as arguments", found=files[0], expected="one of the two")
    if chosen.bam_list:
        files = _names(chosen.bam_list)
    if not files:
        raise UsageError("no files", expected="one BAM, CRAM or SAM file or more")
    if files.count(_STDIN) > 1:
        raise UsageError("stdin is read more than once", expected=f"one {_STDIN} at most")
    return files


def _names(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        names = [line.rstrip() for line in lines if line.strip()]
    if not names:
        raise FormatError("no names of files", path=path, expected="one a line")
    return names


def _refuse_output(chosen: argparse.Namespace, files: Sequence[str]) -> None:
    from colonnade.formats.output import refuse_existing, refuse_inputs

    refuse_existing([chosen.output], force=chosen.force)
    named = [chosen.reference, chosen.positions, chosen.exclude_read_groups, chosen.bam_list]
    refuse_inputs([chosen.output], [*files, *filter(None, named)])


@contextmanager
def _stdin_as_file(files: Sequence[str]) -> Iterator[list[str]]:
    """The same files, with a copy of stdin in place of ``-``: reading it jumps back and forth."""
    if _STDIN not in files:
        yield [*files]
        return
    with tempfile.TemporaryDirectory(prefix="colonnade-") as folder:
        copy = Path(folder) / "stdin"
        with open(copy, "wb") as target:
            shutil.copyfileobj(sys.stdin.buffer, target)
        try:
            yield [str(copy) if file == _STDIN else file for file in files]
        except ColonnadeError as error:
            if error.path == str(copy):
                error.path = "stdin"
            raise


def _write(paths: Sequence[str], options: TextOptions, chosen: argparse.Namespace) -> None:
    from colonnade.formats.output import OutputSet
    from colonnade.pileup.text import write_text
    from colonnade.run.progress import show_progress

    to_stdout = chosen.output == arguments.STDOUT

    def write_to(write: Callable[[memoryview], object]) -> None:
        with (
            chosen_executor(chosen) as executor,
            show_progress(
                "writing columns",
                unit="positions",
                quiet=chosen.quiet,
                uses_stdout=to_stdout,
                note=lambda: executor.status,
            ) as progress,
        ):
            write_text(
                paths,
                write,
                options,
                threads=chosen.threads,
                memory=chosen.memory,
                executor=executor,
                progress=progress,
            )

    if to_stdout:
        write_to(sys.stdout.buffer.write)
        sys.stdout.buffer.flush()
        return
    with OutputSet([chosen.output], force=chosen.force) as output:
        write_to(partial(output.write_bytes, chosen.output))
