"""What is packed comes back as it was; bytes that are no results of the run are refused."""

import io
import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from colonnade.compare import packing
from colonnade.compare.packing import ResultReader, packed
from colonnade.compare.question import Question
from colonnade.compare.ranges import RangeResult
from colonnade.compare.schemas import TABLES
from colonnade.compare.subject import Subject
from colonnade.compare.work import Work
from colonnade.errors import FormatError
from colonnade.regions import Region
from colonnade.run.executor import Threads


@pytest.fixture(scope="session")
def found(genome: Question) -> tuple[Subject, list[RangeResult]]:
    with Work.start(genome, TABLES, executor=Threads(1), memory=1 << 20) as work:
        return work.subject, list(work.results())


def test_a_result_comes_back_as_it_was(found: tuple[Subject, list[RangeResult]]) -> None:
    subject, results = found
    reader = ResultReader(subject)
    assert len(results) > 5
    assert all(result.tables["dist"].num_rows for result in results)
    for result in results:
        again = reader.read(packed(result))
        assert again.region == result.region
        assert {name: table.combine_chunks() for name, table in again.tables.items()} == {
            name: table.combine_chunks() for name, table in result.tables.items()
        }
        assert (again.windows.contig, again.windows.first) == (result.windows.contig, result.windows.first)
        for name in ("positions", "comparisons", "samples"):
            np.testing.assert_array_equal(getattr(again.windows, name), getattr(result.windows, name))
            assert getattr(again.windows, name).flags.writeable
        np.testing.assert_array_equal(again.totals.statistics, result.totals.statistics)
        for mine, theirs in zip(again.totals.unlisted, result.totals.unlisted, strict=True):
            assert [sample.tobytes() for sample in mine] == [sample.tobytes() for sample in theirs]
        assert {name: n.tolist() for name, n in again.totals.outcomes.items()} == {
            name: n.tolist() for name, n in result.totals.outcomes.items()
        }


def test_a_subject_comes_back_from_json(found: tuple[Subject, list[RangeResult]]) -> None:
    subject = found[0]
    again = Subject.read(json.loads(json.dumps(subject.as_dict())))
    assert again.options == subject.options
    assert (again.samples, again.comparisons, again.files) == (subject.samples, subject.comparisons, subject.files)
    assert (dict(again.contigs), dict(again.lengths)) == (dict(subject.contigs), dict(subject.lengths))
    assert json.dumps(again.facts) == json.dumps(subject.facts)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bytes_are_refused_or_harmless(found: tuple[Subject, list[RangeResult]], seed: int) -> None:
    """A checksum keeps them from being read; nothing but a FormatError may come of them without it, either."""
    subject, results = found
    reader, rng = ResultReader(subject), np.random.default_rng(seed)
    good = packed(results[2])
    for _ in range(200):
        bad = bytearray(good)
        bad[int(rng.integers(0, 200 if seed % 2 else len(bad)))] ^= int(rng.integers(1, 256))
        with suppress(FormatError):
            reader.read(bytes(bad))
    for size in (0, 1, 8, 9, 100, len(good) - 1):
        with pytest.raises(FormatError):
            reader.read(good[:size])


def other_window(result: RangeResult) -> RangeResult:
    return replace(result, windows=replace(result.windows, first=result.windows.first + 1))


def fewer_windows(result: RangeResult) -> RangeResult:
    return replace(result, windows=result.windows.rows(slice(0, -1)))


def outside(result: RangeResult) -> RangeResult:
    return replace(result, region=Region(result.region.contig, result.region.start, 80_000))


def unknown_contig(result: RangeResult) -> RangeResult:
    return replace(result, region=replace(result.region, contig="three"))


def other_columns(result: RangeResult) -> RangeResult:
    return replace(result, tables={"dist": result.tables["dist"].drop_columns(["strand_p"])})


def other_table(result: RangeResult) -> RangeResult:
    return replace(result, tables={"list": result.tables["dist"]})


def no_statistics(result: RangeResult) -> RangeResult:
    return replace(result, totals=replace(result.totals, statistics=result.totals.statistics[:, 1:]))


def other_statistics(result: RangeResult) -> RangeResult:
    return replace(result, totals=replace(result.totals, statistics=result.totals.statistics.astype(float)))


def one_comparison(result: RangeResult) -> RangeResult:
    return replace(result, totals=replace(result.totals, unlisted=result.totals.unlisted[:1]))


def large_samples(result: RangeResult) -> RangeResult:
    unlisted = [[np.concatenate([sample] * 300) for sample in samples] for samples in result.totals.unlisted]
    return replace(result, totals=replace(result.totals, unlisted=unlisted))


def one_sample(result: RangeResult) -> RangeResult:
    return replace(result, totals=replace(result.totals, outcomes={"early": result.totals.outcomes["early"]}))


@pytest.mark.parametrize(
    "change",
    [
        other_window,
        fewer_windows,
        outside,
        unknown_contig,
        other_columns,
        other_table,
        no_statistics,
        other_statistics,
        one_comparison,
        large_samples,
        one_sample,
    ],
)
def test_results_of_another_run_are_refused(found: tuple[Subject, list[RangeResult]], change) -> None:
    subject, results = found
    with pytest.raises(FormatError, match=r"x: not results of this run; found .+; make them again"):
        ResultReader(subject).read(packed(change(results[2])), path="x")


def test_text_that_is_none_and_pickles_are_refused(found: tuple[Subject, list[RangeResult]], monkeypatch) -> None:
    subject, results = found
    reader = ResultReader(subject)
    dist = results[2].tables["dist"].slice(0, 1)
    place = dist.schema.get_field_index("contig")
    text = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"], pa.binary()).buffers())
    broken = dist.set_column(place, dist.schema.field(place), text)
    with pytest.raises(FormatError, match="UTF8"):
        reader.read(packed(replace(results[2], tables={"dist": broken})))
    monkeypatch.setattr(packing, "_array_bytes", bytes_of_objects)
    with pytest.raises(FormatError, match="Object arrays cannot be loaded"):
        reader.read(packed(results[2]))


def bytes_of_objects(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array.astype(object), allow_pickle=True)
    return file.getvalue()
