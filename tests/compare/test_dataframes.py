"""polars, pandas and DuckDB take the tables of a comparison as they are: from memory, and from files of each kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import colonnade as cn
from colonnade.compare.engine import compare_to_files

SEQUENCE = "ACGTACGTAC" * 6
CHANGED = [11, 31]
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def question(tmp_path_factory) -> cn.Question:
    """Positions 11 and 31 change; the second sample is named as what readers of text take for a missing value."""
    folder = tmp_path_factory.mktemp("samples")
    (folder / "ref.fa").write_text(f">c\n{SEQUENCE}\n")
    changed = "".join("T" if place + 1 in CHANGED else letter for place, letter in enumerate(SEQUENCE))
    for name, sequence in (("a", SEQUENCE), ("b", changed)):
        lines = [f"r{n}\t0\tc\t1\t60\t{len(sequence)}M\t*\t0\t0\t{sequence}\t{'I' * len(sequence)}" for n in range(30)]
        header = f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:{len(SEQUENCE)}\n"
        (folder / f"{name}.sam").write_text(header + "\n".join(lines) + "\n")
    return cn.Question({"first": folder / "a.sam", "NA": folder / "b.sam"}, folder / "ref.fa")


@pytest.fixture(scope="module")
def dist(question: cn.Question) -> pa.Table:
    return cn.compare(question.samples, reference=question.reference).dist


@pytest.fixture(scope="module")
def prefix(question: cn.Question, tmp_path_factory) -> Path:
    """Start of the names of files of all three kinds."""
    folder = tmp_path_factory.mktemp("results")
    for kind in ("tsv", "tsv.gz", "parquet"):
        compare_to_files(question, folder / "result", kind=kind, force=True)
    return folder / "result"


def from_pandas(frame: pd.DataFrame) -> Rows:
    frame = frame.astype(object).where(frame.notna(), None)
    return list(frame.itertuples(index=False, name=None))


IN_MEMORY: dict[str, Callable[[pa.Table], Rows]] = {
    "polars": lambda dist: pl.from_arrow(dist).rows(),
    "pandas": lambda dist: from_pandas(dist.to_pandas()),
    "duckdb": lambda dist: duckdb.sql("SELECT * FROM dist").fetchall(),
}


@pytest.mark.parametrize("library", IN_MEMORY)
def test_tables_in_memory_are_taken_as_they_are(dist: pa.Table, library: str) -> None:
    rows = IN_MEMORY[library](dist)
    assert rows == [tuple(row.values()) for row in dist.to_pylist()]
    assert [row[1] for row in rows] == CHANGED


def pandas_text(path: str) -> Rows:
    return from_pandas(pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""]))


def polars_text(path: str) -> Rows:
    return pl.read_csv(path, separator="\t", infer_schema_length=None).rows()


FILES: dict[str, Callable[[Path], Rows]] = {
    "polars, tsv": lambda prefix: polars_text(f"{prefix}.dist.tsv"),
    "polars, tsv.gz": lambda prefix: polars_text(f"{prefix}.dist.tsv.gz"),
    "polars, parquet": lambda prefix: pl.read_parquet(f"{prefix}.dist.parquet").rows(),
    "pandas, tsv": lambda prefix: pandas_text(f"{prefix}.dist.tsv"),
    "pandas, tsv.gz": lambda prefix: pandas_text(f"{prefix}.dist.tsv.gz"),
    "pandas, parquet": lambda prefix: from_pandas(pd.read_parquet(f"{prefix}.dist.parquet")),
    "duckdb, tsv": lambda prefix: duckdb.read_csv(f"{prefix}.dist.tsv").fetchall(),
    "duckdb, tsv.gz": lambda prefix: duckdb.read_csv(f"{prefix}.dist.tsv.gz").fetchall(),
    "duckdb, parquet": lambda prefix: duckdb.read_parquet(f"{prefix}.dist.parquet").fetchall(),
}


@pytest.mark.parametrize("way", FILES)
def test_files_of_each_kind_hold_the_same_rows(dist: pa.Table, prefix: Path, way: str) -> None:
    rows = FILES[way](prefix)
    assert len(rows) == len(dist)
    for found, row in zip(rows, dist.to_pylist(), strict=True):
        assert found == tuple(
            pytest.approx(value, abs=1e-4) if isinstance(value, float) else value for value in row.values()
        )
