"""What is true, as tables, and populations read from a table."""

import re
from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from typing import Final

from colonnade.errors import ColonnadeError, FormatError
from colonnade.simulate.population import Haplotype, Population, by_contig
from colonnade.simulate.reference import Reference
from colonnade.simulate.variants import Variant, check_variant, full_text, parse_variant

NONE: Final = "."  # variants of a haplotype that is the reference
_REQUIRED: Final = ("haplotype", "variants")
_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")  # what ``surrogateescape`` reads other bytes as


def truth_lines(population: Population, reference: Reference) -> Iterator[str]:
    """The truth table: each variant, contigs in the order of the reference, and its true share in each sample."""
    yield "\t".join(["contig", "position", "event", *population.samples]) + "\n"
    truth = population.truth()
    rank = {contig: number for number, contig in enumerate(reference.lengths)}
    for variant in sorted(truth, key=lambda v: (rank[v.contig], v)):
        shares = [_number(share) for share in truth[variant]]
        yield "\t".join([variant.contig, str(variant.position + 1), variant.event, *shares]) + "\n"


def haplotype_lines(population: Population, reference: Reference) -> Iterator[str]:
    """The haplotypes with frequencies and variants, as ``read_population`` reads them."""
    yield "\t".join(["haplotype", *population.samples, "variants"]) + "\n"
    everything = sorted({variant for haplotype in population.haplotypes for variant in haplotype.variants})
    texts = {v: full_text(v, reference.codes(contig)) for contig, some in by_contig(everything) for v in some}
    for haplotype in population.haplotypes:
        variants = ";".join(texts[variant] for variant in haplotype.variants) or NONE
        yield "\t".join([haplotype.name, *map(_number, haplotype.frequencies), variants]) + "\n"


def read_population(path: str | PathLike[str], reference: Reference) -> Population:
    """Read haplotypes from a tab-separated table.

    Parameters
    ----------
    path
        Table with a header: ``haplotype``, ``variants`` (``chr1:1042:A>G;chr1:2000:+ACG;chr1:3000:-TT``, 1-based, or ``.``),
        and a column of frequencies for each sample, named like the sample.
    reference
        What the variants are held against.

    Raises
    ------
    FormatError
        The table is not of this form, or does not fit the reference.
    """
    rows = list(_rows(fspath(path)))
    header = rows[0][1] if rows else []
    samples = [name for name in header if name not in _REQUIRED]
    if not samples or len(set(header)) != len(header) or not {*_REQUIRED} <= {*header}:
        found, expected = "\t".join(header), "haplotype, variants, and a column for each sample, tab-separated"
        raise FormatError("not a table of haplotypes", path=fspath(path), found=repr(found[:60]), expected=expected)
    if len(rows) == 1:
        raise FormatError("not a table of haplotypes", path=fspath(path), found="only a header", expected="haplotypes")
    haplotypes = []
    bases: dict[tuple[Variant, str | None], int] = {}
    for number, fields in rows[1:]:
        try:
            haplotype, given = _haplotype(header, fields, samples)
        except ColonnadeError as error:
            raise FormatError(str(error), path=fspath(path), place=f"line {number}") from None
        haplotypes.append(haplotype)
        for variant_and_base in given:
            bases.setdefault(variant_and_base, number)
    _check_bases(bases, reference, fspath(path))
    try:
        population = Population(tuple(samples), tuple(haplotypes))
        population.check(reference)
    except ColonnadeError as error:
        raise FormatError(str(error), path=fspath(path)) from None
    return population


def _rows(path: str) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line that is not blank, and its number, from 1."""
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            if _NOT_UTF8.search(line):
                found = repr(line.strip().encode(errors="surrogateescape")[:60])
                raise FormatError("not text in UTF-8", path=path, place=f"line {number}", found=found)
            if line.strip():
                yield number, line.rstrip("\r\n").split("\t")


def _haplotype(
    header: Sequence[str], fields: Sequence[str], samples: Sequence[str]
) -> tuple[Haplotype, list[tuple[Variant, str | None]]]:
    """The haplotype of one line, and its variants with the reference bases that they claim."""
    if len(fields) != len(header):
        raise FormatError("wrong number of fields", found=str(len(fields)), expected=str(len(header)))
    by_name = dict(zip(header, fields, strict=True))
    texts = [text for text in by_name["variants"].split(";") if text not in ("", NONE)]
    given = [parse_variant(text) for text in texts]
    try:
        frequencies = tuple(float(by_name[sample]) for sample in samples)
    except ValueError as error:
        raise FormatError("a frequency is no number", found=str(error).rpartition(": ")[2]) from None
    return Haplotype(by_name["haplotype"], frequencies, tuple(variant for variant, _ in given)), given


def _check_bases(bases: dict[tuple[Variant, str | None], int], reference: Reference, path: str) -> None:
    """Raise where a variant does not fit the reference, and name the line."""
    for (variant, base), number in sorted(bases.items(), key=lambda item: item[0][0]):
        try:
            reference.require(variant.contig)
            check_variant(variant, reference.codes(variant.contig), base)
        except ColonnadeError as error:
            raise FormatError(str(error), path=path, place=f"line {number}") from None


def _number(share: float) -> str:
    return f"{share:.10g}"
