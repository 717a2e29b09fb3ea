"""The one place where Numba's flags are set."""

import logging
from pathlib import Path

import numba

_log = logging.getLogger(__name__)


def kernel(function):
    """Compile a plain function over arrays: without the GIL, cached on disk, C rules for division by zero."""
    return numba.njit(nogil=True, cache=True, error_model="numpy")(function)


def announce_compilation() -> None:
    """Say that kernels are about to be compiled, unless an earlier run has left them in the cache."""
    folder = Path(numba.config.CACHE_DIR) if numba.config.CACHE_DIR else Path(__file__).parent
    if not any(folder.rglob("posterior_kernels.*.nbi")):
        _log.info("compiling kernels, about 20 s; this happens only once per installation")
