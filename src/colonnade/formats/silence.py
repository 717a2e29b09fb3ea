"""Keeping htslib quiet: its complaints become our errors."""

import threading
from typing import Final

import pysam


class _Silence:
    """While any thread is inside, htslib prints nothing; its verbosity is one number for the whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._before = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._before = pysam.set_verbosity(0)
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                pysam.set_verbosity(self._before)


#: A context manager that may be entered by many threads at once.
silence: Final = _Silence()
