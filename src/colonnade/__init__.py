"""Compare populations of genomes, column by column.

>>> import colonnade as cn
>>> result = cn.compare({"wk4": "a.bam", "wk30": "b.bam"}, reference="ref.fa")  # doctest: +SKIP
"""

from colonnade.compare import Comparison, CompareOptions, CompareResult, compare
from colonnade.errors import ColonnadeError
from colonnade.records.filters import Flag, ReadFilter
from colonnade.regions import Region
from colonnade.version import __version__

__all__ = [
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
