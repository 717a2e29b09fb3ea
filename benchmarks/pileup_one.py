"""Go through the columns of a BAM in one way: ``pileup_one.py WAY BAM [REGION]``."""

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import pysam

import colonnade


def _of_pysam(path: str) -> Iterator[Any]:
    """Columns of all reads, with htslib's overlap removal off, as colonnade's default."""
    file = pysam.AlignmentFile(path)
    return file.pileup(stepper="nofilter", max_depth=1_000_000, min_base_quality=0, ignore_overlaps=False)


def _pysam_columns(path: str, _: str | None) -> int:
    return sum(1 for _column in _of_pysam(path))


def _pysam_reads(path: str, _: str | None) -> int:
    return sum(1 for column in _of_pysam(path) for _read in column.pileups)


def _pysam_positions(path: str, _: str | None) -> int:
    return sum(len(column.get_query_positions()) for column in _of_pysam(path))


def _pysam_bases(path: str, _: str | None) -> int:
    return sum(len(column.get_query_positions()) + len(column.get_query_sequences()) for column in _of_pysam(path))


def _batches(path: str, region: str | None) -> int:
    return sum(len(batch) for batch in colonnade.pileup(path, region).batches())


def _positions(path: str, region: str | None) -> int:
    return sum(column.query_positions.size for column in colonnade.pileup(path, region).columns())


def _bases(path: str, region: str | None) -> int:
    return sum(column.query_positions.size + column.bases.size for column in colonnade.pileup(path, region).columns())


WAYS: Final[dict[str, Callable[[str, str | None], int]]] = {
    "pysam": _pysam_columns,
    "pysam-reads": _pysam_reads,
    "pysam-positions": _pysam_positions,
    "pysam-bases": _pysam_bases,
    "batches": _batches,
    "columns-positions": _positions,
    "columns-bases": _bases,
}


def main(way: str, path: str, region: str | None = None) -> None:
    """Print how much was seen."""
    print(WAYS[way](path, region))


if __name__ == "__main__":
    main(*sys.argv[1:])
