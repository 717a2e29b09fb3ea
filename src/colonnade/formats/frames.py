"""A file of frames: facts, then pieces of bytes with checksums, in order; one that was cut short is good up to the cut."""

import contextlib
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from colonnade.errors import ColonnadeError, FormatError, UsageError
from colonnade.formats.locks import lock_now
from colonnade.formats.output import ADVICE_ON_FOLDERS, cannot_be_written

_MAGIC: Final = b"colonnade frames 1\n"
_HEAD: Final = struct.Struct("<QI")  # bytes of a piece, and a checksum
_END: Final = _HEAD.pack((1 << 64) - 1, 0)
_MOST_FACTS: Final = 1 << 30


class Frames:
    """Pieces of bytes in a file, in order. A context manager; made by ``create``, ``reopen`` or ``read``.

    Attributes
    ----------
    facts
        What the pieces are about, as JSON has it.
    is_complete
        Whether the file has its end.
    path
        Its name, or the folder of one without.
    """

    def __init__(self, file: BinaryIO, path: Path, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self.is_complete = False
        self._file = file
        self.path = path
        self._first = self._end = file.tell()
        self._n = 0

    @classmethod
    def create(
        cls, path: str | PathLike[str] | None, facts: Mapping[str, Any], *, folder: Path | None = None
    ) -> "Frames":
        """Begin a file; one without name in ``folder``, of which nothing is left however the process ends, if ``path`` is None.

        Raises
        ------
        OutputError
            It cannot be made, here or by ``append``.
        UsageError
            It exists.
        """
        place = Path(tempfile.gettempdir()) if folder is None else folder
        target = place if path is None else Path(path)
        try:
            file = tempfile.TemporaryFile(dir=place) if path is None else target.open("x+b")  # noqa: SIM115
        except FileExistsError:
            raise UsageError("exists", path=target, advice="choose another name, or remove it") from None
        except OSError as error:
            raise cannot_be_written(target, error, ADVICE_ON_FOLDERS) from None
        with _closing_on_error(file):
            _lock(file, target)
            data = json.dumps(facts).encode()
            try:
                file.write(_MAGIC + _head(data) + data)
                file.flush()
            except OSError as error:
                if path is not None:
                    target.unlink(missing_ok=True)  # nobody could go on behind half a head
                raise cannot_be_written(target, error, "is there space?") from None
            return cls(cast(BinaryIO, file), target, facts)

    @classmethod
    def reopen(cls, path: str | PathLike[str]) -> "Frames":
        """Go on with a file; a last piece that was cut short, or is damaged, is dropped with all behind it.

        Raises
        ------
        FormatError
            Not such a file, or its facts are damaged.
        UsageError
            Another process is at work on it.
        """
        return cls._opened(Path(path), "r+b")

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "Frames":
        """Open a complete file for reading.

        Raises
        ------
        FormatError
            Not such a file, cut short, or damaged.
        """
        frames = cls._opened(Path(path), "rb")
        if not frames.is_complete:
            frames.close()
            raise FormatError(
                "not complete", path=path, found=f"{len(frames)} good pieces and no end", advice="make it again"
            )
        return frames

    @classmethod
    def _opened(cls, path: Path, mode: str) -> "Frames":
        file = cast(BinaryIO, path.open(mode))
        with _closing_on_error(file):
            if mode != "rb":
                _lock(file, path)
            magic = file.read(len(_MAGIC))
            if not _MAGIC.startswith(magic):
                raise FormatError("not a file of colonnade's working results", path=path, advice="name another file")
            data = _read_piece(file, _MOST_FACTS)
            try:
                facts = json.loads(data or b"")
            except ValueError:
                raise FormatError(
                    "its head is damaged or cut short", path=path, advice="remove it, and begin anew"
                ) from None
            frames = cls(file, path, facts)
            frames._find_end()
            if mode != "rb" and not frames.is_complete:
                file.truncate(frames._end)
            return frames

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._n

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._end

    def append(self, *parts: bytes | memoryview) -> None:
        """Add a piece; it is with the system before this returns, so that it outlives the process."""
        self._write(_head(*parts), *parts)
        self._n += 1

    def complete(self) -> None:
        """Mark the end; nothing can be added any more."""
        self._write(_END)
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_be_written(self.path, error) from None
        self.is_complete = True

    def __iter__(self) -> Iterator[bytes]:
        """All pieces in order, as often as wanted; also between calls of ``append``."""
        at = self._first
        for _ in range(self._n):
            self._file.seek(at)
            try:
                data = _read_piece(self._file, self._end)
            except OSError as error:
                raise ColonnadeError("cannot be read", path=self.path, found=error.strerror or str(error)) from None
            if data is None:
                raise FormatError("changed while it was read", path=self.path, place=f"byte {at}")
            at = self._file.tell()
            yield data

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with contextlib.suppress(OSError):  # what is buffered for a full disk fails once more
            self._file.close()

    def _write(self, *parts: bytes | memoryview) -> None:
        try:
            self._file.seek(self._end)
            for part in parts:
                self._file.write(part)
            self._file.flush()
            self._end = self._file.tell()
        except OSError as error:
            raise cannot_be_written(self.path, error, "is there space?") from None

    def _find_end(self) -> None:
        """Count good pieces up to the end, or to the first that is not good."""
        while True:
            self._file.seek(self._end)
            if self._file.read(_HEAD.size) == _END:
                self.is_complete = not self._file.read(1)
                return
            self._file.seek(self._end)
            if _read_piece(self._file, os.fstat(self._file.fileno()).st_size) is None:
                return
            self._end = self._file.tell()
            self._n += 1


def _head(*parts: bytes | memoryview) -> bytes:
    """What stands before a piece: its size, and the CRC-32 of that and of the piece."""
    size = sum(memoryview(part).nbytes for part in parts)
    checksum = zlib.crc32(size.to_bytes(8, "little"))  # not 0, else zeros that a crash has left would be pieces
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return _HEAD.pack(size, checksum)


def _read_piece(file: BinaryIO, most: int) -> bytes | None:
    """The piece that begins here; None where it is damaged or cut short."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, _ = _HEAD.unpack(head)
    if size > most:
        return None
    data = file.read(size)
    return data if _head(data) == head else None


def _lock(file: Any, path: Path) -> None:
    """Keep others from changing the file until it is closed."""
    try:
        lock_now(file)
    except BlockingIOError:
        raise UsageError("another process is at work on it", path=path, advice="wait for it, or end it") from None


@contextlib.contextmanager
def _closing_on_error(file: Any) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # what is buffered for a full disk fails once more
            file.close()
        raise
