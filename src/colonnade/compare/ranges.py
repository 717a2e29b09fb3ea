"""The unit of work: all comparisons over one range, as a pure function of files, range and options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.compare.indels import add_indels
from colonnade.compare.inputs import Inputs
from colonnade.compare.loading import LoadedRange, RangeLoader
from colonnade.compare.loci import add_loci
from colonnade.compare.options import CompareOptions
from colonnade.compare.rows import Rows
from colonnade.compare.samples import REF, Comparison
from colonnade.compare.schemas import table_schemas
from colonnade.compare.screen import Screen
from colonnade.compare.screen_kernels import AMBIGUOUS, BELOW_MIN_DEPTH, CHANGED, NO_DATA, NO_REFERENCE, UNCHANGED
from colonnade.formats.bases import AMBIGUOUS as AMBIGUOUS_BASE
from colonnade.regions import Region


@dataclass(frozen=True)
class RangeResult:
    """What is found over one range.

    Parameters
    ----------
    region
        The range.
    tables
        Rows of each table that has some.
    statistics
        int64 (comparisons, columns): columns of stats without the names.
    outcomes
        Per sample: what became of its records (``ReadFilter.explain``).
    """

    region: Region
    tables: Mapping[str, pa.Table]
    statistics: npt.NDArray[np.int64]
    outcomes: Mapping[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Task:
    """A range to compare, and where the range before it on the contig ended, or 0."""

    region: Region
    counted_to: int


class RangeComparer:
    """Compares samples over one range at a time; one object serves many threads.

    Parameters
    ----------
    inputs
        The open files.
    comparisons
        Which samples to compare.
    options
        Everything that changes the result.
    size
        Uncompressed bytes of BAM to hold for one range, about.
    threads
        Threads that inflate the blocks of one range.
    """

    def __init__(
        self,
        inputs: Inputs,
        comparisons: Sequence[Comparison],
        options: CompareOptions,
        *,
        size: int,
        threads: int = 1,
    ) -> None:
        self._loader = RangeLoader(inputs, options, size=size, threads=threads)
        self._comparisons = tuple(comparisons)
        self._options = options
        self._schemas = table_schemas(options.quantiles)
        self._screen = Screen(
            min_distance=options.min_distance,
            confidence=options.confidence,
            prior=options.prior,
            min_depth=options.min_depth,
        )

    def __call__(self, task: Task) -> RangeResult:
        """All rows of a range; needs nothing of any other range."""
        region = task.region
        loaded = self._loader.load(region, counted_to=task.counted_to)
        states = [self._screened(comparison, loaded) for comparison in self._comparisons]
        screened = [np.count_nonzero(state == CHANGED) for state in states]
        rows = {name: Rows(self._schemas[name]) for name in ("dist", "comp", "idist", "evidence")}
        add_loci(loaded, self._comparisons, states, self._options, rows)
        indels = add_indels(loaded, self._comparisons, self._options, rows["idist"])

        codes = (NO_DATA, NO_REFERENCE, BELOW_MIN_DEPTH, CHANGED, AMBIGUOUS, UNCHANGED)
        statistics = [
            [len(region), *(np.count_nonzero(state == code) for code in codes), *found]
            for state, *found in zip(states, screened, indels, strict=True)
        ]
        tables = {
            name: gathered.table(sort_by="position" if name in ("dist", "idist") else None)
            for name, gathered in rows.items()
            if len(gathered)
        }
        return RangeResult(region, tables, np.array(statistics, np.int64), loaded.outcomes)

    def _screened(self, comparison: Comparison, loaded: LoadedRange) -> npt.NDArray[np.int8]:
        states = self._screen.states(loaded.counts(comparison.sample_1), loaded.counts(comparison.sample_2))
        if comparison.sample_2 == REF:
            states[loaded.bases == AMBIGUOUS_BASE] = NO_REFERENCE
        return states
