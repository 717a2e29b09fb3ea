"""Stage two: from rows of the suffix array to places on the genome, and how sure they are."""

from typing import Any

import numpy as np
import numpy.typing as npt

from colonnade.align import locate_kernels as kernels
from colonnade.align.batch import PLACE, SCHEMAS, Batch, Phase, list_column
from colonnade.align.bounds_kernels import LONGEST_READ
from colonnade.align.index import Index
from colonnade.align.options import AlignOptions
from colonnade.errors import FormatError
from colonnade.formats.writing_kernels import NOWHERE


def locate(batch: Batch, index: Index, options: AlignOptions) -> Batch:
    """Choose one of the best hits of each read, and find its place, and those of its other hits if it is single.

    Equal to what ``bwa samse`` makes of the hits (bwa_aln2seq_core and bwa_cal_pac_pos, bwase.c), but for the choice among
    equally good ones: it follows from the name of the read and ``options.seed``, whatever the batch.

    Parameters
    ----------
    batch
        Searched reads.
    index
        Its FM-index and its suffix array are used.
    options
        Differences, hits to list, seed.

    Raises
    ------
    FormatError
        The batch is not searched, or is located already.
    """
    batch.require(Phase.ALIGNED)
    hits = _hits(batch)
    best, others = np.empty(len(batch), np.int64), np.empty(len(batch), np.int64)
    choice = _choose(batch, hits, options, best, others)
    positions = np.empty(choice.rows.size, np.int64)
    kernels.follow_rows(index.fm, index.suffixes, choice.rows, positions)
    check_positions(positions, index)
    lengths = batch.column("length")
    located, places = _empty_columns(len(batch), positions.size)
    listed = kernels.place_reads(
        hits,
        choice,
        positions,
        index.contigs.length,
        lengths,
        options.differences_by_length(min(int(lengths.max(initial=0)), LONGEST_READ)),
        best,
        others,
        options.bwa_quirks,
        located,
        places,
    )
    fields = {field.name: getattr(places, field.name)[:listed] for field in PLACE}
    return batch.advanced(
        **located._asdict(),
        best_hits=best,
        other_hits=others,
        places=list_column(places.offsets, PLACE, fields),
    )


def check_positions(positions: npt.NDArray[np.int64], index: Index) -> None:
    """Raise FormatError unless all positions are in the text: what follows reads the genome there unchecked.

    The end of text, row 0, has none.
    """
    is_outside = (positions < NOWHERE) | (positions >= index.fm.length)
    if is_outside.any():
        outside = positions[is_outside][0]
        raise FormatError(
            "a position of the suffix array lies outside the genome",
            path=f"{index.prefix}.sa",
            found=str(outside),
            expected=f"0 to {index.fm.length - 1}",
            advice="make the index again: colonnade index",
        )


def _hits(batch: Batch) -> kernels.Hits:
    offsets, fields = batch.lists("hits")
    return kernels.Hits(offsets=offsets, **fields)


def _choose(
    batch: Batch,
    hits: kernels.Hits,
    options: AlignOptions,
    best: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
) -> kernels.Choice:
    data, records = batch.records()
    offsets = np.empty(len(batch) + 1, np.int64)
    kernels.count_rows(data, records, hits, options.listed_single_hits, best, others, offsets)
    rows = int(offsets[-1])
    choice = kernels.Choice(
        offsets=offsets,
        chosen=np.empty(len(batch), np.int64),
        rows=np.empty(rows, np.int64),
        hits=np.empty(rows, np.int64),
    )
    kernels.choose_rows(data, records, hits, np.uint64(options.seed), best, others, choice)
    return choice


def _empty_columns(reads: int, rows: int) -> tuple[kernels.Located, kernels.Places]:
    types: dict[str, Any] = {field.name: field.type for field in SCHEMAS[Phase.POSITIONED]}
    located = {name: np.empty(reads, types[name].to_pandas_dtype()) for name in kernels.Located._fields}
    places = {field.name: np.empty(rows, field.type.to_pandas_dtype()) for field in PLACE}
    return kernels.Located(**located), kernels.Places(offsets=np.empty(reads + 1, np.int64), **places)
