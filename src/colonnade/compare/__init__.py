"""How far apart are the base compositions of two samples, and how sure is that: the main job."""

from colonnade.compare.engine import CompareResult, compare
from colonnade.compare.options import CompareOptions

__all__ = ["CompareOptions", "CompareResult", "compare"]
