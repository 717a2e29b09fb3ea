"""The one place where Numba's flags are set."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from pickle import UnpicklingError

import numba
import numpy as np

_log = logging.getLogger(__name__)
_is_announced = ContextVar("is_announced", default=False)


def kernel(function):
    """Compile a plain function over arrays: without the GIL, cached on disk if it can be, C rules for division by zero.

    With ``NUMBA_DISABLE_JIT=1`` it stays plain Python, so that one can step through it.
    """
    if numba.config.DISABLE_JIT:
        return _as_compiled(function)
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        compiled.enable_caching()
    except RuntimeError:  # neither beside the module nor at home can a file be written, as in many containers
        return compiled
    _forget_what_cannot_be_read(compiled._cache._cache_file)
    return compiled


def _forget_what_cannot_be_read(cache):
    """Let an index of compiled versions count as empty if it names types that are not there any more, as after an upgrade.

    Numba looks whether a kernel is newer than its index, but only when it has read all of that.
    """
    load = cache._load_index

    def load_or_forget():
        try:
            return load()
        except (AttributeError, ImportError, EOFError, UnpicklingError):
            return {}

    cache._load_index = load_or_forget


def _as_compiled(function):
    """Give a function what compiled code has: attributes of structured arrays, and integers that wrap around."""

    @wraps(function)
    def call(*arguments):
        with np.errstate(all="ignore"):
            return function(*(a.view(np.recarray) if _is_structured(a) else a for a in arguments))

    return call


def _is_structured(argument):
    return isinstance(argument, np.ndarray) and argument.dtype.names is not None


def announce_compilation(*modules: str, seconds: int = 40) -> None:
    """Say that kernels are about to be compiled, and for how long, unless the cache has those of all modules already."""
    if numba.config.DISABLE_JIT or _is_announced.get():
        return
    folder = _folder_of_compiled()
    if folder is None:
        advice = "NUMBA_CACHE_DIR can name a folder that can be written, to keep them"
        _log.warning("compiling kernels, about %d s; this happens on every run: %s", seconds, advice)
    elif not all(any(folder.rglob(f"{module}.*.nbi")) for module in modules):
        _log.info("compiling kernels, about %d s; this happens only once per installation", seconds)


@contextmanager
def announced_together(*modules: str, seconds: int) -> Iterator[None]:
    """Announce the kernels of several calls as one; within the block, or the function, the calls do not."""
    announce_compilation(*modules, seconds=seconds)
    token = _is_announced.set(True)
    try:
        yield
    finally:
        _is_announced.reset(token)


def _folder_of_compiled():
    """Where Numba keeps what it compiles, in folders below; None where it can write nowhere."""
    folder = kernel(lambda: None)._cache.cache_path
    return None if folder is None else Path(folder).parent
