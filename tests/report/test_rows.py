"""The rows of a page are those of the table, in small integers."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from made_results import Made, write_made_result

import colonnade as cn
from colonnade.formats.fasta import REFERENCE_LETTERS
from colonnade.report.embedding import MISSING_2, MISSING_4
from colonnade.report.rows import STATES, UNIT, in_units, make_keys, p_value_texts, read_rows, split_key

KINDS = ("tsv", "tsv.gz", "parquet")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["dist", "idist"])
def test_every_cell_is_that_of_the_table(tmp_path: Path, kind, name: str) -> None:
    made = Made(n_loci=30, n_changed=20, samples=("a", "b", "c"), kind=kind, n_evidence=4)
    result = cn.read_result(write_made_result(tmp_path / "r", made))
    rows, table = read_rows(result, name), result.read(name)
    contigs = list(result.facts["reference"]["md5"])
    assert rows.total == len(rows) == len(table) > 0
    for number, expected in enumerate(table.to_pylist()):
        found = {column: values[number] for column, values in rows.columns.items()}
        pair = result.comparisons[found["comparison"]]
        assert (pair.sample_1, pair.sample_2) == (expected.pop("sample_1"), expected.pop("sample_2"))
        assert contigs[found["contig"]] == expected.pop("contig")
        assert REFERENCE_LETTERS[found["reference"]] == expected.pop("reference")
        assert STATES[found["state"]] == expected.pop("state")
        for column, value in expected.items():
            assert said(rows, found[column], column) == (None if value is None else as_said(value, column)), column


def said(rows, value, column: str):
    """A number of a page as a value of the table."""
    if column in rows.texts:
        text = None if value == MISSING_4 else rows.texts[column][value]
        return float(text) if text is not None and column == "strand_p" else text
    if value.dtype == np.uint16:
        return None if value == MISSING_2 else value / UNIT
    return None if value == MISSING_4 else int(value)


def as_said(value, column: str):
    """A value of the table with the digits that text has."""
    if column == "strand_p":
        return float(f"{value:.3g}")
    return round(value, 4) if isinstance(value, float) else value


@pytest.mark.parametrize(
    ("number", "units"), [(0.0, 0), (1.0, 10000), (0.12345, 1235), (0.00005, 1), (None, MISSING_2)]
)
def test_numbers_are_in_units_of_their_last_decimal_as_text_rounds_them(number, units: int) -> None:
    assert in_units(pa.array([0.5, number], pa.float64()).slice(1)).tolist() == [units]


def test_nan_is_nothing() -> None:
    assert in_units(pa.array([float("nan")])).tolist() == [MISSING_2]
    assert p_value_texts(pa.array([float("nan"), None, 1.23456e-300])).to_pylist() == [None, None, "1.23e-300"]


def test_p_values_are_as_text_has_them() -> None:
    assert p_value_texts(pa.array([0.0, 1.0, 0.25, 1e-9])).to_pylist() == ["0.0", "1.0", "0.25", "1e-09"]
    assert p_value_texts(pa.array([], pa.float64())).to_pylist() == []


def test_changed_rows_with_the_largest_distances_are_kept_in_their_order(tmp_path: Path) -> None:
    made = Made(n_loci=200, n_changed=50, n_evidence=4)
    result = cn.read_result(write_made_result(tmp_path / "r", made))
    everything, table = read_rows(result, "dist"), result.read("dist").to_pylist()
    best = sorted(
        range(200), key=lambda row: (table[row]["state"] != "changed", -round(table[row]["distance_mean"], 4), row)
    )
    for most in (1, 20, 70):
        rows = read_rows(result, "dist", most=most)
        assert rows.total == 200
        assert rows.columns["position"].tolist() == everything.columns["position"][sorted(best[:most])].tolist()


def test_changed_rows_are_kept_however_large_the_distances_of_others_are(tmp_path: Path) -> None:
    prefix = write_made_result(tmp_path / "r", Made(n_loci=40, n_changed=5, n_evidence=4))
    path = Path(f"{prefix}.dist.tsv")
    header, *lines = (line.split("\t") for line in path.read_text().splitlines())
    for line in lines:
        if line[header.index("state")] != "changed":
            line[header.index("distance_mean")] = "0.9999"
    path.write_text("".join("\t".join(line) + "\n" for line in (header, *lines)))
    rows = read_rows(cn.read_result(prefix), "dist", most=5)
    assert rows.has_changed.tolist() == [True] * 5


def test_what_is_kept_does_not_depend_on_how_rows_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = cn.read_result(write_made_result(tmp_path / "r", Made(n_loci=300, n_evidence=4)))
    expected = read_rows(result, "dist", most=40)
    batches = [
        rows for batch in result.batches("dist") for rows in pa.Table.from_batches([batch]).to_batches(max_chunksize=7)
    ]
    monkeypatch.setattr(type(result), "batches", lambda self, name: iter(batches))
    found = read_rows(result, "dist", most=40)
    for name, values in expected.columns.items():
        if name not in expected.texts:
            np.testing.assert_array_equal(found.columns[name], values)


def test_keys_rise_with_the_genome_and_come_apart_again() -> None:
    keys = make_keys(np.array([0, 1, 1]), np.array([(1 << 32) - 1, 1, 2]))
    assert (np.diff(keys) > 0).all()
    assert [split_key(key) for key in keys] == [(0, (1 << 32) - 1), (1, 1), (1, 2)]
