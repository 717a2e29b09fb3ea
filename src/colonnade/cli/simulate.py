"""``colonnade simulate``."""

import argparse
import logging
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from colonnade.cli import arguments
from colonnade.errors import UsageError
from colonnade.simulate.descent import Descent
from colonnade.simulate.library import OVERLAP, PRIMER_LENGTH, Damage, Library

if TYPE_CHECKING:
    from colonnade.simulate.population import Population
    from colonnade.simulate.reference import Reference

_log = logging.getLogger(__name__)
_DESCENT = Descent()
_LIBRARY = Library()
_DAMAGE = Damage()
_ENCODINGS = ("bam", "fastq", "ubam")
_AS_GIVEN = ("depth", "read_length", "template_mean", "template_sd", "qualities", "duplicates", "mark_duplicates")
_MEANT_FOR = {  # options that say nothing without another
    "amplicon_overlap": "amplicon_length",
    "primer_length": "amplicon_length",
    "damage_decay": "damage",
    "mark_duplicates": "duplicates",
}

_EPILOG = """\
examples:
  colonnade simulate --random-reference 9000 --samples early,late -o made
  colonnade simulate --reference ref.fa --population haplotypes.tsv \\
      --depth 5000 --reads bam,fastq -o made
  colonnade simulate --reference ref.fa --samples day1,day9 --depth 2000 \\
      --primers primers.bed -o made

Writes PREFIX.SAMPLE.bam and its index, or what --reads says; PREFIX.truth.tsv:
contig, position, event, true share in each sample; PREFIX.haplotypes.tsv, which
--population reads; PREFIX.run.json; and PREFIX.reference.fa if it is random.

A population file is tab-separated, with the columns haplotype, variants
(chr1:1042:A>G;chr1:2000:+ACG;chr1:3000:-TT, or a dot), and one of frequencies
for each sample.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "simulate",
        help="make reads of mixed populations whose composition is known",
        usage="%(prog)s [options] --reference FASTA -o PREFIX\n"
        "       %(prog)s [options] --random-reference LENGTH -o PREFIX",
        description="Draw reads of mixed populations whose composition is known, and write both.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    _add_population(parser)
    _add_library(parser)
    _add_output(parser)
    arguments.add_common(parser)


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    from colonnade.run.progress import show_progress
    from colonnade.simulate.engine import simulate
    from colonnade.simulate.reference import Reference

    _check_company(chosen)
    if chosen.reference:
        reference = Reference.from_fasta(chosen.reference)
    else:
        reference = Reference.random(chosen.random_reference, seed=chosen.seed)
    population, made_from = _population(chosen, reference)
    with show_progress("simulating", unit="positions", quiet=chosen.quiet) as progress:
        simulate(
            population,
            reference,
            chosen.output,
            library=_library(chosen, reference),
            reads=chosen.reads,
            seed=chosen.seed,
            made_from=made_from,
            force=chosen.force,
            threads=chosen.threads,
            progress=progress,
        )
    _log.info("the true shares are in %s.truth.tsv", chosen.output)


def _add_population(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("population")
    references = group.add_mutually_exclusive_group(required=True)
    references.add_argument("--reference", metavar="FASTA", help="the genome that haplotypes differ from")
    references.add_argument(
        "--random-reference", type=arguments.positive, metavar="LENGTH", help="make a genome up, of so many bases"
    )
    group.add_argument(
        "--population", metavar="FILE", help="haplotypes with their variants and frequencies (see below)"
    )
    group.add_argument("--samples", metavar="NAME,...", help="make a population up, with these samples")
    for name, kind, text, metavar in (
        ("haplotypes", int, "haplotypes of a population that is made up", "N"),
        ("snv_rate", float, "SNVs that a haplotype gains on its parent, per base", "F"),
        ("indel_rate", float, "indels likewise", "F"),
        ("turnover", float, "share replaced between one sample and the next", "F"),
    ):
        text = f"{text} (default: {getattr(_DESCENT, name):g})"
        group.add_argument(_option(name), type=kind, metavar=metavar, help=text)


def _add_library(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("library")

    def number(name: str, kind: type, text: str, metavar: str) -> None:
        text = f"{text} (default: {getattr(_LIBRARY, name):g})"
        group.add_argument(_option(name), type=kind, metavar=metavar, help=text)

    number("depth", float, "templates that show a position; with amplicons, templates of each", "F")
    number("read_length", int, "bases of a read", "N")
    group.add_argument("--single", action="store_true", help="one read of each template, not two")
    number("template_mean", float, "mean length of templates", "F")
    number("template_sd", float, "its standard deviation", "F")
    group.add_argument(
        "--qualities",
        type=arguments.parsed(_qualities, "qualities"),
        metavar="Q:SHARE,...",
        help="base qualities and the share of bases with each; a base is wrong as often as its quality says "
        f"(default: {','.join(f'{quality}:{share:g}' for quality, share in _LIBRARY.qualities)})",
    )
    group.add_argument(
        "--damage",
        type=float,
        metavar="F",
        help="share of C read as T at 5' ends, and of G read as A at 3' ends: old DNA, double strands",
    )
    group.add_argument(
        "--damage-decay",
        type=float,
        metavar="F",
        help=f"factor by which damage falls with each base inwards (default: {_DAMAGE.decay:g})",
    )
    schemes = group.add_mutually_exclusive_group()
    schemes.add_argument("--primers", metavar="BED", help="amplicons from primers named NAME_LEFT and NAME_RIGHT")
    schemes.add_argument("--amplicon-length", type=arguments.positive, metavar="N", help="amplicons side by side")
    group.add_argument(
        "--amplicon-overlap",
        type=arguments.whole,
        metavar="N",
        help=f"bases that two amplicons share (default: {OVERLAP})",
    )
    group.add_argument(
        "--primer-length", type=arguments.positive, metavar="N", help=f"bases of a primer (default: {PRIMER_LENGTH})"
    )
    number("duplicates", float, "share of templates that are copies of another", "F")
    group.add_argument("--mark-duplicates", action="store_true", default=None, help="flag copies in BAM")


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", metavar="PREFIX", required=True, help="start of the output files' names")
    group.add_argument(
        "--reads",
        type=lambda text: tuple(text.split(",")),
        default=("bam",),
        metavar="KIND,...",
        help=f"some of {', '.join(_ENCODINGS)} (default: bam)",
    )
    group.add_argument(
        "--seed", type=arguments.whole, default=1, metavar="N", help="seed of all draws (default: %(default)s)"
    )


def _population(chosen: argparse.Namespace, reference: "Reference") -> tuple["Population", dict[str, Any]]:
    """The population, and what run.json says of where it comes from."""
    from colonnade.simulate.generation import random_population
    from colonnade.simulate.tables import read_population

    asked = _given(chosen, *(field.name for field in fields(Descent)))
    if chosen.population:
        given = ["samples"] * bool(chosen.samples) + list(asked)
        if given:
            raise UsageError(f"{_option(given[0])} describes a population that is made up, and --population gives one")
        return read_population(chosen.population, reference), {"path": chosen.population}
    if not chosen.samples:
        raise UsageError("no population", expected="--samples NAME,... to make one up, or --population FILE")
    descent = Descent(**asked)
    return random_population(reference, chosen.samples.split(","), descent, seed=chosen.seed), asdict(descent)


def _library(chosen: argparse.Namespace, reference: "Reference") -> Library:
    from colonnade.simulate.amplicons import read_primers, tile

    tiles = _given(chosen, length="amplicon_length", overlap="amplicon_overlap", primer="primer_length")
    damage = _given(chosen, rate="damage", decay="damage_decay")
    amplicons = read_primers(chosen.primers, reference.lengths) if chosen.primers else ()
    return Library(
        **_given(chosen, *_AS_GIVEN),
        paired=not chosen.single,
        damage=Damage(**damage) if damage else None,
        amplicons=tile(reference.lengths, **tiles) if tiles else amplicons,
    )


def _check_company(chosen: argparse.Namespace) -> None:
    """Raise if an option is there without the one that it is meant for."""
    for name in _given(chosen, *_MEANT_FOR):
        needed = _MEANT_FOR[name]
        if getattr(chosen, needed) is None:
            raise UsageError(f"{_option(name)} says nothing without {_option(needed)}")


def _given(chosen: argparse.Namespace, *names: str, **renamed: str) -> dict[str, Any]:
    """Those arguments that were given, by name or by another one."""
    names_by_key = {**dict(zip(names, names, strict=True)), **renamed}
    return {key: value for key, name in names_by_key.items() if (value := getattr(chosen, name)) is not None}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _qualities(text: str) -> tuple[tuple[int, float], ...]:
    pairs = [item.partition(":") for item in text.split(",")]
    try:
        return tuple((int(quality), float(share)) for quality, _, share in pairs)
    except ValueError:
        raise ValueError(f"{text!r} is not Q:SHARE,... such as 37:0.9,20:0.1") from None
