"""Reading a BAI index into flat arrays (SAM specification, section 5.2)."""

import numpy as np

from colonnade.jit import kernel

METADATA_BIN = 37450


@kernel
def _int32(data, offset):
    return np.int64(np.int32(data[offset] | data[offset + 1] << 8 | data[offset + 2] << 16 | data[offset + 3] << 24))


@kernel
def _int64(data, offset):
    value = np.uint64(0)
    for byte in range(8):
        value |= np.uint64(data[offset + byte]) << np.uint64(8 * byte)
    return np.int64(value)


@kernel
def count_bai(data, n_contigs):
    """Count bins, chunks and linear-index windows; returns (bins, chunks, windows, end offset), or end -1 if cut short."""
    size = data.size
    offset = 8
    bins = chunks = windows = 0
    for _ in range(n_contigs):
        if offset + 4 > size:
            return bins, chunks, windows, -1
        n_bins = _int32(data, offset)
        offset += 4
        if n_bins < 0:
            return bins, chunks, windows, -1
        for _bin in range(n_bins):
            if offset + 8 > size:
                return bins, chunks, windows, -1
            n_chunks = _int32(data, offset + 4)
            offset += 8 + 16 * n_chunks
            if n_chunks < 0 or offset > size:
                return bins, chunks, windows, -1
            bins += 1
            chunks += n_chunks
        if offset + 4 > size:
            return bins, chunks, windows, -1
        n_windows = _int32(data, offset)
        offset += 4 + 8 * n_windows
        if n_windows < 0 or offset > size:
            return bins, chunks, windows, -1
        windows += n_windows
    return bins, chunks, windows, offset


@kernel
def fill_bai(data, n_contigs, bin_starts, window_starts, bin_numbers, chunk_starts, chunks, windows):
    """Fill arrays sized by ``count_bai``; ``bin_starts`` and ``window_starts`` are per contig, ``chunk_starts`` per bin."""
    offset = 8
    b = c = w = 0
    for contig in range(n_contigs):
        n_bins = _int32(data, offset)
        offset += 4
        for _bin in range(n_bins):
            bin_numbers[b] = _int32(data, offset)
            n_chunks = _int32(data, offset + 4)
            offset += 8
            for _chunk in range(n_chunks):
                chunks[c, 0] = _int64(data, offset)
                chunks[c, 1] = _int64(data, offset + 8)
                offset += 16
                c += 1
            b += 1
            chunk_starts[b] = c
        n_windows = _int32(data, offset)
        offset += 4
        for _window in range(n_windows):
            windows[w] = _int64(data, offset)
            offset += 8
            w += 1
        bin_starts[contig + 1] = b
        window_starts[contig + 1] = w
