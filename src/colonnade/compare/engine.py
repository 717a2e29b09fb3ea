"""Comparing samples: from files and a question to tables, in one run or in parts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from colonnade.compare.display import result_html
from colonnade.compare.merging import Parts
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Part, Question
from colonnade.compare.results import TABLES_OF_VCF, ResultFiles
from colonnade.compare.running import Progress, Run, followed
from colonnade.compare.samples import Comparison, Paths
from colonnade.compare.schemas import TABLES, table_schemas
from colonnade.compare.work import Work
from colonnade.errors import UsageError
from colonnade.formats.output import refuse_existing, refuse_inputs
from colonnade.formats.table_files import FACTS_KEY, Kind
from colonnade.formats.unfinished import Unfinished
from colonnade.regions import Region
from colonnade.run.executor import Executor, Threads

DEFAULT_MEMORY: Final = 1 << 30
_IN_PARTS_IF_WANTED: Final = ("comp", "evidence")


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

    def _repr_html_(self) -> str:
        changes = {"dist": self.dist.to_batches(), "idist": self.idist.to_batches()}
        return result_html("CompareResult", self.facts, self.stats, changes)


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
    executor: Executor | None = None,
    memory: int = DEFAULT_MEMORY,
) -> CompareResult:
    """Compare the base and indel compositions of samples at every locus of a reference.

    Parameters
    ----------
    samples, reference, scheme, against, pairs, regions, bed, options
        As in ``Question``.
    threads
        Threads over ranges; the result does not depend on it.
    executor
        What compares the ranges instead, such as ``local_cluster`` and ``connect`` give; nor on it.
    memory
        Bytes that reads and counts of the ranges in work may take, about, in each process; nor on it.

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
    with (
        Work.start(question, TABLES, executor=executor or Threads(threads), memory=memory) as work,
        Run.start(work.subject, TABLES) as run,
    ):
        run.take(work.results(), work.regions)
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
    resume: bool = False,
    threads: int = 1,
    executor: Executor | None = None,
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
    resume
        Keep what is done in ``prefix.unfinished`` until all is, and go on behind what an earlier run, however it ended, has left
        there. What a cluster does is kept in any case.
    threads, executor, memory
        As in ``compare``.
    progress
        Called with the positions done and the positions in all.

    Returns
    -------
    pyarrow.Table
        The stats table.
    """
    prefix, executor = Path(prefix), executor or Threads(threads)
    _check_tables(tables)
    wanted = _with_those_of(vcf, tables)
    keep = resume or executor.is_remote
    with (
        Unfinished(prefix, resume=resume, force=force, keep=keep) as unfinished,
        Work.start(question, wanted, executor=executor, memory=memory) as work,
        Run.start(work.subject, wanted, folder=prefix.parent) as run,
        ResultFiles(run, prefix, tables, kind=kind, vcf=_path(vcf), force=force, untouched=untouched) as files,
    ):
        kept = unfinished.open(work.head()) if keep else None
        run.take(work.results(kept), work.regions, progress)
        return files.write()


def compare_part(
    question: Question,
    prefix: str | PathLike[str],
    part: Part,
    *,
    tables: Sequence[str] = TABLES,
    force: bool = False,
    untouched: Sequence[str | PathLike[str]] = (),
    resume: bool = False,
    threads: int = 1,
    executor: Executor | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Path:
    """Do one part of a comparison, for ``merge_parts``; where it is cut depends on question, files and number of parts alone.

    Parameters
    ----------
    question
        What to compare, and how.
    prefix, part
        ``prefix.part2of5`` is written for ``Part(2, 5)``, complete or not at all; ``prefix.part2of5.unfinished`` is kept until
        then, as by ``compare_to_files``.
    tables
        What the parts are to be merged to; comp and evidence are in a part only if they are wanted.
    force, untouched, resume, threads, executor, memory, progress
        As in ``compare_to_files``.

    Returns
    -------
    pathlib.Path
        The file.
    """
    executor = executor or Threads(threads)
    _check_tables(tables)
    target = Path(f"{prefix}.part{part.number}of{part.of}")
    refuse_existing([target], force=force)
    with (
        Unfinished(target, resume=resume, force=force, keep=resume or executor.is_remote) as unfinished,
        Work.start(question, _ordered(tables), executor=executor, memory=memory, part=part) as work,
    ):
        refuse_inputs([target], [*work.subject.files, *(fspath(path) for path in untouched)])
        kept = unfinished.open(work.head())
        for _ in followed(work.results(kept), work.regions, progress):
            pass
        unfinished.finish(target, force=force)
    return target


def merge_parts(
    paths: Sequence[str | PathLike[str]],
    prefix: str | PathLike[str],
    *,
    tables: Sequence[str] | None = None,
    kind: Kind = "tsv",
    vcf: str | PathLike[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> pa.Table:
    """Join all parts of a comparison: the same files as ``compare_to_files`` writes. What the parts were made of is not needed.

    Parameters
    ----------
    paths
        What ``compare_part`` has written, all parts, in any order; they stay.
    prefix, kind, vcf, force, progress
        As in ``compare_to_files``.
    tables
        Some of those that the parts were made for; None for all of them.

    Returns
    -------
    pyarrow.Table
        The stats table.

    Raises
    ------
    ColonnadeError
        A part is missing, there twice, damaged, or of another question or version.
    """
    prefix = Path(prefix)
    parts = Parts(paths)
    tables = parts.tables if tables is None else tables
    _check_tables(tables)
    wanted = _with_those_of(vcf, tables)
    absent = [name for name in _IN_PARTS_IF_WANTED if name in wanted and name not in parts.tables]
    if absent:
        raise UsageError(
            "the parts were made without a table that is wanted",
            found=", ".join(parts.tables),
            expected=f"also {', '.join(absent)}",
        )
    with (
        Run.start(parts.subject, wanted, folder=prefix.parent) as run,
        ResultFiles(run, prefix, tables, kind=kind, vcf=_path(vcf), force=force, untouched=paths) as files,
    ):
        run.take(parts.results(), parts.regions, progress)
        return files.write()


def _path(path: str | PathLike[str] | None) -> Path | None:
    return None if path is None else Path(path)


def _check_tables(tables: Sequence[str]) -> None:
    unknown = set(tables) - set(TABLES)
    if unknown or not tables:
        raise UsageError(
            "unknown table", found=", ".join(map(repr, sorted(unknown))) or "none", expected=", ".join(TABLES)
        )


def _with_those_of(vcf: str | PathLike[str] | None, tables: Sequence[str]) -> list[str]:
    """The tables, and those that VCF is made of if it is wanted."""
    return _ordered([*tables, *(TABLES_OF_VCF if vcf else ())])


def _ordered(tables: Sequence[str]) -> list[str]:
    return [name for name in TABLES if name in tables]
