"""How far apart are the base compositions of two samples, and how sure is that: the main job."""

from colonnade.compare.engine import TABLES, CompareResult, Question, compare, compare_to_files
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import REF, Comparison, read_pairs_file, read_samples_file

__all__ = [
    "REF",
    "TABLES",
    "CompareOptions",
    "CompareResult",
    "Comparison",
    "Question",
    "compare",
    "compare_to_files",
    "read_pairs_file",
    "read_samples_file",
]
