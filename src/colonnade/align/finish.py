"""Stage three: from places to final BAM records."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from colonnade.align import finish_kernels as kernels
from colonnade.align import laying_kernels
from colonnade.align.batch import Batch, Phase
from colonnade.align.contigs import Contigs
from colonnade.align.index import Index
from colonnade.align.insert_sizes import NO_INSERT_SIZES, InsertSizes
from colonnade.align.laying_kernels import Cigars, Genome, Laid, Reads
from colonnade.align.options import AlignOptions
from colonnade.align.pairing import pair

_NO_LIMIT = 2**31 - 1


def finish(batch: Batch, index: Index, options: AlignOptions, insert_sizes: InsertSizes = NO_INSERT_SIZES) -> Batch:
    """Make pairs, align each read to its place, and write its final record.

    Equal to what ``bwa samse`` and ``bwa sampe`` write (bwase.c, bwape.c) after conversion to BAM by htslib, but for what
    ``options.bwa_quirks`` names: a read that does not end on the contig that it begins on is unaligned, mates of a proper pair are
    on one contig, and XA lists neither places across contigs nor the record's own. A read without a place has nothing but that of
    its mate. Letters other than A, C, G, T stay as they are, where bwa has N.

    Parameters
    ----------
    batch
        Located reads.
    index
        Its contigs and its bases are used, and for pairs all else of it.
    options
        Rules of pairs, limit of X1, quirks.
    insert_sizes
        Of each read group, for pairs.

    Raises
    ------
    FormatError
        The batch is not located, or is finished already.
    """
    batch.require(Phase.POSITIONED)
    genome = _genome(index)
    data, records = batch.records()
    reads, places, rescued = pair(batch, _reads(batch), index, genome, options, insert_sizes)

    bases = np.empty(int(reads.length.max(initial=0)), np.uint8)
    items, most_items = laying_kernels.count_items(reads, rescued)
    cigars = Cigars(np.empty(len(batch), np.int64), np.empty(len(batch), np.int64), np.empty(items, np.uint32))
    contig, start, span = np.empty((3, len(batch)), np.int64)
    laid = Laid(contig, start, span, np.empty(len(batch), np.uint8))
    quirks = options.bwa_quirks
    lay = laying_kernels.lay_reads
    lay(genome, data, records, reads, rescued, quirks, bases, np.empty(most_items, np.int64), cigars, laid)

    size, widest = kernels.measure(records, reads, laid, cigars, places, int(np.diff(genome.name_offsets).max()))
    rules = kernels.Rules(_NO_LIMIT if options.all_hits else options.most_best_hits, quirks)
    room = laying_kernels.item_room(len(bases), widest)
    scratch = kernels.Scratch(bases, np.empty(room, np.int64), np.empty(kernels.text_room(widest), np.uint8))
    out, offsets = np.empty(size, np.uint8), np.empty(len(batch) + 1, np.int64)
    kernels.write_records(genome, data, records, reads, rescued, laid, cigars, places, rules, scratch, out, offsets)
    return Batch.of_records(out[: offsets[-1]], offsets, phase=Phase.FINISHED)


def _reads(batch: Batch) -> Reads:
    """The place of each read by itself, in arrays that may be changed."""
    columns = {name: batch.column(name).copy() for name in Reads._fields if name in batch.table.schema.names}
    quality = columns.pop("mapping_quality").astype(np.int64)
    is_proper = np.zeros(len(batch), np.uint8)
    return Reads(**columns, mapping_quality=quality, single_quality=quality.copy(), is_proper=is_proper)


def _genome(index: Index) -> Genome:
    contigs = index.contigs
    names, name_offsets = _names(contigs)
    return Genome(
        packed=index.packed,
        length=contigs.length,
        offsets=contigs.offsets,
        lengths=contigs.lengths,
        names=names,
        name_offsets=name_offsets,
        hole_offsets=contigs.hole_offsets,
        hole_lengths=contigs.hole_lengths,
    )


@lru_cache(maxsize=1)
def _names(contigs: Contigs) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Names of contigs one behind the other, and where each begins and the last ends."""
    names = [name.encode() for name in contigs.names]
    offsets = np.cumsum([0, *map(len, names)], dtype=np.int64)
    return np.frombuffer(b"".join(names), np.uint8), offsets
