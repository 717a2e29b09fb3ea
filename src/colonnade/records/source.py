"""From a region of a BAM file to a batch of checked records."""

from typing import Final

import numpy as np

from colonnade.errors import FormatError
from colonnade.formats.bam import BamFile
from colonnade.records import batch_kernels as kernels
from colonnade.records.batch import RECORD, RecordBatch
from colonnade.records.filters import ReadFilter
from colonnade.regions import Region

_COMPLAINTS: Final = {
    kernels.BAD_SIZE: ("a record's size does not fit its surroundings", "{} bytes"),
    kernels.BAD_LENGTHS: ("a record's parts do not fit into it", "lengths that add up to {}"),
    kernels.BAD_NAME: ("a read name does not end with NUL", "a name of {} bytes"),
    kernels.BAD_OPERATION: ("unknown CIGAR operation", "code {}"),
    kernels.CIGAR_NOT_SEQUENCE: ("CIGAR and sequence differ in length", "a CIGAR over {} bases"),
    kernels.BAD_CONTIG: ("a record names a contig that the header lacks", "contig number {}"),
    kernels.BAD_POSITION: ("impossible position", "{}"),
    kernels.OUT_OF_ORDER: ("records are not in coordinate order", "position {} (0-based) after a later one"),
    kernels.BAD_TAGS: ("the tags of a record cannot be read", "types or lengths that do not add up"),
}


def read_batch(bam: BamFile, region: Region, read_filter: ReadFilter, *, threads: int = 1) -> RecordBatch:
    """Load the records of a file that overlap a region and pass a filter.

    The records are those that ``samtools view`` gives for the region with the same filter. A contig that the
    file lacks gives an empty batch. Reads without qualities get ``assume_quality``, or 0.

    Raises
    ------
    FormatError
        A block or a record is damaged, or records are out of order.
    """
    contig = bam.contigs.get(region.contig)
    chunks = [] if contig is None else bam.index.chunks(contig, region.start, region.end)
    if contig is None or not chunks:
        return RecordBatch(np.empty(0, np.uint8), np.empty(0, RECORD))
    data, segments = bam.blocks.read(chunks, threads=threads)
    count, offset = kernels.count_records(data, segments)
    if count < 0:
        raise _error(bam, region, kernels.BAD_SIZE, int.from_bytes(data[offset : offset + 4].tobytes(), "little"))
    records = np.empty(count, RECORD)
    filled, status, _, found = kernels.load_records(
        data,
        segments,
        len(bam.contigs),
        contig,
        region.start,
        region.end,
        read_filter.min_mapq,
        int(read_filter.require_flags),
        int(read_filter.exclude_flags),
        read_filter.drop_orphans,
        records,
    )
    if status != kernels.OK:
        raise _error(bam, region, status, found, record=filled)
    batch = RecordBatch(data, records[:filled].copy())
    kernels.fill_missing_qualities(data, batch.records, read_filter.assume_quality or 0)
    return batch


def _error(bam: BamFile, region: Region, status: int, found: int, record: int | None = None) -> FormatError:
    message, template = _COMPLAINTS[status]
    return FormatError(
        message,
        path=bam.path,
        place=f"region {region}" + ("" if record is None else f", after {record} records that passed"),
        found=template.format(found),
        advice="the BAM is damaged, or its index belongs to another file: make both again (samtools sort, samtools index)",
    )
