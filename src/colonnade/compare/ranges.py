"""The unit of work: all comparisons over one range, as a pure function of files, range and options."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from colonnade.compare.indels import IndelComparer
from colonnade.compare.inputs import Inputs, InputsRecipe
from colonnade.compare.loading import RangeLoader
from colonnade.compare.loci import add_loci
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import REF, Comparison
from colonnade.compare.schemas import working_schemas
from colonnade.compare.totals import Totals, count_states, sample_unlisted
from colonnade.compare.windows import WindowSums
from colonnade.method.screen import Screen
from colonnade.method.screen_kernels import CHANGED
from colonnade.regions import Region
from colonnade.run.resource import Resource


@dataclass(frozen=True)
class RangeResult:
    """What is found over one range.

    Parameters
    ----------
    region
        The range.
    tables
        Rows of each table that has some.
    windows
        Sums for the tables windows and depth.
    totals
        What adds up over ranges.
    """

    region: Region
    tables: Mapping[str, pa.Table]
    windows: WindowSums
    totals: Totals


@dataclass(frozen=True)
class Task:
    """A range to compare, and where the range before it on the contig ended, or 0."""

    region: Region
    counted_to: int


@dataclass(frozen=True)
class ComparerRecipe:
    """All that decides how ranges are compared.

    Parameters
    ----------
    inputs
        The files.
    comparisons
        Which samples to compare.
    options
        Everything that changes the result.
    size
        Uncompressed bytes of BAM to hold for one range, about.
    tables
        Which tables are wanted; dist and idist are made in any case.
    threads
        Threads that inflate the blocks of one range.
    """

    inputs: InputsRecipe
    comparisons: tuple[Comparison, ...]
    options: CompareOptions
    size: int
    tables: tuple[str, ...]
    threads: int

    def open(self) -> "RangeComparer":
        """Open the files, and make what compares their ranges."""
        return RangeComparer(self.inputs.open(), self)


@dataclass(frozen=True)
class CompareRange:
    """Compares samples over one range: a function that can travel."""

    comparer: Resource["RangeComparer"]

    def __call__(self, task: Task) -> RangeResult:
        """As ``RangeComparer``."""
        return self.comparer.get()(task)


class RangeComparer:
    """Compares samples over one range at a time; one object serves many threads, and remembers what it has integrated.

    Parameters
    ----------
    inputs
        The open files.
    recipe
        How to compare.
    """

    def __init__(self, inputs: Inputs, recipe: ComparerRecipe) -> None:
        options, comparisons = recipe.options, recipe.comparisons
        self._with_reference = any(comparison.sample_2 == REF for comparison in comparisons)
        self._loader = RangeLoader(
            inputs, options, size=recipe.size, with_reference=self._with_reference, threads=recipe.threads
        )
        self._comparisons = comparisons
        self._options = options
        self._schemas = working_schemas(options.quantiles)
        self._tables = ["dist", *(name for name in ("comp", "evidence") if name in recipe.tables)]
        self._compare_indels = IndelComparer(comparisons, options, self._schemas["idist"])
        self._screen = Screen(
            min_distance=options.min_distance,
            confidence=options.confidence,
            prior=options.prior,
            min_depth=options.min_depth,
        )

    def __call__(self, task: Task) -> RangeResult:
        """All rows of a range; needs nothing of any other range."""
        region, options = task.region, self._options
        loaded = self._loader.load(region, counted_to=task.counted_to)
        pairs = np.array([[loaded.index(c.sample_1), loaded.index(c.sample_2)] for c in self._comparisons])
        reference = len(loaded.tallies) if self._with_reference else -1
        screened = self._screen.screen(
            loaded.counts, pairs, start=region.start, window=options.window, reference=reference
        )
        screened_changed = np.count_nonzero(screened.states == CHANGED, axis=1)
        tables: dict[str, list[pa.Table]] = {name: [] for name in self._tables}
        add_loci(loaded, self._comparisons, screened.states, options, self._schemas, tables)
        indel_changed, tables["idist"] = self._compare_indels(loaded)
        statistics = np.column_stack((count_states(screened.states), screened_changed, indel_changed))
        return RangeResult(
            region,
            {name: pa.concat_tables(parts) for name, parts in tables.items() if parts},
            WindowSums.of(loaded, screened, options.window),
            Totals(statistics, sample_unlisted(loaded, pairs, screened.states, options), loaded.outcomes),
        )
