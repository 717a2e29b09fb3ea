"""One process at a time: a lock that goes with the file that it is for."""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from colonnade.formats.locks import lock_now

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def making(target: Path) -> Iterator[None]:
    """Keep other processes, and threads, from making the same file at the same time; they wait here.

    The lock is on a hidden file beside the target, which is removed at the end. On a file system without locks nobody waits.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    path = target.with_name(f".{target.name}.lock")
    file = _lock(path, target)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def _lock(path: Path, target: Path) -> BinaryIO:
    while True:
        file = path.open("wb")
        try:
            _wait(file, target)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return file
        except BaseException:
            file.close()
            raise
        file.close()  # who had it before has removed it: what is locked is no longer the file that others lock


def _wait(file: BinaryIO, target: Path) -> None:
    try:
        lock_now(file)
    except BlockingIOError:
        _log.info("waiting for another process that makes %s", target)
        fcntl.flock(file, fcntl.LOCK_EX)
