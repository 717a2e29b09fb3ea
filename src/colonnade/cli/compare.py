"""``colonnade compare``."""

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from colonnade.cli import arguments
from colonnade.cli.executors import add_cluster, chosen_executor
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Part, Question
from colonnade.errors import UsageError
from colonnade.records.filters import ReadFilter, parse_flags, read_read_groups

if TYPE_CHECKING:
    import pyarrow as pa

_log = logging.getLogger(__name__)
DEFAULT_KIND: Final[Literal["tsv"]] = "tsv"
_DEFAULTS = CompareOptions()
_FILTER = ReadFilter()

_EPILOG = """\
examples:
  colonnade compare wk4=wk4.bam wk30=wk30.bam --reference ref.fa -o result
  colonnade compare --samples samples.tsv --consecutive --reference ref.fa \\
      --min-distance 0.05 -r chr1:1-2,000 --vcf result.vcf.gz -o result
  colonnade compare --samples samples.tsv --reference ref.fa --part 2/10 -o all
  colonnade merge all.part*of10 -o all

Writes PREFIX.dist.tsv, .comp.tsv, .idist.tsv, .stats.tsv, .evidence.tsv,
.windows.tsv, .depth.tsv and PREFIX.run.json. The parts of a comparison can be
made anywhere, at any time; colonnade merge joins them.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "compare",
        help="say where samples differ, by how much, and how sure that is",
        usage="%(prog)s [options] NAME=PATH ... --reference FASTA -o PREFIX",
        description="Compare the base and indel compositions of samples at each locus of a reference.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    _add_question(parser)
    _add_output(parser)
    add_read_filter(parser)
    add_method(parser)
    add_cluster(parser)
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    if chosen.part is not None and (chosen.vcf or chosen.format):
        raise UsageError("--vcf and --format are of all parts together", expected="them with colonnade merge")
    question = _question(chosen)
    from colonnade.compare.engine import compare_part, compare_to_files
    from colonnade.compare.schemas import TABLES
    from colonnade.run.progress import show_progress

    with (
        chosen_executor(chosen) as executor,
        show_progress("comparing", unit="loci", quiet=chosen.quiet, note=lambda: executor.status) as progress,
    ):
        settings: dict[str, Any] = {
            "tables": chosen.write or TABLES,
            "force": chosen.force,
            "untouched": list(filter(None, (chosen.samples, chosen.pairs, chosen.read_groups, chosen.mask))),
            "resume": chosen.resume,
            "threads": chosen.threads,
            "executor": executor,
            "memory": chosen.memory,
            "progress": progress,
        }
        if chosen.part is not None:
            path = compare_part(question, chosen.output, chosen.part, **settings)
        else:
            kind = chosen.format or DEFAULT_KIND
            stats = compare_to_files(question, chosen.output, kind=kind, vcf=chosen.vcf, **settings)
    if chosen.part is not None:
        _log.info("part %s is complete: %s", chosen.part, path)
    else:
        log_changes(stats)


def log_changes(stats: "pa.Table") -> None:
    """Say how many changes each comparison has."""
    for row in stats.to_pylist():
        _log.info(
            "%(sample_1)s - %(sample_2)s: %(loci)d loci, %(changed)d changed, %(ambiguous)d ambiguous, "
            "%(unchanged)d unchanged, %(indel_changed)d indels changed",
            row,
        )


def _add_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sample",
        nargs="*",
        metavar="NAME=PATH",
        help="a sample and its sorted, indexed BAM or CRAM; a name given again adds a file",
    )
    group = parser.add_argument_group("what to compare")
    group.add_argument(
        "--samples",
        metavar="FILE",
        help="samples in a file: tab-separated, header 'sample path'; a sample on several lines has several files",
    )
    group.add_argument("--reference", metavar="FASTA", required=True, help="the genome that the reads were aligned to")
    schemes = group.add_mutually_exclusive_group()
    schemes.add_argument("--all-pairs", action="store_true", help="each sample with each other (default)")
    schemes.add_argument("--consecutive", action="store_true", help="each sample with the next: time points")
    schemes.add_argument("--against", metavar="NAME", help="each sample with this one, or with REF, the reference")
    schemes.add_argument("--pairs", metavar="FILE", help="these: tab-separated, header 'sample_1 sample_2'")
    arguments.add_regions(group)


def add_files(group: argparse._ActionsContainer, *, default_tables: str = "all") -> None:
    """Add which files are written."""
    group.add_argument("-o", "--output", metavar="PREFIX", required=True, help="start of the output files' names")
    group.add_argument(
        "--write",
        type=lambda text: tuple(text.split(",")),
        metavar="TABLE,...",
        help=f"tables to write, some of dist, comp, idist, stats, evidence, windows, depth (default: {default_tables})",
    )
    group.add_argument(
        "--format",
        choices=("tsv", "tsv.gz", "parquet"),
        help=f"format of the tables; tsv.gz is BGZF with a tabix index (default: {DEFAULT_KIND})",
    )
    group.add_argument("--vcf", metavar="FILE", help="the same loci as .vcf, .vcf.gz or .bcf, by the ending")


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    add_files(group)
    add_loci(group)
    group.add_argument(
        "--part",
        type=arguments.parsed(Part.parse, "part"),
        metavar="I/N",
        help="do one of N parts, as PREFIX.partIofN; colonnade merge joins them",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on with an interrupted run, or be able to go on with this one: PREFIX.unfinished has what is done",
    )


def add_loci(group: argparse._ActionsContainer) -> None:
    """Add which loci are written."""
    group.add_argument(
        "--loci",
        choices=("changed", "tested"),
        default=_DEFAULTS.loci,
        help="report confirmed changes, or every locus compared, about 0.5 ms each (default: %(default)s)",
    )


def add_read_filter(parser: argparse.ArgumentParser) -> None:
    """Add which reads and bases count."""
    flags = arguments.parsed(parse_flags, "flags")
    group = parser.add_argument_group("read filters")
    group.add_argument(
        "--min-mapq",
        type=int,
        default=_FILTER.min_mapq,
        metavar="N",
        help="smallest mapping quality (default: %(default)s)",
    )
    group.add_argument(
        "--min-baseq",
        type=int,
        default=_FILTER.min_baseq,
        metavar="N",
        help="smallest base quality (default: %(default)s)",
    )
    group.add_argument(
        "--require-flags",
        type=flags,
        default=_FILTER.require_flags,
        metavar="FLAGS",
        help="only reads with all of these: names or a number",
    )
    group.add_argument(
        "--exclude-flags",
        type=flags,
        default=_FILTER.exclude_flags,
        metavar="FLAGS",
        help="only reads with none of these (default: UNMAP,SECONDARY,QCFAIL,DUP)",
    )
    group.add_argument("--drop-orphans", action="store_true", help="leave out paired reads that are not a proper pair")
    group.add_argument("--read-groups", metavar="FILE", help="keep only these read groups: one ID a line")
    group.add_argument(
        "--trim5",
        type=int,
        default=_FILTER.trim5,
        metavar="N",
        help="bases at the 5' end of each read that do not count (default: %(default)s)",
    )
    group.add_argument(
        "--trim3",
        type=int,
        default=_FILTER.trim3,
        metavar="N",
        help="bases at the 3' end of each read that do not count (default: %(default)s)",
    )
    group.add_argument("--mask", metavar="BED", help="intervals in which no base counts, such as primers")
    group.add_argument(
        "--assume-quality",
        type=int,
        metavar="N",
        help="base quality of reads that have none; else their bases count as low quality",
    )


def add_method(parser: argparse.ArgumentParser) -> None:
    """Add how samples are compared, and within what memory."""

    def number(name: str, kind: type, text: str, metavar: str = "F") -> None:
        default = getattr(_DEFAULTS, name)
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=default,
            metavar=metavar,
            help=f"{text} (default: {default})",
        )

    group = parser.add_argument_group("method")
    number("min_distance", float, "distance that a change must exceed: 0.02-0.05 for viruses in a host, 0.2 for sweeps")
    number("confidence", float, "posterior probability for calling a locus changed or unchanged")
    number("draws", int, "points drawn from each posterior", "N")
    number("prior", float, "Dirichlet prior count per base")
    number("indel_prior", float, "Dirichlet prior count per indel event")
    group.add_argument(
        "--quantiles",
        type=arguments.parsed(lambda text: tuple(float(q) for q in text.split(",")), "quantiles"),
        default=_DEFAULTS.quantiles,
        metavar="LIST",
        help=f"quantiles of the tables, comma-separated (default: {','.join(f'{q:g}' for q in _DEFAULTS.quantiles)})",
    )
    number("min_depth", int, "bases that both samples need at a locus", "N")
    group.add_argument(
        "--indels",
        choices=("left", "as-aligned"),
        default=_DEFAULTS.indels,
        help="where indels are counted: as far left as they can be, or where the reads have them (default: left)",
    )
    number("min_strand_p", float, "smallest p-value of a change being the same on both strands; 0 asks for nothing")
    number(
        "max_false_share", float, "end the list of changes where, by the model, it is expected to have more false ones"
    )
    number("window", int, "positions of a window of the tables windows and depth", "N")
    number("seed", int, "seed of the draws", "N")
    group.add_argument(
        "--memory",
        type=arguments.size,
        default=1 << 30,
        metavar="SIZE",
        help="memory for reads and counts, of each process (default: 1G)",
    )


def chosen_options(chosen: argparse.Namespace) -> CompareOptions:
    """What ``add_loci``, ``add_read_filter`` and ``add_method`` ask for."""
    return CompareOptions(
        min_distance=chosen.min_distance,
        confidence=chosen.confidence,
        draws=chosen.draws,
        prior=chosen.prior,
        indel_prior=chosen.indel_prior,
        quantiles=chosen.quantiles,
        min_depth=chosen.min_depth,
        loci=chosen.loci,
        indels=chosen.indels,
        min_strand_p=chosen.min_strand_p,
        max_false_share=chosen.max_false_share,
        window=chosen.window,
        seed=chosen.seed,
        read_filter=ReadFilter(
            min_mapq=chosen.min_mapq,
            min_baseq=chosen.min_baseq,
            require_flags=chosen.require_flags,
            exclude_flags=chosen.exclude_flags,
            drop_orphans=chosen.drop_orphans,
            read_groups=read_read_groups(chosen.read_groups) if chosen.read_groups else None,
            trim5=chosen.trim5,
            trim3=chosen.trim3,
            mask=chosen.mask or (),
            assume_quality=chosen.assume_quality,
        ),
    )


def _question(chosen: argparse.Namespace) -> Question:
    from colonnade.compare.samples import read_pairs_file, read_samples_file

    samples = read_samples_file(chosen.samples) if chosen.samples else {}
    for name, path in _named_paths(chosen.sample):
        samples.setdefault(name, []).append(path)
    return Question(
        samples=samples,
        reference=chosen.reference,
        scheme="consecutive" if chosen.consecutive else "all-pairs",
        against=chosen.against,
        pairs=read_pairs_file(chosen.pairs) if chosen.pairs else None,
        regions=tuple(chosen.region),
        bed=chosen.bed,
        options=chosen_options(chosen),
    )


def _named_paths(texts: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise UsageError("a sample needs a name", found=text, expected="NAME=PATH, such as wk4=wk4.bam")
        pairs.append((name, path))
    return pairs
