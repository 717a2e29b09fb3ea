"""A result is read back from its files as the call gives it; what is no result, or not whole, is told in one line."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from made_results import HOSTILE_CONTIGS, HOSTILE_SAMPLES, Made, write_made_result

import colonnade as cn
from colonnade.compare.engine import CompareResult, compare_part, compare_to_files
from colonnade.compare.question import Part, Question
from colonnade.compare.samples import REF, Comparison
from colonnade.compare.schemas import TABLES, table_schemas
from colonnade.compare.stored import read_result
from colonnade.errors import ColonnadeError, FormatError, InputError, UsageError
from colonnade.formats.table_files import FACTS_KEY, KINDS, Kind, open_table


@pytest.fixture(scope="module")
def in_memory(genome: Question) -> CompareResult:
    return cn.compare(genome.samples, reference=genome.reference, pairs=genome.pairs, options=genome.options)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return write_made_result(tmp_path / "made", Made(n_loci=50, n_evidence=4))


@pytest.mark.parametrize("kind", KINDS)
def test_tables_are_those_of_the_call(kind: Kind, genome: Question, in_memory: CompareResult, tmp_path: Path) -> None:
    prefix = tmp_path / "a.b"
    compare_to_files(genome, prefix, kind=kind)
    result = cn.read_result(str(prefix))
    assert result.tables == TABLES
    assert result.samples == ("early", "late")
    assert result.comparisons == (Comparison("early", "late"), Comparison("late", REF))
    assert result.facts == json.loads(json.dumps(in_memory.facts))
    for name in TABLES:
        table, expected = result.read(name), getattr(in_memory, name)
        assert table.schema.equals(expected.schema, check_metadata=True)
        assert json.loads(table.schema.metadata[FACTS_KEY]) == result.facts
        for column, values, field in zip(table.columns, expected.columns, expected.schema, strict=True):
            if pa.types.is_floating(field.type) and kind != "parquet":
                np.testing.assert_allclose(column.to_numpy(), values.to_numpy(), rtol=0.005, atol=0.00005)
            else:
                assert column.equals(values)
        assert pa.Table.from_batches(result.batches(name), table.schema).equals(table)


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_never_taken_for_something_else(kind: Kind, tmp_path: Path) -> None:
    made = Made(n_loci=40, n_changed=20, samples=HOSTILE_SAMPLES, contigs=HOSTILE_CONTIGS, n_evidence=4, kind=kind)
    result = read_result(write_made_result(tmp_path / "made", made))
    assert result.samples == HOSTILE_SAMPLES
    assert set(result.read("comp")["sample"].to_pylist()) == set(HOSTILE_SAMPLES)
    assert list(dict.fromkeys(result.read("dist")["contig"].to_pylist())) == list(HOSTILE_CONTIGS)
    assert result.read("evidence")["sample"].null_count == 0


def test_made_up_results_are_the_same_on_every_run_and_hold_together(tmp_path: Path) -> None:
    made = Made(n_loci=60, n_changed=20, samples=("a", "b", "c"), contigs={"x": 3000, "y": 1000}, n_evidence=8)
    first, second = (write_made_result(tmp_path / name, made) for name in ("first", "second"))
    result = read_result(first)
    for name in TABLES:
        assert result.path(name).read_bytes() == read_result(second).path(name).read_bytes()
    rows = {name: result.read(name).to_pylist() for name in TABLES}
    sizes = {"dist": 180, "comp": 720, "idist": 30, "stats": 3, "evidence": 1440, "windows": 12, "depth": 12}
    assert {name: len(found) for name, found in rows.items()} == sizes
    changed = Counter((row["sample_1"], row["sample_2"]) for row in rows["dist"] if row["state"] == "changed")
    assert changed == {(row["sample_1"], row["sample_2"]): row["changed"] for row in rows["stats"]}
    assert changed["a", "c"] == 20
    depths: Counter[tuple[str, int, str]] = Counter()
    for row in rows["evidence"]:
        depths[row["contig"], row["position"], row["sample"]] += row["count"]
    assert depths == {(row["contig"], row["position"], row["sample"]): row["depth"] for row in rows["comp"]}


def test_it_shows_itself_in_one_line(made: Path) -> None:
    assert repr(read_result(made)) == f"StoredResult({made}: early, late; {', '.join(TABLES)})"


def test_a_table_that_was_not_written_is_told_apart_from_one_that_there_never_is(tmp_path: Path) -> None:
    prefix = write_made_result(tmp_path / "made", Made(n_loci=10, tables=("stats", "dist")))
    result = read_result(prefix)
    assert result.tables == ("dist", "stats")
    assert result.path("dist") == Path(f"{prefix}.dist.tsv")
    with pytest.raises(InputError, match=f"{prefix}: table comp is not there; found dist, stats; .* --write"):
        result.read("comp")
    with pytest.raises(UsageError, match="unknown table; found 'dists'; expected dist, comp"):
        result.path("dists")


def test_names_of_other_results_do_not_disturb(made: Path) -> None:
    Path(f"{made}.old.dist.parquet").touch()
    Path(f"{made}.dist.tsv.gz.tbi").touch()
    made.with_name(f".{made.name}.dist.tsv.gz.77.part").touch()
    assert read_result(made).tables == TABLES


def test_tables_of_two_kinds_are_refused(made: Path) -> None:
    Path(f"{made}.comp.tsv.gz").touch()
    with pytest.raises(InputError, match=f"two kinds.*; found {made}.comp.tsv.gz and {made}.dist.tsv; remove"):
        read_result(made)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_another_run_is_refused(kind: Kind, tmp_path: Path) -> None:
    mine = write_made_result(tmp_path / "mine", Made(n_loci=10, kind=kind))
    others = {
        "sample": Made(n_loci=10, samples=("early", "later"), kind=kind),
        "contig": Made(n_loci=10, contigs={"chr2": 5000}, kind=kind),
    }
    for what, made in others.items():
        other = write_made_result(tmp_path / what, made)
        Path(f"{mine}.comp.{kind}").write_bytes(Path(f"{other}.comp.{kind}").read_bytes())
        with pytest.raises(InputError, match="of another run") as caught:
            read_result(mine).read("comp")
        assert kind == "parquet" or f"has no such {what}; found " in str(caught.value)


def test_a_table_of_comparisons_that_the_run_did_not_make_is_refused(tmp_path: Path) -> None:
    prefix = write_made_result(tmp_path / "made", Made(n_loci=10, samples=("a", "b", "c")))
    facts = Path(f"{prefix}.run.json")
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "comparisons": [["a", "b"], ["b", "c"]]}))
    for name in ("dist", "idist", "stats", "windows"):
        with pytest.raises(InputError, match=rf"{name}.tsv: of another run: .* no such comparison; found 'a' and 'c'"):
            read_result(prefix).read(name)
    assert len(read_result(prefix).read("comp"))


def test_columns_follow_the_quantiles_of_the_facts(tmp_path: Path) -> None:
    result = read_result(write_made_result(tmp_path / "made", Made(n_loci=10, quantiles=(0.25, 0.75))))
    assert result.read("comp").column_names[-2:] == ["q0.25", "q0.75"]
    facts = Path(f"{result.prefix}.run.json")
    facts.write_text(facts.read_text().replace("0.75", "0.8"))
    with pytest.raises(FormatError, match=r"line 1, column 12: .* 'q0.75'; expected 'q0.8'"):
        read_result(result.prefix).read("comp")


# What is no result


def the_error(prefix: Path) -> str:
    with pytest.raises(ColonnadeError) as caught:
        read_result(prefix)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_what_was_looked_for_is_said(tmp_path: Path, made: Path) -> None:
    assert f"no result of a comparison; found no file of it; expected {tmp_path}/x.run.json" in the_error(
        tmp_path / "x"
    )
    assert "no result of a comparison" in the_error(tmp_path)
    Path(f"{made}.run.json").unlink()
    assert f"found {made}.dist.tsv, {made}.comp.tsv without it" in the_error(made)


def test_one_file_of_a_result_leads_to_its_prefix(made: Path) -> None:
    for ending in ("dist.tsv", "run.json"):
        assert the_error(Path(f"{made}.{ending}")).endswith(f"name the start of all its files: {made}")


def test_parts_and_unfinished_runs_are_not_results(genome: Question, tmp_path: Path) -> None:
    part = compare_part(genome, tmp_path / "x[1]", Part(1, 2))
    assert the_error(part).endswith("merge all: colonnade merge")
    assert the_error(tmp_path / "x[1]").startswith(f"{part}: a part of a comparison; merge all of them first")
    part.rename(tmp_path / "y.unfinished")
    assert f"{tmp_path}/y.unfinished: a comparison that is not finished; go on with it" in the_error(tmp_path / "y")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "{}", '{"version": "1"}', "\xff", pytest.param("[" * 100_000, id="deep")],
)
def test_facts_that_are_none_are_refused(text: str, made: Path) -> None:
    Path(f"{made}.run.json").write_bytes(text.encode("latin-1"))
    assert f"{made}.run.json: not the facts of a comparison" in the_error(made)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", TABLES)
def test_missing_rows_are_told_of(kind: Kind, table: str, tmp_path: Path) -> None:
    whole, cut = (write_made_result(tmp_path / name, Made(n_loci=20, kind=kind)) for name in ("whole", "cut"))
    rows = read_result(whole).read(table)
    schema = table_schemas(Made.quantiles)[table]
    with read_result(cut).path(table).open("wb") as sink:
        file = open_table(sink, schema, kind)
        file.write(rows.slice(0, len(rows) - 1))
        file.finish(read_result(cut).facts)
    with pytest.raises(FormatError, match=f"rows are missing.*found {len(rows) - 1}; expected {len(rows)}"):
        read_result(cut).read(table)


def test_a_damaged_name_of_a_column_is_told_of(tmp_path: Path) -> None:
    made = write_made_result(tmp_path / "x", Made(n_loci=20, kind="parquet"))
    path = read_result(made).path("dist")
    path.write_bytes(path.read_bytes().replace(b"distance_mean", b"distance\xf4mean"))
    with pytest.raises(FormatError, match="cannot be read as Parquet"):
        read_result(made).read("dist")


def test_a_table_that_the_run_did_not_write_is_told_of(tmp_path: Path) -> None:
    made = write_made_result(tmp_path / "x", Made(n_loci=20, tables=("dist",)))
    Path(f"{made}.comp.tsv").write_text("")
    with pytest.raises(InputError, match=r"^.*x\.comp\.tsv: of another run: .*x\.run\.json has no such table"):
        read_result(made)


@pytest.mark.parametrize("fact", ["min_distance", "confidence", "window", "min_mapq", "regions", "bed"])
def test_facts_without_what_was_chosen_are_refused(fact: str, made: Path) -> None:
    path = Path(f"{made}.run.json")
    path.write_text(path.read_text().replace(f'"{fact}"', '"other"'))
    assert "not the facts of a comparison" in the_error(made)


@pytest.mark.parametrize("path", [None, 3, ["x"], "a\0b"])
def test_paths_that_are_none_are_refused(path: object, made: Path) -> None:
    facts_path = Path(f"{made}.run.json")
    facts = json.loads(facts_path.read_text())
    for where in ({"reference": {**facts["reference"], "path": path}}, {"samples": [{"name": "a", "paths": [path]}]}):
        facts_path.write_text(json.dumps({**facts, **where}))
        assert "not the facts of a comparison" in the_error(made)


@pytest.mark.parametrize("fact", ["version", "options", "samples", "comparisons", "reference"])
@pytest.mark.parametrize("value", [None, 3, "x", ["x"], [["x"]], {"a": 1}])
def test_facts_of_the_wrong_shape_are_refused(fact: str, value: object, made: Path) -> None:
    path = Path(f"{made}.run.json")
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, fact: value}))
    if fact == "version" and isinstance(value, str):
        assert read_result(made).facts["version"] == value
    else:
        assert "not the facts of a comparison" in the_error(made)
