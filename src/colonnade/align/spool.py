"""Located batches between the two passes: packed, in order, in a nameless file."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import pyarrow as pa

from colonnade.align.batch import Batch
from colonnade.errors import OutputError

# Of bytes as they come, 280 to 560 for each read, zstd leaves 15 to 28 % and takes 0.6 to 1.0 us; lz4 leaves 24 to 49 % and takes
# 0.4 to 0.7 us. A search takes 10 us and more, so the smaller file wins.
_CODEC: Final = pa.Codec("zstd", compression_level=1)


class Packed(NamedTuple):
    """A batch for the spool: compressed bytes, and how many there are without compression."""

    data: pa.Buffer
    size: int


def pack(batch: Batch) -> Packed:
    """Make a batch ready for the spool."""
    data = batch.to_bytes()
    return Packed(_CODEC.compress(data), len(data))


def unpack(packed: Packed) -> Batch:
    """The inverse of ``pack``."""
    return Batch.from_bytes(memoryview(_CODEC.decompress(packed.data, packed.size)))


class Spool:
    """Packed batches in a file that has no name, so that nothing is left of it however the process ends. A context manager.

    Parameters
    ----------
    folder
        Where the file is, once there is a batch; None is the system's folder for temporary files.

    Attributes
    ----------
    size
        Bytes of the file.

    Raises
    ------
    OutputError
        By ``add`` and iteration: the file cannot be made, written or read.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = Path(tempfile.gettempdir()) if folder is None else folder
        self._file: BinaryIO | None = None
        self._sizes: list[tuple[int, int]] = []
        self.size = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with suppress(OSError):  # what is buffered for a full disk fails once more
                self._file.close()

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, packed: Packed) -> None:
        """Append a batch."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
            self._file.write(packed.data)
            self._file.flush()
        except OSError as error:
            raise self._failure("cannot be written", error, "is there space?") from None
        self._sizes.append((packed.data.size, packed.size))
        self.size += packed.data.size

    def __iter__(self) -> Iterator[Packed]:
        """All batches that were added, in order."""
        if self._file is None:
            return
        self._file.seek(0)
        for packed_size, size in self._sizes:
            try:
                data = self._file.read(packed_size)
            except OSError as error:
                raise self._failure("cannot be read", error) from None
            yield Packed(pa.py_buffer(data), size)

    def _failure(self, what: str, error: OSError, advice: str | None = None) -> OutputError:
        found = error.strerror or str(error)
        return OutputError(f"a temporary file {what} there", path=self._folder, found=found, advice=advice)
