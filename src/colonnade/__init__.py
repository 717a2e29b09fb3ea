"""Compare populations of genomes, column by column.

>>> import colonnade as cn
>>> result = cn.compare({"wk4": "a.bam", "wk30": "b.bam"}, reference="ref.fa")  # doctest: +SKIP

The names are loaded when first used, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from colonnade.align.engine import align
    from colonnade.align.index import build_index
    from colonnade.align.inputs import ReadFiles, read_inputs
    from colonnade.align.options import AlignOptions
    from colonnade.align.summary import AlignSummary
    from colonnade.compare.engine import CompareResult, compare, compare_part, compare_to_files, merge_parts
    from colonnade.compare.options import CompareOptions
    from colonnade.compare.question import Part, Question
    from colonnade.compare.samples import REF, Comparison
    from colonnade.compare.stored import StoredResult, read_result
    from colonnade.errors import ColonnadeError
    from colonnade.pileup.columns import Alignment, Column, ColumnBatch, State
    from colonnade.pileup.engine import Pileup, pileup
    from colonnade.plan.api import plan
    from colonnade.plan.ranges import Range
    from colonnade.records.filters import Flag, ReadFilter
    from colonnade.regions import Region
    from colonnade.report.engine import write_report
    from colonnade.run.cluster import Cluster, connect, local_cluster
    from colonnade.run.executor import Executor, Threads
    from colonnade.tally.engine import RegionTally, tally
    from colonnade.version import __version__
    from colonnade.workflow.engine import SheetRun, run_sheet

_HOMES = {
    "AlignOptions": "colonnade.align.options",
    "AlignSummary": "colonnade.align.summary",
    "Alignment": "colonnade.pileup.columns",
    "Cluster": "colonnade.run.cluster",
    "ColonnadeError": "colonnade.errors",
    "Column": "colonnade.pileup.columns",
    "ColumnBatch": "colonnade.pileup.columns",
    "CompareOptions": "colonnade.compare.options",
    "CompareResult": "colonnade.compare.engine",
    "Comparison": "colonnade.compare.samples",
    "Executor": "colonnade.run.executor",
    "Flag": "colonnade.records.filters",
    "Part": "colonnade.compare.question",
    "Pileup": "colonnade.pileup.engine",
    "Question": "colonnade.compare.question",
    "REF": "colonnade.compare.samples",
    "Range": "colonnade.plan.ranges",
    "ReadFiles": "colonnade.align.inputs",
    "ReadFilter": "colonnade.records.filters",
    "Region": "colonnade.regions",
    "RegionTally": "colonnade.tally.engine",
    "State": "colonnade.pileup.columns",
    "SheetRun": "colonnade.workflow.engine",
    "StoredResult": "colonnade.compare.stored",
    "Threads": "colonnade.run.executor",
    "__version__": "colonnade.version",
    "align": "colonnade.align.engine",
    "build_index": "colonnade.align.index",
    "compare": "colonnade.compare.engine",
    "compare_part": "colonnade.compare.engine",
    "compare_to_files": "colonnade.compare.engine",
    "connect": "colonnade.run.cluster",
    "local_cluster": "colonnade.run.cluster",
    "merge_parts": "colonnade.compare.engine",
    "pileup": "colonnade.pileup.engine",
    "plan": "colonnade.plan.api",
    "read_inputs": "colonnade.align.inputs",
    "read_result": "colonnade.compare.stored",
    "run_sheet": "colonnade.workflow.engine",
    "tally": "colonnade.tally.engine",
    "write_report": "colonnade.report.engine",
}

__all__ = [
    "REF",
    "AlignOptions",
    "AlignSummary",
    "Alignment",
    "Cluster",
    "ColonnadeError",
    "Column",
    "ColumnBatch",
    "CompareOptions",
    "CompareResult",
    "Comparison",
    "Executor",
    "Flag",
    "Part",
    "Pileup",
    "Question",
    "Range",
    "ReadFiles",
    "ReadFilter",
    "Region",
    "RegionTally",
    "SheetRun",
    "State",
    "StoredResult",
    "Threads",
    "__version__",
    "align",
    "build_index",
    "compare",
    "compare_part",
    "compare_to_files",
    "connect",
    "local_cluster",
    "merge_parts",
    "pileup",
    "plan",
    "read_inputs",
    "read_result",
    "run_sheet",
    "tally",
    "write_report",
]


# The packages of the same names are imported first and their names freed, so that importing one of their modules later on
# does not put a package where a function belongs.
for _package in ("align", "compare", "pileup", "plan", "tally"):
    import_module(f"colonnade.{_package}")
    globals().pop(_package)
del _package


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
