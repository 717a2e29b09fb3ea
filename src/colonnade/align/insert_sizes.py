"""How far mates lie apart: counted for each read group in the first pass, estimated once, used in the second."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from colonnade.align import insert_sizes_kernels as kernels
from colonnade.align.batch import Batch, Phase
from colonnade.align.options import AlignOptions
from colonnade.align.record_kernels import hash_bytes

CONFIDENT: Final = 20  # mapping quality from which on a place counts (infer_isize, bwape.c)

# infer_isize (bwape.c), all of them.
_LEAST: Final = 20  # sizes that an estimate needs
_OUTLIER: Final = 2.0  # quartile ranges beyond the quartiles, which do not count for mean and standard deviation
_HALF: Final = 0.499
_SQUARES_START: Final = -1.0  # of the sum of squares; a slip that all estimates of bwa have
_FIRST_SIGMA, _LAST_SIGMA, _SIGMA_STEP = 1.0, 10.0, 0.01
_ABNORMAL: Final = 0.01  # of the pairs beyond the highest size, how many are taken to be of two templates


class Observed(NamedTuple):
    """What the units of a batch, pairs and single reads, tell of insert sizes.

    Attributes
    ----------
    groups
        uint64 (units,): read group, by the hash of its name.
    sizes
        int64 (units,): insert size in bases, -1 where there is none.
    longest
        int64 (units,): bases of the longer mate, 0 for a single read.
    """

    groups: npt.NDArray[np.uint64]
    sizes: npt.NDArray[np.int64]
    longest: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """The insert sizes of a read group, in bases.

    Parameters
    ----------
    sizes
        Sizes seen, of pairs and merged reads.
    quartiles
        25, 50 and 75 percent of them are smaller.
    low, high
        Those within count for
    mean, sd
        and standard deviation.
    highest
        The highest plausible size: chance places of two reads are more likely beyond.
    abnormal_share
        Share of pairs that are not of one template.
    merged
        How many of the sizes are of merged reads.
    """

    sizes: int
    quartiles: tuple[int, int, int]
    low: int
    high: int
    mean: float
    sd: float
    highest: int
    abnormal_share: float
    merged: int = 0

    def __str__(self) -> str:
        sources = f"{self.sizes - self.merged} pairs" + (f" and {self.merged} merged reads" if self.merged else "")
        return (
            f"{self.mean:.1f} +- {self.sd:.1f} bases, at most {self.highest}, from {sources} "
            f"(quartiles {', '.join(map(str, self.quartiles))}; {self.low} to {self.high} counted)"
        )


@dataclass(frozen=True)
class InsertSizes:
    """What is known of insert sizes when pairs are made: all that the second pass needs of the first.

    Parameters
    ----------
    estimates
        By read group; a group that has none is not there.
    failures
        Why the others have none.
    """

    estimates: Mapping[int, Estimate] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)

    @property
    def groups(self) -> Set[int]:
        """The read groups that have pairs."""
        return self.estimates.keys() | self.failures.keys()

    def lines(self, names: Iterable[str]) -> Iterator[str]:
        """What to tell people, group by group; ``names`` has those of all groups."""
        known = {group_key(name): f"read group {name}" for name in names} | {group_key(""): "reads without read group"}
        for key in sorted(self.groups, key=known.__getitem__):
            yield f"{known[key]}: insert size {self.estimates.get(key) or self.failures[key]}"


NO_INSERT_SIZES: Final = InsertSizes()


def group_key(name: str) -> int:
    """The number of a read group, as batches have it."""
    data = np.frombuffer(name.encode(errors="surrogateescape"), np.uint8)
    return int(hash_bytes(data, 0, data.size))


def group_names(batch: Batch) -> set[str]:
    """Names of the read groups in a batch; that of reads without read group is empty."""
    data, records = batch.records()
    places = {kernels.group_name(data, start, end) for start, end in pairwise(records)}
    return {data[start:end].tobytes().decode(errors="surrogateescape") for start, end in places}


def observe(batch: Batch) -> Observed:
    """The insert sizes in a located batch, of all reads but those that are kept as they are.

    A pair counts if the mapping quality of both mates is 20 or more; so does a single read, which is taken for two mates that
    were merged, with its length.

    Raises
    ------
    FormatError
        The batch is not located, or is finished already.
    """
    batch.require(Phase.POSITIONED)
    data, records = batch.records()
    groups, sizes, longest = (
        np.empty(len(batch), np.uint64),
        np.empty(len(batch), np.int64),
        np.empty(len(batch), np.int64),
    )
    columns = (batch.column(name) for name in ("length", "position", "mapping_quality"))
    units = kernels.measure_inserts(data, records, *columns, CONFIDENT, groups, sizes, longest)
    return Observed(groups[:units], sizes[:units], longest[:units])


class Histogram:
    """Counts of insert sizes, by read group; the order in which they come does not matter."""

    def __init__(self) -> None:
        self._counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._longest: defaultdict[int, int] = defaultdict(int)
        self._merged: Counter[int] = Counter()

    def add(self, observed: Observed) -> None:
        """Count what a batch has."""
        for group in np.unique(observed.groups):
            key = int(group)
            chosen = observed.groups == group
            sizes, longest = observed.sizes[chosen], observed.longest[chosen]
            seen = sizes != kernels.NO_SIZE
            self._longest[key] = max(self._longest[key], int(longest.max()))
            self._merged[key] += int((seen & (longest == 0)).sum())
            values, counts = np.unique(sizes[seen], return_counts=True)
            self._counts[key].update(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    def estimate(self, genome_length: int, options: AlignOptions) -> InsertSizes:
        """Estimate the insert size of each read group that has pairs.

        Equal to ``infer_isize`` (bwape.c) given the same pairs, where a group has no merged reads. These are shorter than the reads
        that they were made of, so with them the size of the longest read is no lower bound of what is counted.

        Parameters
        ----------
        genome_length
            Bases of the genome, from which it follows how likely two reads are near each other by chance.
        options
            Share of abnormal pairs at least, and whether to estimate at all.
        """
        estimates, failures = {}, {}
        for key, longest in self._longest.items():
            if longest == 0 or options.no_insert_sizes:
                continue
            merged = self._merged[key]
            result = _estimate(self._counts[key], 1 if merged else longest, genome_length, options.chimeric_share)
            if isinstance(result, Estimate):
                estimates[key] = replace(result, merged=merged)
            else:
                failures[key] = f"not estimated: {result}"
        return InsertSizes(estimates, failures)


def _estimate(counted: Counter[int], least: int, genome_length: int, chimeric_share: float) -> Estimate | str:
    """An estimate, or why there is none."""
    sizes, counts = np.array(sorted(counted.items()), np.int64).reshape(-1, 2).T
    total = int(counts.sum())
    if total < _LEAST:
        return f"too few good pairs and merged reads ({total})"
    ends = np.cumsum(counts)
    p25, p50, p75 = (
        int(sizes[np.searchsorted(ends, int(total * share + 0.5), "right")]) for share in (0.25, 0.5, 0.75)
    )
    low = max(int(p25 - _OUTLIER * (p75 - p25) + _HALF), least)
    high = int(p75 + _OUTLIER * (p75 - p25) + _HALF)
    within = (low <= sizes) & (sizes <= high)
    pairs = int(counts[within].sum())
    if pairs == 0:
        return "the pairs are shorter than the reads"
    mean = int((sizes * counts)[within].sum()) / pairs
    squares = kernels.sum_of_squares(sizes[within], counts[within], mean, _SQUARES_START)
    if squares <= 0:
        return "all of one size"
    sd = math.sqrt(squares / pairs)
    highest = _highest(mean, sd, chimeric_share / genome_length)
    abnormal_share = _ABNORMAL * (int(counts[sizes > highest].sum()) + _ABNORMAL) / total
    return Estimate(total, (p25, p50, p75), low, high, mean, sd, highest, max(abnormal_share, chimeric_share))


def _highest(mean: float, sd: float, chance: float) -> int:
    """The size from which on a normal distribution is less likely than a chance place."""
    sigma = _FIRST_SIGMA
    while sigma < _LAST_SIGMA:
        if 0.5 * math.erfc(sigma / math.sqrt(2)) < chance * (sigma * sd + mean):
            break
        sigma += _SIGMA_STEP
    return int(sigma * sd + mean + _HALF)
