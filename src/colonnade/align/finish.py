"""Stage three: from places to final BAM records."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from colonnade.align import finish_kernels as kernels
from colonnade.align.batch import Batch, Phase
from colonnade.align.contigs import Contigs
from colonnade.align.index import Index
from colonnade.align.locate_kernels import Places
from colonnade.align.options import AlignOptions

_NO_LIMIT = 2**31 - 1


def finish(batch: Batch, index: Index, options: AlignOptions) -> Batch:
    """Align each read to its place, and write its final record.

    Equal to what ``bwa samse`` writes (bwa_refine_gapped and bwa_print_sam1, bwase.c) after conversion to BAM by htslib, with two
    differences unless ``options.bwa_quirks``: a read that does not end on the contig that it begins on is unaligned, and XA lists
    neither such places nor the record's own. Letters other than A, C, G, T stay as they are, where bwa has N.

    Parameters
    ----------
    batch
        Located reads.
    index
        Its contigs and its bases are used.
    options
        Limit of X1, quirks.

    Raises
    ------
    FormatError
        The batch is not located, or is finished already.
    """
    batch.require(Phase.POSITIONED)
    data, records = batch.records()
    reads = kernels.Reads(*(batch.column(name) for name in kernels.Reads._fields))
    place_offsets, fields = batch.lists("places")
    places = Places(offsets=place_offsets, **fields)
    genome = _genome(index)
    size, longest, widest = kernels.measure(records, reads, places, int(np.diff(genome.name_offsets).max()))
    scratch = kernels.Scratch(
        bases=np.empty(longest, np.uint8),
        cigar=np.empty(kernels.item_room(longest, widest), np.int64),
        text=np.empty(kernels.text_room(widest), np.uint8),
    )
    rules = kernels.Rules(_NO_LIMIT if options.all_hits else options.most_best_hits, options.bwa_quirks)
    out = np.empty(size, np.uint8)
    offsets = np.empty(len(batch) + 1, np.int64)
    kernels.write_records(genome, data, records, reads, places, rules, scratch, out, offsets)
    return Batch.of_records(out[: offsets[-1]], offsets, phase=Phase.FINISHED)


def _genome(index: Index) -> kernels.Genome:
    contigs = index.contigs
    names, name_offsets = _names(contigs)
    return kernels.Genome(
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
