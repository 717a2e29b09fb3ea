"""The one place where Numba's flags are set."""

from pathlib import Path

import numba


def kernel(function):
    """Compile a plain function over arrays: without the GIL, cached on disk, C rules for division by zero."""
    return numba.njit(nogil=True, cache=True, error_model="numpy")(function)


def kernels_are_cached() -> bool:
    """Whether an earlier run has left compiled kernels behind (in Numba's cache directory or beside the sources)."""
    roots = [Path(numba.config.CACHE_DIR)] if numba.config.CACHE_DIR else [Path(__file__).parent]
    return any(next(root.rglob("*compare_range*.nbi"), None) or next(root.rglob("tally_kernels*.nbi"), None) for root in roots)
