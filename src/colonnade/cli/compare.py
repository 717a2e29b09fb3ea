"""``colonnade compare``."""

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from colonnade.cli import arguments
from colonnade.compare.options import CompareOptions
from colonnade.errors import UsageError
from colonnade.records.filters import ReadFilter, parse_flags, read_read_groups

if TYPE_CHECKING:
    from colonnade.compare.question import Question

_log = logging.getLogger(__name__)
_DEFAULTS = CompareOptions()
_FILTER = ReadFilter()

_EPILOG = """\
examples:
  colonnade compare wk4=wk4.bam wk30=wk30.bam --reference ref.fa --min-distance 0.05 -o result
  colonnade compare --samples samples.tsv --consecutive --reference ref.fa -r chr1:1-2,000 -o result

Writes PREFIX.dist.tsv, .comp.tsv, .idist.tsv, .stats.tsv, .evidence.tsv, .windows.tsv, .depth.tsv and PREFIX.run.json.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "compare",
        help="where do samples differ, by how much, and how sure is that",
        description="Compare the base and indel compositions of samples at every locus of a reference.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    _add_question(parser)
    _add_output(parser)
    _add_read_filter(parser)
    _add_method(parser)
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    question = _question(chosen)
    from colonnade.compare.engine import compare_to_files
    from colonnade.compare.schemas import TABLES
    from colonnade.run.progress import show_progress

    with show_progress("comparing", unit="loci", quiet=chosen.quiet) as progress:
        stats = compare_to_files(
            question,
            chosen.output,
            tables=chosen.write or TABLES,
            kind=chosen.format,
            vcf=chosen.vcf,
            force=chosen.force,
            untouched=list(filter(None, (chosen.samples, chosen.pairs, chosen.read_groups, chosen.mask))),
            threads=chosen.threads,
            memory=chosen.memory,
            progress=progress,
        )
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
        help="a sample and its sorted, indexed BAM; a name given again adds a file",
    )
    group = parser.add_argument_group("what to compare")
    group.add_argument("--samples", metavar="FILE", help="tab-separated, header 'sample path'; more lines, more files")
    group.add_argument("--reference", metavar="FASTA", required=True, help="what the reads were aligned to")
    schemes = group.add_mutually_exclusive_group()
    schemes.add_argument("--all-pairs", action="store_true", help="each sample with each other (default)")
    schemes.add_argument("--consecutive", action="store_true", help="each sample with the next: time points")
    schemes.add_argument("--against", metavar="NAME", help="each sample with this one, or with REF, the reference")
    schemes.add_argument("--pairs", metavar="FILE", help="tab-separated, header 'sample_1 sample_2'")
    arguments.add_regions(group)


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", metavar="PREFIX", required=True, help="start of the output files' names")
    group.add_argument(
        "--write",
        type=lambda text: tuple(text.split(",")),
        metavar="TABLE,...",
        help="which of dist, comp, idist, stats, evidence, windows, depth (default: all)",
    )
    group.add_argument(
        "--format",
        choices=("tsv", "tsv.gz", "parquet"),
        default="tsv",
        help="of the tables; tsv.gz is BGZF with a tabix index (default: %(default)s)",
    )
    group.add_argument("--vcf", metavar="FILE", help="the same loci as .vcf, .vcf.gz or .bcf, by the ending")
    group.add_argument(
        "--loci",
        choices=("changed", "tested"),
        default=_DEFAULTS.loci,
        help="report confirmed changes, or every locus compared, about 0.5 ms each (default: %(default)s)",
    )


def _add_read_filter(parser: argparse.ArgumentParser) -> None:
    flags = arguments.parsed(parse_flags, "flags")
    group = parser.add_argument_group("read filters")
    group.add_argument("--min-mapq", type=int, default=_FILTER.min_mapq, metavar="N", help="default: %(default)s")
    group.add_argument("--min-baseq", type=int, default=_FILTER.min_baseq, metavar="N", help="default: %(default)s")
    group.add_argument(
        "--require-flags", type=flags, default=_FILTER.require_flags, metavar="FLAGS", help="names or a number"
    )
    group.add_argument(
        "--exclude-flags",
        type=flags,
        default=_FILTER.exclude_flags,
        metavar="FLAGS",
        help="default: UNMAP,SECONDARY,QCFAIL,DUP",
    )
    group.add_argument("--drop-orphans", action="store_true", help="leave out paired reads that are not a proper pair")
    group.add_argument("--read-groups", metavar="FILE", help="keep only these read groups: one ID a line")
    group.add_argument(
        "--trim5",
        type=int,
        default=_FILTER.trim5,
        metavar="N",
        help="bases at the 5' end of each read that don't count",
    )
    group.add_argument(
        "--trim3",
        type=int,
        default=_FILTER.trim3,
        metavar="N",
        help="bases at the 3' end of each read that don't count",
    )
    group.add_argument("--mask", metavar="BED", help="intervals in which no base counts, such as primers")
    group.add_argument(
        "--assume-quality", type=int, metavar="N", help="quality of reads without; else they count as low quality"
    )


def _add_method(parser: argparse.ArgumentParser) -> None:
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
        help=f"comma-separated (default: {','.join(f'{q:g}' for q in _DEFAULTS.quantiles)})",
    )
    number("min_depth", int, "bases that both samples need at a locus", "N")
    group.add_argument(
        "--indels",
        choices=("left", "as-aligned"),
        default=_DEFAULTS.indels,
        help="where indels are counted (default: left)",
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
        help="memory for reads and counts (default: 1G)",
    )


def _question(chosen: argparse.Namespace) -> "Question":
    options = CompareOptions(
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
    from colonnade.compare.question import Question
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
        options=options,
    )


def _named_paths(texts: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise UsageError("a sample needs a name", found=text, expected="NAME=PATH, such as wk4=wk4.bam")
        pairs.append((name, path))
    return pairs
