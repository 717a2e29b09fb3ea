"""Locks on open files: they go when the file is closed, or the process ends."""

import fcntl
from errno import ENOLCK, ENOSYS, ENOTSUP
from typing import Any, Final

_WITHOUT_LOCKS: Final = (ENOLCK, ENOSYS, ENOTSUP)  # what file systems say that have none


def lock_now(file: Any) -> bool:
    """Keep other processes from locking a file; False on a file system without locks, where nobody is kept from anything.

    Raises
    ------
    BlockingIOError
        Somebody else has it locked.
    OSError
        Locking fails in any other way.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _WITHOUT_LOCKS:
            return False
        raise
    return True
