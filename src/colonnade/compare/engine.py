"""Comparing samples: from files and a question to tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Question
from colonnade.compare.results import TABLES_OF_VCF, ResultFiles
from colonnade.compare.running import Progress, Run
from colonnade.compare.samples import Comparison, Paths
from colonnade.compare.schemas import TABLES, table_schemas
from colonnade.errors import UsageError
from colonnade.formats.table_files import FACTS_KEY, Kind
from colonnade.regions import Region

DEFAULT_MEMORY: Final = 1 << 30


@dataclass(frozen=True)
class CompareResult:
    """The tables of a comparison, and the facts about the run.

    Parameters
    ----------
    dist, comp, idist, stats, evidence, windows, depth
        Arrow tables; ``colonnade.compare.schemas`` says what each column means. The facts are in their metadata, too, under
        ``colonnade``, as JSON.
    facts
        Version, options, samples and checksums: what ``run.json`` holds.
    """

    dist: pa.Table
    comp: pa.Table
    idist: pa.Table
    stats: pa.Table
    evidence: pa.Table
    windows: pa.Table
    depth: pa.Table
    facts: dict[str, Any]

    def __repr__(self) -> str:
        lines = [
            f"  {row['sample_1']} - {row['sample_2']}: {row['changed']} of {row['loci']} loci changed,"
            f" {row['indel_changed']} indels"
            for row in self.stats.to_pylist()
        ]
        return "\n".join(["CompareResult", *lines])


def compare(
    samples: Mapping[str, Paths],
    *,
    reference: str | PathLike[str],
    scheme: Literal["all-pairs", "consecutive"] = "all-pairs",
    against: str | None = None,
    pairs: Sequence[Comparison] | None = None,
    regions: Sequence[str | Region] = (),
    bed: str | PathLike[str] | None = None,
    options: CompareOptions | None = None,
    threads: int = 1,
    memory: int = DEFAULT_MEMORY,
) -> CompareResult:
    """Compare the base and indel compositions of samples at every locus of a reference.

    Parameters
    ----------
    samples, reference, scheme, against, pairs, regions, bed, options
        As in ``Question``.
    threads
        Threads over ranges; the result does not depend on it.
    memory
        Bytes that reads and counts of the ranges in work may take, about; the result does not depend on it.

    Raises
    ------
    ColonnadeError
        Input is damaged or does not fit together.

    Examples
    --------
    >>> result = compare({"wk4": "a.bam", "wk30": "b.bam"}, reference="ref.fa")  # doctest: +SKIP
    >>> result.dist.to_pandas()  # doctest: +SKIP
    """
    question = Question(samples, reference, scheme, against, pairs, regions, bed, options or CompareOptions())
    schemas = table_schemas(question.options.quantiles)
    parts = {name: [schemas[name].empty()] for name in TABLES}
    with Run.start(question, TABLES, threads=threads, memory=memory) as run:
        run.compare()
        for tables in run.stretches():
            for name, table in tables.items():
                parts[name].append(table)
        facts = run.facts
    metadata = {FACTS_KEY: json.dumps(facts)}
    joined = {name: pa.concat_tables(parts[name]).replace_schema_metadata(metadata) for name in TABLES}
    return CompareResult(**joined, facts=facts)


def compare_to_files(
    question: Question,
    prefix: str | PathLike[str],
    *,
    tables: Sequence[str] = TABLES,
    kind: Kind = "tsv",
    vcf: str | PathLike[str] | None = None,
    force: bool = False,
    untouched: Sequence[str | PathLike[str]] = (),
    threads: int = 1,
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> pa.Table:
    """Compare samples and write ``prefix.<table>.<kind>`` and ``prefix.run.json``, all complete or none at all.

    Parameters
    ----------
    question
        What to compare, and how.
    prefix
        Start of the files' names.
    tables
        Some of ``TABLES``.
    kind
        ``tsv``; ``tsv.gz``, BGZF with an index for those with positions; or ``parquet``.
    vcf
        A file for the loci of dist and idist as VCF, too: ``.vcf``, ``.vcf.gz``, or ``.bcf`` by its ending.
    force, untouched
        Whether files may be replaced; which may not be in any case, besides those that are read.
    threads, memory
        As in ``compare``.
    progress
        Called with the positions done and the positions in all.

    Returns
    -------
    pyarrow.Table
        The stats table.
    """
    prefix, wanted = Path(prefix), {*tables, "stats"}
    unknown = wanted - set(TABLES)
    if unknown or not tables:
        raise UsageError(
            "unknown table", found=", ".join(map(repr, sorted(unknown))) or "none", expected=", ".join(TABLES)
        )
    wanted |= set(TABLES_OF_VCF) if vcf else set()
    with Run.start(question, sorted(wanted), threads=threads, memory=memory, folder=prefix.parent) as run:
        vcf = None if vcf is None else Path(vcf)
        with ResultFiles(run, prefix, tables, kind=kind, vcf=vcf, force=force, untouched=untouched) as files:
            run.compare(progress)
            return files.write()
