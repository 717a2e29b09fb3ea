"""One question being answered: ranges compared on threads, and the last pass over what they give."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from colonnade.compare.inputs import Inputs
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Question
from colonnade.compare.ranges import RangeComparer, Task
from colonnade.compare.samples import Comparison, Sample, choose_comparisons, make_samples
from colonnade.compare.schemas import table_schemas, working_schemas
from colonnade.compare.settling import LISTS, Settled
from colonnade.compare.spool import Spool, Tables
from colonnade.compare.totals import Totals
from colonnade.compare.windows import WindowTables
from colonnade.errors import UsageError
from colonnade.jit import announce_compilation
from colonnade.plan.ranges import MOST_POSITIONS, plan_ranges
from colonnade.records.source import BYTES_PER_BAM_BYTE
from colonnade.regions import Region
from colonnade.run.ordered import ordered_map
from colonnade.version import __version__

_log = logging.getLogger(__name__)

#: Called with the positions done and the positions in all.
Progress = Callable[[int, int], None]

_BYTES_PER_POSITION: Final = 96  # counts and their intermediates, per position and sample
_BYTES_PER_STATE: Final = 4  # per position and comparison
_BYTES_PER_SAMPLE_SHOWN: Final = 3000  # the same where every position has its rows of comp and evidence
_BYTES_PER_COMPARISON_SHOWN: Final = 1200  # and of dist


class Run:
    """One question being answered: ``compare``, then ``stretches`` as often as wanted.

    Parameters
    ----------
    question, inputs
        What to compare, and the files, open.
    tables
        Which tables are wanted; dist, idist and stats are always made.
    spool
        Where they are kept.
    threads, memory
        As in ``colonnade.compare``.
    """

    def __init__(
        self, question: Question, inputs: Inputs, tables: Sequence[str], spool: Spool, *, threads: int, memory: int
    ) -> None:
        self._question = question
        self._inputs = inputs
        self._tables = tuple(tables)
        self._spool = spool
        self._threads = threads
        self._memory = memory
        self._comparisons = choose_comparisons(
            inputs.samples, scheme=question.scheme, against=question.against, pairs=question.pairs
        )
        self._regions = inputs.regions(question.regions, question.bed)
        self.schemas = table_schemas(question.options.quantiles)
        self._totals = Totals.none(len(self._comparisons), self.samples)
        self._facts = _facts(question, inputs.samples, self._comparisons, inputs.checksums(self._regions))

    @classmethod
    @contextmanager
    def start(
        cls, question: Question, tables: Sequence[str], *, threads: int, memory: int, folder: Path | None = None
    ) -> Iterator["Run"]:
        """Open everything, and keep tables in a folder until the last pass, or in memory."""
        if threads < 1:
            raise UsageError("threads is out of range", found=str(threads), expected="1 or more")
        announce_compilation("posterior_kernels")
        schemas = working_schemas(question.options.quantiles)
        kept = {name: schema for name, schema in schemas.items() if name in {*tables, *LISTS} - {"stats"}}
        with Inputs(make_samples(question.samples), question.reference) as inputs, Spool(kept, folder) as spool:
            read_filter = question.options.read_filter.on(inputs.reference.lengths)
            options = replace(question.options, read_filter=read_filter)
            yield cls(replace(question, options=options), inputs, tables, spool, threads=threads, memory=memory)

    def compare(self, progress: Progress | None = None) -> None:
        """Compare all ranges and keep what they give, in order."""
        _log.debug("reads: %s", self.options.read_filter)
        tasks, comparer = self._work()
        windows = WindowTables(
            self._inputs.reference.lengths,
            self.options.window,
            comparisons=self._comparisons,
            samples=self.samples,
            schemas=working_schemas(self.options.quantiles),
        )
        total = sum(len(task.region) for task in tasks)
        done = 0
        for result in ordered_map(comparer, tasks, threads=self._threads):
            self._totals += result.totals
            done += len(result.region)
            if progress is not None:
                progress(done, total)
            for tables in (result.tables, windows.add(result.windows)):
                self._spool.add(tables)
        self._spool.add(windows.rest())
        self._spool.close()
        for name, records in self.facts["records"].items():
            _log.debug(
                "sample %s, records: %s", name, ", ".join(f"{number} {what}" for what, number in records.items())
            )

    def _work(self) -> tuple[list[Task], RangeComparer]:
        """Ranges that fit into the memory, and what compares one."""
        share = self._memory // (self._threads + 1)  # one more may wait until the results before it are done
        size = int(share / BYTES_PER_BAM_BYTE)
        per_sample, per_comparison = _BYTES_PER_POSITION, _BYTES_PER_STATE
        if self.options.loci == "tested":
            per_sample, per_comparison = _BYTES_PER_SAMPLE_SHOWN, _BYTES_PER_COMPARISON_SHOWN
        width = per_sample * len(self._inputs.samples) + per_comparison * len(self._comparisons)
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
        comparer = RangeComparer(
            self._inputs, self._comparisons, self.options, size=size, tables=self._tables, threads=inflaters
        )
        return tasks, comparer

    @property
    def inputs(self) -> list[str]:
        """Names of the files that are read."""
        paths = [
            *self._inputs.files,
            self._question.reference,
            self._question.bed,
            self._question.options.read_filter.mask,
        ]
        return [os.fspath(path) for path in paths if isinstance(path, str | os.PathLike)]

    @property
    def contigs(self) -> dict[str, int]:
        """Contigs that are compared: name to length, in the reference's order."""
        return self._inputs.contigs

    @property
    def samples(self) -> list[str]:
        """Names of the samples."""
        return [sample.name for sample in self._inputs.samples]

    @property
    def options(self) -> CompareOptions:
        """How they are compared."""
        return self._question.options

    @property
    def facts(self) -> dict[str, Any]:
        """What run.json holds; nothing in it depends on threads, memory, time or the output's name."""
        read_filter = self.options.read_filter
        records = {name: read_filter.explain(outcomes) for name, outcomes in self._totals.outcomes.items()}
        return {**self._facts, "records": records}

    def stretches(self) -> Iterator[Tables]:
        """All tables, stretch by stretch of the genome; stats comes last."""
        settled = Settled(self._spool, self._comparisons, self.options, self._totals)
        yield from settled.stretches()
        schema = self.schemas["stats"].arrow
        names = ([c.sample_1 for c in self._comparisons], [c.sample_2 for c in self._comparisons])
        numbers = settled.statistics(schema.names[2:])
        yield {"stats": pa.table([pa.array(column) for column in (*names, *numbers.T)], schema=schema)}


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
    }
