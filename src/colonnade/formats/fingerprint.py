"""Is a file the same here and there? Told by its size, and by some of its bytes."""

import os
import zlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

from colonnade.errors import InputError

_PIECE: Final = 1 << 16  # bytes
_PIECES: Final = 17


@dataclass(frozen=True)
class Fingerprint:
    """What a file looks like.

    Parameters
    ----------
    path
        Its name, the same everywhere.
    size
        Its bytes.
    checksum
        CRC-32 of pieces of 64 KiB: its start, its end, and some spread evenly between them.
    """

    path: str
    size: int
    checksum: int

    @classmethod
    def of(cls, path: str | PathLike[str]) -> "Fingerprint":
        """Look at a file.

        Raises
        ------
        OSError
            It cannot be read.
        """
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            checksum, last = 0, max(0, size - _PIECE)
            for at in sorted({last * number // (_PIECES - 1) for number in range(_PIECES)}):
                file.seek(at)
                checksum = zlib.crc32(file.read(_PIECE), checksum)
        return cls(os.fspath(path), size, checksum)

    def __str__(self) -> str:
        return f"{self.size} bytes, checksum {self.checksum:08x}"

    def check(self) -> None:
        """Raise InputError where the file is not there, or is another one."""
        try:
            found = Fingerprint.of(self.path)
        except OSError as error:
            raise InputError(
                "cannot be read by this worker",
                path=self.path,
                found=error.strerror or str(error),
                expected=f"a file of {self.size} bytes",
                advice="all workers need the file under this name",
            ) from None
        if found != self:
            raise InputError(
                "another file than the one that the run began with",
                path=self.path,
                found=str(found),
                expected=str(self),
                advice="all workers need the same file under this name",
            )
