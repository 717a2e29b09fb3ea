"""One question being answered: results of ranges taken in, in order, and the last pass over what they give."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from colonnade.compare.ranges import RangeResult
from colonnade.compare.schemas import table_schemas, working_schemas
from colonnade.compare.settling import LISTS, Settled
from colonnade.compare.spool import Spool, Tables
from colonnade.compare.subject import Subject
from colonnade.compare.totals import Totals
from colonnade.compare.windows import WindowTables
from colonnade.regions import Region

_log = logging.getLogger(__name__)

#: Called with the positions done and the positions in all.
Progress = Callable[[int, int], None]


class Run:
    """One question being answered: ``take`` all results, then ``stretches`` as often as wanted.

    Parameters
    ----------
    subject
        What it is about.
    spool
        Where tables are kept.

    Attributes
    ----------
    schemas
        Of the tables.
    """

    def __init__(self, subject: Subject, spool: Spool) -> None:
        self.subject = subject
        self.schemas = table_schemas(subject.options.quantiles)
        self._spool = spool
        self._totals = Totals.none(len(subject.comparisons), subject.samples)

    @classmethod
    @contextmanager
    def start(cls, subject: Subject, tables: Sequence[str], *, folder: Path | None = None) -> Iterator["Run"]:
        """Keep the tables that are wanted in a folder until the last pass, or in memory; dist, idist and stats are always made."""
        schemas = working_schemas(subject.options.quantiles)
        kept = {name: schema for name, schema in schemas.items() if name in {*tables, *LISTS} - {"stats"}}
        with Spool(kept, folder) as spool:
            yield cls(subject, spool)

    def take(
        self,
        results: Generator[RangeResult, None, None],
        regions: Sequence[Region],
        progress: Progress | None = None,
    ) -> None:
        """Keep what all ranges of some regions give, in order."""
        subject = self.subject
        _log.debug("reads: %s", subject.options.read_filter)
        windows = WindowTables(
            subject.lengths,
            subject.options.window,
            comparisons=subject.comparisons,
            samples=subject.samples,
            schemas=working_schemas(subject.options.quantiles),
        )
        for result in followed(results, regions, progress):
            self._totals += result.totals
            for tables in (result.tables, windows.add(result.windows)):
                self._spool.add(tables)
        self._spool.add(windows.rest())
        self._spool.close()
        for name, records in self.facts["records"].items():
            _log.debug(
                "sample %s, records: %s", name, ", ".join(f"{number} {what}" for what, number in records.items())
            )

    @property
    def facts(self) -> dict[str, Any]:
        """What run.json holds; nothing in it depends on threads, memory, time or the output's name."""
        read_filter = self.subject.options.read_filter
        records = {name: read_filter.explain(outcomes) for name, outcomes in self._totals.outcomes.items()}
        return {**self.subject.facts, "records": records}

    def stretches(self) -> Iterator[Tables]:
        """All tables, stretch by stretch of the genome; stats comes last."""
        settled = Settled(self._spool, self.subject.comparisons, self.subject.options, self._totals)
        yield from settled.stretches()
        schema, comparisons = self.schemas["stats"].arrow, self.subject.comparisons
        names = ([c.sample_1 for c in comparisons], [c.sample_2 for c in comparisons])
        numbers = settled.statistics(schema.names[2:])
        yield {"stats": pa.table([pa.array(column) for column in (*names, *numbers.T)], schema=schema)}


def followed(
    results: Generator[RangeResult, None, None], regions: Sequence[Region], progress: Progress | None
) -> Iterator[RangeResult]:
    """The results of some regions as they are, while somebody is told how far they have come."""
    total, done = sum(map(len, regions)), 0
    with closing(results):
        for result in results:
            done += len(result.region)
            if progress is not None:
                progress(done, total)
            yield result
