"""What is in files, told by checksums that are known again as long as the system says that a file has not been touched."""

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Final

from colonnade.errors import OutputError
from colonnade.formats.output import OutputSet

_ALGORITHM: Final = "sha256"

#: Seconds after its last change in which a file may change again without that being seen: clocks of file systems are coarse.
_UNSURE: Final = 2.0

_Look = list[int]


class Contents:
    """Checksums of files, each taken once: a file is read again only where its size, times or place on the disk are others.

    Parameters
    ----------
    cache
        The file that ``save`` keeps them in; it may be missing, or hold anything.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known: dict[str, tuple[_Look, str]] = {}
        self._unsure: set[str] = set()
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
            self._known = {name: (look, checksum) for name, (look, checksum) in json.loads(cache.read_text()).items()}

    def of(self, path: str | os.PathLike[str]) -> str:
        """SHA-256 of a file, as ``sha256sum`` writes it.

        Raises
        ------
        OSError
            It cannot be read.
        """
        name = os.path.abspath(path)
        look = _look(name)
        known = self._known.get(name)
        if known is not None and known[0] == look:
            return known[1]
        if max(look[-2:]) > (time.time() - _UNSURE) * 1e9:
            self._unsure.add(name)
        with open(path, "rb") as file:
            checksum = hashlib.file_digest(file, _ALGORITHM).hexdigest()
        self._known[name] = look, checksum
        return checksum

    def save(self) -> None:
        """Keep what is known of files for another run, but for those that had only just been changed when they were read.

        Where that cannot be written, the next run reads them again.
        """
        sure = {name: found for name, found in self._known.items() if name not in self._unsure}
        with contextlib.suppress(OutputError), OutputSet([self._cache], force=True) as files:
            files.write(self._cache, [json.dumps(sure, indent=0, sort_keys=True)])


def _look(path: str) -> _Look:
    """Of a file or what a link leads to: its place on the disk, its size, and when data and status changed, in ns."""
    status = os.stat(path)
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
