"""Mates of pairs, moved to where both fit together, or to where one is found near the other (``bwa sampe``)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from colonnade.align import discordant_kernels, locate_kernels
from colonnade.align import pairing_kernels as kernels
from colonnade.align.batch import PLACE, Batch
from colonnade.align.index import Index
from colonnade.align.insert_sizes import InsertSizes
from colonnade.align.laying_kernels import Cigars, Genome, Reads
from colonnade.align.locate import check_positions
from colonnade.align.options import AlignOptions
from colonnade.align.own_tags_kernels import Listed
from colonnade.align.rescue_kernels import rescue_room
from colonnade.run.ordered import check_stopped

_ROWS = 1 << 17  # that are followed at a time, unless one pair has more
_CLIPS = 2  # items that a CIGAR may have besides one for each base


class Paired(NamedTuple):
    """Reads of a batch, pairs made.

    Attributes
    ----------
    reads
        Where each lies.
    places
        Where else each could.
    rescued
        CIGARs of rescued mates; those of other reads have no items.
    """

    reads: Reads
    places: Listed
    rescued: Cigars


def pair(batch: Batch, reads: Reads, index: Index, genome: Genome, options: AlignOptions, sizes: InsertSizes) -> Paired:
    """Make the pairs of a located batch.

    Parameters
    ----------
    batch
        Located reads, all hits of which are looked at again.
    reads
        The place of each by itself; changed.
    index
        Its FM-index and its suffix array are used.
    genome
        Contigs and bases.
    options
        Limits of hits, insert size where none is known, whether to rescue.
    sizes
        Insert sizes by read group.
    """
    data, records = batch.records()
    known = _known(sizes)
    pairs = np.empty((len(batch) // 2, kernels.PAIR_WIDTH), np.int64)
    pairs = pairs[: kernels.list_pairs(data, records, known.keys, pairs)]
    places = _single_places(batch)
    rescued = Cigars(np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64), np.empty(0, np.uint32))
    if len(pairs):
        rules = _rules(options)
        places = _pair(batch, pairs, reads, index, genome, known, rules, places)
        if len(known.keys) and not options.no_rescue:
            rescued = _rescue(data, records, pairs, reads, genome, known, rules, rescued)
    return Paired(reads, places, rescued)


def _rules(options: AlignOptions) -> kernels.Rules:
    return kernels.Rules(*(getattr(options, name) for name in kernels.Rules._fields))


def _known(sizes: InsertSizes) -> kernels.Sizes:
    keys = sorted(sizes.estimates)
    fields: dict[str, Any] = {
        name: np.array([getattr(sizes.estimates[key], name) for key in keys], kind)
        for name, kind in (
            ("mean", np.float64),
            ("sd", np.float64),
            ("highest", np.int64),
            ("abnormal_share", np.float64),
        )
    }
    return kernels.Sizes(keys=np.array(keys, np.uint64), **fields)


def _single_places(batch: Batch) -> Listed:
    offsets, fields = batch.lists("places")
    return Listed(starts=offsets[:-1].copy(), ends=offsets[1:].copy(), **fields)


def _pair(
    batch: Batch,
    pairs: npt.NDArray[np.int64],
    reads: Reads,
    index: Index,
    genome: Genome,
    known: kernels.Sizes,
    rules: kernels.Rules,
    places: Listed,
) -> Listed:
    """Pair hits; returns the places of all reads."""
    offsets, fields = batch.lists("hits")
    hits = locate_kernels.Hits(offsets=offsets, **fields)
    needed = np.empty((len(pairs), 2), np.int64)
    kernels.count_rows(pairs, reads, rules, needed)
    places, size = _with_room(places, needed, max(rules.listed_hits, rules.listed_discordant_hits) + 1)
    candidates = np.empty(int(needed.sum(axis=1).max()) + 2, np.int64)
    for start, end in _parts(needed.sum(axis=1)):
        rows = np.empty(int(needed[start:end].sum()), np.int64)
        kernels.list_rows(hits, pairs[start:end], needed[start:end], rows)
        check_stopped()
        positions = _follow(rows, index)
        size = kernels.pair_mates(
            hits, pairs[start:end], needed[start:end], positions, genome, known, rules, reads, candidates, places, size
        )
    return places


def _follow(rows: npt.NDArray[np.int64], index: Index) -> npt.NDArray[np.int64]:
    """Where rows begin in the text of both strands; each is followed once, as pairs of one repeat share theirs."""
    distinct, places = np.unique(rows, return_inverse=True)
    positions = np.empty_like(distinct)
    locate_kernels.follow_rows(index.fm, index.suffixes, distinct, positions)
    check_positions(positions, index)
    return positions[places]


def _with_room(places: Listed, needed: npt.NDArray[np.int64], most: int) -> tuple[Listed, int]:
    """The same places with room for those of pairs, and how many there are so far."""
    size = len(places.position)
    room = int(needed[needed <= most].sum())
    fields = {
        field.name: np.concatenate((getattr(places, field.name), np.empty(room, field.type.to_pandas_dtype())))
        for field in PLACE
    }
    return Listed(places.starts, places.ends, **fields), size


def _parts(needed: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Stretches of pairs whose rows are followed together."""
    ends = np.cumsum(needed)
    start = 0
    while start < len(needed):
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + _ROWS, "right")))
        yield start, end
        start = end


def _rescue(
    data: npt.NDArray[np.uint8],
    records: npt.NDArray[np.int64],
    pairs: npt.NDArray[np.int64],
    reads: Reads,
    genome: Genome,
    known: kernels.Sizes,
    rules: kernels.Rules,
    rescued: Cigars,
) -> Cigars:
    """Rescue mates; returns their CIGARs."""
    longest = int(reads.length.max())
    # A window at the start of the genome is as wide as mates are far away.
    spread = 2 * discordant_kernels.SPREAD * known.sd.max() + 2 * longest
    widest = int(max(spread, known.mean.max())) + 1
    rescued = rescued._replace(items=np.empty(int(reads.length.sum()) + _CLIPS * len(reads.length), np.uint32))
    discordant_kernels.rescue_mates(
        genome,
        data,
        records,
        pairs,
        known,
        rules,
        reads,
        np.empty(longest, np.uint8),
        np.empty(widest + longest, np.int64),
        rescue_room(longest, widest),
        rescued,
    )
    return rescued
