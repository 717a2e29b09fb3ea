"""What the first pass makes of batches: packed, in order, in a file of frames, for the second pass or for a run that goes on."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from colonnade.align.batch import Batch
from colonnade.align.insert_sizes import Observed
from colonnade.align.reads import Cut
from colonnade.align.summary import Counts
from colonnade.formats.frames import Frames

# Of bytes as they come, 280 to 560 for each read, zstd leaves 15 to 28 % and takes 0.6 to 1.0 us; lz4 leaves 24 to 49 % and takes
# 0.4 to 0.7 us. A search takes 10 us and more, so the smaller file wins.
_CODEC: Final = pa.Codec("zstd", compression_level=1)

#: Of a frame: reads before the batch, its reads, their checksum, whether it waits, units observed, bytes of these as packed, pieces
#: of final records, bytes of the batch or the records when unpacked, counts. Behind it what was observed, sizes of pieces, and the
#: data.
_HEAD: Final = struct.Struct(f"<{8 + len(Counts._fields)}q")
_UNIT: Final = 24  # bytes of what is observed of a pair or a single read: three numbers


class Packed(NamedTuple):
    """Bytes, compressed unless that does not make them fewer, and how many there are without compression."""

    data: pa.Buffer
    size: int


class Located(NamedTuple):
    """What the first pass makes of a batch.

    Attributes
    ----------
    start
        How many reads there are before these.
    reads
        How many these are.
    observed
        Insert sizes.
    counts
        What final records amount to; None where the batch waits for insert sizes.
    data
        Final records, or the located batch that waits.
    sizes
        As ``Pieces`` have them, of final records.
    checksum
        Of the reads as they came, where the result is kept for a run that goes on; that one must have the same.
    """

    start: int
    reads: int
    observed: Observed
    counts: Counts | None
    data: Packed
    sizes: tuple[int, ...] = ()
    checksum: int = 0


def pack(data: bytes | pa.Buffer) -> Packed:
    """Compress bytes."""
    compressed = _CODEC.compress(data)
    return Packed(min(pa.py_buffer(data), compressed, key=len), len(data))  # of equals, what `unpack` takes it for


def unpack(packed: Packed) -> pa.Buffer:
    """The inverse of ``pack``."""
    return packed.data if packed.data.size == packed.size else _CODEC.decompress(packed.data, packed.size)


def pack_batch(batch: Batch) -> Packed:
    """Make a batch ready for the spool."""
    return pack(batch.to_bytes())


def unpack_batch(packed: Packed) -> Batch:
    """The inverse of ``pack_batch``."""
    return Batch.from_bytes(memoryview(unpack(packed)))


class Spool:
    """Results of the first pass, in order. A context manager.

    Parameters
    ----------
    frames
        Where all of them are kept, and the first are already; None: those that wait for insert sizes go to a file without name, of
        which nothing is left however the process ends,
    folder
        in this folder, once there is one; None is the system's folder for temporary files.
    cut
        How reads are cut into the batches that it has.

    Raises
    ------
    OutputError
        By ``add``: the file cannot be made or written.
    """

    def __init__(self, frames: Frames | None, folder: Path | None, cut: Cut) -> None:
        self.cut = cut
        self._frames = frames
        self._folder = folder
        self.keeps_all = frames is not None

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._frames is not None:
            self._frames.close()

    def __len__(self) -> int:
        return 0 if self._frames is None else len(self._frames)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return 0 if self._frames is None else self._frames.size

    def add(self, located: Located) -> None:
        """Keep a result, if it is to be kept."""
        if located.counts is not None and not self.keeps_all:
            return
        if self._frames is None:
            self._frames = Frames.create(None, {}, folder=self._folder)
        self._frames.append(*_encoded(located))

    def __iter__(self) -> Iterator[Located]:
        """All results that were kept, in order."""
        yield from map(_decoded, self._frames or ())


def _encoded(located: Located) -> tuple[bytes, memoryview, bytes, memoryview]:
    observed = pack(b"".join(array.tobytes() for array in located.observed))
    head = _HEAD.pack(
        located.start,
        located.reads,
        located.checksum,
        located.counts is None,
        len(located.observed.groups),
        observed.data.size,
        len(located.sizes),
        located.data.size,
        *(located.counts or Counts()),
    )
    return head, memoryview(observed.data), np.array(located.sizes, "<i8").tobytes(), memoryview(located.data.data)


def _decoded(frame: bytes) -> Located:
    start, reads, checksum, waits, units, observed_size, pieces, size, *counts = _HEAD.unpack_from(frame)
    parts = pa.py_buffer(frame)
    observed = unpack(Packed(parts.slice(_HEAD.size, observed_size), _UNIT * units))
    sizes = np.frombuffer(frame, "<i8", pieces, _HEAD.size + observed_size)
    columns = np.frombuffer(observed, np.int64).reshape(3, units)
    return Located(
        start,
        reads,
        Observed(columns[0].view(np.uint64), columns[1], columns[2]),
        None if waits else Counts(*counts),
        Packed(parts.slice(_HEAD.size + observed_size + sizes.nbytes), size),
        tuple(sizes.tolist()),
        checksum,
    )
