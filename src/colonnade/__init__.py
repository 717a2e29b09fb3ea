"""Compare populations of genomes, column by column.

>>> import colonnade as cn
>>> result = cn.compare({"wk4": "a.bam", "wk30": "b.bam"}, reference="ref.fa")  # doctest: +SKIP

The names are loaded when first used, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from colonnade.compare.engine import CompareResult, compare
    from colonnade.compare.options import CompareOptions
    from colonnade.compare.samples import REF, Comparison
    from colonnade.errors import ColonnadeError
    from colonnade.records.filters import Flag, ReadFilter
    from colonnade.regions import Region
    from colonnade.version import __version__

_HOMES = {
    "ColonnadeError": "colonnade.errors",
    "CompareOptions": "colonnade.compare.options",
    "CompareResult": "colonnade.compare.engine",
    "Comparison": "colonnade.compare.samples",
    "Flag": "colonnade.records.filters",
    "REF": "colonnade.compare.samples",
    "ReadFilter": "colonnade.records.filters",
    "Region": "colonnade.regions",
    "__version__": "colonnade.version",
    "compare": "colonnade.compare.engine",
}

__all__ = [
    "REF",
    "ColonnadeError",
    "CompareOptions",
    "CompareResult",
    "Comparison",
    "Flag",
    "ReadFilter",
    "Region",
    "__version__",
    "compare",
]


# The package of the same name is imported first and its name freed, so that importing one of its modules later on does
# not put the package where the function belongs.
import_module("colonnade.compare")
globals().pop("compare")


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
