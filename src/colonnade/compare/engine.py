"""Comparing samples: from files and a question to tables, range by range."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.compare.inputs import Inputs
from colonnade.compare.options import CompareOptions
from colonnade.compare.ranges import RangeComparer, RangeResult, Task
from colonnade.compare.samples import Comparison, Paths, Sample, choose_comparisons, make_samples
from colonnade.compare.schemas import table_schemas
from colonnade.errors import UsageError
from colonnade.formats.output import OutputSet
from colonnade.formats.table import tsv_header, tsv_rows
from colonnade.jit import announce_compilation
from colonnade.plan.ranges import MOST_POSITIONS, plan_ranges
from colonnade.records.source import BYTES_PER_BAM_BYTE, new_outcomes
from colonnade.regions import Region
from colonnade.run.ordered import ordered_map
from colonnade.version import __version__

_log = logging.getLogger(__name__)

TABLES: Final = ("dist", "comp", "idist", "stats", "evidence")
DEFAULT_MEMORY: Final = 1 << 30

#: Called with the positions done and the positions in all.
Progress = Callable[[int, int], None]

_BYTES_PER_POSITION: Final = 96  # counts and their intermediates, per position and sample
_BYTES_PER_STATE: Final = 4  # per position and comparison


@dataclass(frozen=True)
class CompareResult:
    """The tables of a comparison, and the facts about the run.

    Parameters
    ----------
    dist, comp, idist, stats, evidence
        Arrow tables; ``colonnade.compare.schemas`` says what each column means.
    facts
        Version, options, samples and checksums: what ``run.json`` holds.
    """

    dist: pa.Table
    comp: pa.Table
    idist: pa.Table
    stats: pa.Table
    evidence: pa.Table
    facts: dict[str, Any]

    def __repr__(self) -> str:
        lines = [
            f"  {row['sample_1']} - {row['sample_2']}: {row['changed']} of {row['loci']} loci changed,"
            f" {row['indel_changed']} indels"
            for row in self.stats.to_pylist()
        ]
        return "\n".join(["CompareResult", *lines])


@dataclass(frozen=True)
class Question:
    """Which samples to compare where, and how: everything that decides the result.

    Parameters
    ----------
    samples
        Name to BAM file, or to several.
    reference
        FASTA file.
    scheme, against, pairs
        Which samples to compare: ``all-pairs`` or ``consecutive``; or all against one (or ``REF``); or a list.
    regions, bed
        Where: regions (texts such as ``chr1:1-100``, or ``Region``) and a BED file; everywhere without either.
    options
        How.
    """

    samples: Mapping[str, Paths]
    reference: str | PathLike[str]
    scheme: Literal["all-pairs", "consecutive"] = "all-pairs"
    against: str | None = None
    pairs: Sequence[Comparison] | None = None
    regions: Sequence[str | Region] = ()
    bed: str | PathLike[str] | None = None
    options: CompareOptions = field(default_factory=CompareOptions)


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
    parts: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
    with _Run.start(question, threads=threads, memory=memory) as run:
        for result in run.results():
            for name, table in result.tables.items():
                parts[name].append(table)
        parts["stats"].append(run.statistics_table())
    schemas = table_schemas(question.options.quantiles)
    tables = {name: pa.concat_tables(parts[name] or [schemas[name].empty()]) for name in TABLES}
    return CompareResult(**tables, facts=run.facts)


def compare_to_files(
    question: Question,
    prefix: str | PathLike[str],
    *,
    tables: Sequence[str] = TABLES,
    force: bool = False,
    threads: int = 1,
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> pa.Table:
    """Compare samples and write ``prefix.<table>.tsv`` and ``prefix.run.json``, all complete or none at all.

    Returns
    -------
    pyarrow.Table
        The stats table.
    """
    unknown = [name for name in tables if name not in TABLES]
    if unknown or not tables:
        raise UsageError("unknown table", found=", ".join(unknown) or "none", expected=", ".join(TABLES))
    paths = {name: f"{prefix}.{name}.tsv" for name in tables}
    facts_path = f"{prefix}.run.json"
    schemas = table_schemas(question.options.quantiles)
    with (
        _Run.start(question, threads=threads, memory=memory) as run,
        OutputSet([*paths.values(), facts_path], force=force) as output,
    ):
        for name, path in paths.items():
            output.write(path, [tsv_header(schemas[name].arrow)])
        for result in run.results(progress):
            for name in paths.keys() & result.tables.keys():
                output.write(paths[name], tsv_rows(result.tables[name]))
        stats = run.statistics_table()
        if "stats" in paths:
            output.write(paths["stats"], tsv_rows(stats))
        output.write(facts_path, [json.dumps(run.facts, indent=2), "\n"])
    return stats


class _Run:
    """One question being answered."""

    def __init__(self, question: Question, inputs: Inputs, *, threads: int, memory: int) -> None:
        self._question = question
        self._inputs = inputs
        self._threads = threads
        self._memory = memory
        self._comparisons = choose_comparisons(
            inputs.samples, scheme=question.scheme, against=question.against, pairs=question.pairs
        )
        self._regions = inputs.regions(question.regions, question.bed)
        self._statistics: npt.NDArray[np.int64] = np.zeros((len(self._comparisons), 9), np.int64)
        self._outcomes = {sample.name: new_outcomes() for sample in inputs.samples}
        self._facts = _facts(question, inputs.samples, self._comparisons, inputs.checksums(self._regions))

    @classmethod
    @contextmanager
    def start(cls, question: Question, *, threads: int, memory: int) -> Iterator["_Run"]:
        if threads < 1:
            raise UsageError("threads is out of range", found=str(threads), expected="1 or more")
        announce_compilation("posterior_kernels")
        with Inputs(make_samples(question.samples), question.reference) as inputs:
            read_filter = question.options.read_filter.on(inputs.reference.lengths)
            options = replace(question.options, read_filter=read_filter)
            yield cls(replace(question, options=options), inputs, threads=threads, memory=memory)

    def results(self, progress: Progress | None = None) -> Iterator[RangeResult]:
        """The results of all ranges, in order."""
        read_filter = self._question.options.read_filter
        _log.debug("reads: %s", read_filter)
        share = self._memory // (self._threads + 1)  # one more may wait until the results before it are done
        size = int(share / BYTES_PER_BAM_BYTE)
        width = _BYTES_PER_POSITION * len(self._inputs.samples) + _BYTES_PER_STATE * len(self._comparisons)
        ranges = plan_ranges(
            self._regions,
            list(self._inputs.files.values()),
            size=max(1, size // len(self._inputs.files)),
            positions=min(MOST_POSITIONS, share // width),
            workers=self._threads,
        )
        regions = [planned.region for planned in ranges]
        tasks = [
            Task(region, _counted_to(before, region))
            for before, region in zip([None, *regions[:-1]], regions, strict=True)
        ]
        inflaters = max(1, self._threads // max(1, len(tasks)))
        comparer = RangeComparer(self._inputs, self._comparisons, self._question.options, size=size, threads=inflaters)
        total = sum(len(region) for region in regions)
        done = 0
        for result in ordered_map(comparer, tasks, threads=self._threads):
            self._statistics += result.statistics
            for name, outcomes in result.outcomes.items():
                self._outcomes[name] += outcomes
            done += len(result.region)
            if progress is not None:
                progress(done, total)
            yield result
        for name, outcomes in self._outcomes.items():
            parts = [f"{number} {what}" for what, number in read_filter.explain(outcomes).items()]
            _log.debug("sample %s, records: %s", name, ", ".join(parts))

    @property
    def facts(self) -> dict[str, Any]:
        """What run.json holds; nothing in it depends on threads, memory, time or the output's name."""
        read_filter = self._question.options.read_filter
        records = {name: read_filter.explain(outcomes) for name, outcomes in self._outcomes.items()}
        return {**self._facts, "records": records}

    def statistics_table(self) -> pa.Table:
        """The stats table, once all results have been taken."""
        schema = table_schemas(self._question.options.quantiles)["stats"].arrow
        names = ([c.sample_1 for c in self._comparisons], [c.sample_2 for c in self._comparisons])
        return pa.table([pa.array(column) for column in (*names, *self._statistics.T)], schema=schema)


def _counted_to(before: Region | None, region: Region) -> int:
    """Where the region before ended, if it is on the same contig."""
    return before.end if before is not None and before.contig == region.contig else 0


def _facts(
    question: Question, samples: Sequence[Sample], comparisons: Sequence[Comparison], checksums: Mapping[str, str]
) -> dict[str, Any]:
    options = asdict(question.options)
    del options["read_filter"]
    return {
        "version": __version__,
        "options": options,
        "read_filter": question.options.read_filter.as_dict(),
        "regions": [str(region) for region in question.regions],
        "bed": None if question.bed is None else str(question.bed),
        "samples": [{"name": sample.name, "paths": list(sample.paths)} for sample in samples],
        "comparisons": [[comparison.sample_1, comparison.sample_2] for comparison in comparisons],
        "reference": {"path": str(question.reference), "md5": dict(checksums)},
        "null_columns": {"dist": ["strand_p", "false_share"], "idist": ["false_share"]},
    }
