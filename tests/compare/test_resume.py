"""An interrupted comparison goes on behind what is done, however it is carried out, and ends with the bytes of one run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from genomes import files_of
from pickled import Pickled

from colonnade.compare.engine import compare, compare_part, compare_to_files, merge_parts
from colonnade.compare.question import Part, Question
from colonnade.compare.ranges import RangeComparer
from colonnade.compare.results import ResultFiles
from colonnade.compare.schemas import TABLES
from colonnade.errors import FormatError, InputError, UsageError
from colonnade.formats.frames import Frames
from colonnade.run.executor import Executor, Threads

MakeFolder = Callable[[str], Path]


@dataclass(frozen=True)
class Interrupted:
    """An executor that another is behind, until so many results have come."""

    after: int
    inner: Executor = Threads(1)  # noqa: RUF009
    threads: Final = 1
    slots: Final = 1
    status: Final = ""
    error: BaseException = KeyboardInterrupt()  # noqa: RUF009

    @property
    def is_remote(self) -> bool:
        return self.inner.is_remote

    def map(self, function: Callable[[Any], Any], tasks: Iterable[Any], **more: Any) -> Iterator[Any]:
        for number, result in enumerate(self.inner.map(function, tasks, **more)):
            if number == self.after:
                raise self.error
            yield result


def interrupt(question: Question, prefix: Path, *, after: int, memory: int = 1 << 16, **more: Any) -> Path:
    """Let a run end early; returns the file of what is done, with as many results."""
    with pytest.raises(KeyboardInterrupt):
        compare_to_files(question, prefix, resume=True, executor=Interrupted(after), memory=memory, **more)
    path = Path(f"{prefix}.unfinished")
    assert {path.name} == {found.name for found in prefix.parent.iterdir() if not found.name.startswith("kept")}
    return path


@pytest.fixture
def counted(monkeypatch) -> list[Any]:
    """The regions that are compared from now on."""
    regions: list[Any] = []
    original = RangeComparer.__call__

    def call(self: RangeComparer, task: Any) -> Any:
        regions.append(task.region)
        return original(self, task)

    monkeypatch.setattr(RangeComparer, "__call__", call)
    return regions


@pytest.mark.parametrize(
    ("after", "how"),
    [
        (1, {"threads": 2, "memory": 1 << 22}),
        (3, {"threads": 1, "memory": 1 << 16}),
        (4, {"executor": Pickled(2), "memory": 1 << 20}),
        (7, {"threads": 2, "memory": 1 << 30}),
    ],
)
def test_what_is_done_is_not_done_again_and_bytes_are_those_of_one_run(
    genome: Question, in_one_run: dict[str, bytes], folder: MakeFolder, counted: list[Any], after: int, how: dict
) -> None:
    home = folder("home")
    path = interrupt(genome, home / "x", after=after, vcf=home / "x.vcf")
    with Frames.reopen(path) as frames:
        assert len(frames) == after
    done = sorted(counted[:after], key=str)
    counted.clear()
    compare_to_files(genome, home / "x", resume=True, vcf=home / "x.vcf", **how)
    assert files_of(home) == in_one_run
    assert not any(
        one.contig == two.contig and one.start < two.end and two.start < one.end for one in done for two in counted
    )
    assert sum(map(len, done)) + sum(map(len, counted)) == 120_300


def test_a_run_may_be_interrupted_often(genome: Question, in_one_run: dict[str, bytes], folder: MakeFolder) -> None:
    home = folder("home")
    for inner in (Threads(1), Pickled(2), Threads(2)):
        with pytest.raises(KeyboardInterrupt):
            compare_to_files(
                genome, home / "x", vcf=home / "x.vcf", resume=True, executor=Interrupted(2, inner), memory=1 << 17
            )
    compare_to_files(genome, home / "x", vcf=home / "x.vcf", resume=True)
    assert files_of(home) == in_one_run


@pytest.mark.parametrize("cut", [1, 13, 2000])
def test_a_last_result_that_is_torn_is_done_again(
    genome: Question, in_one_run: dict[str, bytes], folder: MakeFolder, cut: int
) -> None:
    home = folder("home")
    path = interrupt(genome, home / "x", after=3)
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    compare_to_files(genome, home / "x", resume=True)
    del (expected := dict(in_one_run))["x.vcf"]
    assert files_of(home) == expected


def test_what_was_killed_after_the_last_range_is_not_compared_again(
    genome: Question, in_one_run: dict[str, bytes], folder: MakeFolder, counted: list[Any]
) -> None:
    home = folder("home")
    path = interrupt(genome, home / "x", after=2)
    kept = home / "kept"
    with pytest.raises(ZeroDivisionError):
        compare_to_files(genome, home / "x", resume=True, progress=lambda done, total: 1 // (total - done))
    assert kept.write_bytes(path.read_bytes())
    counted.clear()
    compare_to_files(genome, home / "x", resume=True)
    assert counted == []
    assert (home / "x.dist.tsv").read_bytes() == in_one_run["x.dist.tsv"]


def test_a_part_goes_on_behind_what_is_done(
    genome: Question, in_one_run: dict[str, bytes], folder: MakeFolder, counted: list[Any]
) -> None:
    home, merged = folder("home"), folder("merged")
    parts = [compare_part(genome, home / "x", Part(1, 2), resume=True)]
    with pytest.raises(KeyboardInterrupt):
        compare_part(genome, home / "x", Part(2, 2), resume=True, executor=Interrupted(2), memory=1 << 16)
    assert {path.name for path in home.iterdir()} == {"x.part1of2", "x.part2of2.unfinished"}
    with pytest.raises(UsageError, match=r"part2of2.unfinished: an unfinished run of this output"):
        compare_part(genome, home / "x", Part(2, 2))
    counted.clear()
    parts.append(compare_part(genome, home / "x", Part(2, 2), resume=True, executor=Pickled(2), memory=1 << 20))
    assert {path.name for path in home.iterdir()} == {"x.part1of2", "x.part2of2"}
    assert 0 < sum(map(len, counted)) < 60_000
    merge_parts(parts, merged / "x", vcf=merged / "x.vcf")
    assert files_of(merged) == in_one_run


def test_a_part_that_was_killed_before_it_got_its_name_gets_it(genome: Question, folder: MakeFolder) -> None:
    home = folder("home")
    part = compare_part(genome, home / "x", Part(1, 2))
    before = part.read_bytes()
    part.rename(f"{part}.unfinished")
    assert compare_part(genome, home / "x", Part(1, 2), resume=True).read_bytes() == before
    assert files_of(home) == {"x.part1of2": before}


# When it is kept, and when it goes


def test_the_file_goes_when_a_run_has_ended_well_and_is_not_made_without_need(
    genome: Question, in_one_run: dict[str, bytes], folder: MakeFolder
) -> None:
    home, seen = folder("home"), []
    for number, how in enumerate(({}, {"resume": True}, {"executor": Pickled(2)})):
        path = home / f"{number}.unfinished"
        compare_to_files(genome, home / str(number), progress=lambda *_: seen.append(path.exists()), **how)  # noqa: B023
        assert not path.exists()
        assert set(seen) == {number > 0}
        seen.clear()
        assert (home / f"{number}.dist.tsv").read_bytes() == in_one_run["x.dist.tsv"]


def test_what_a_cluster_does_is_kept_without_being_asked_for(genome: Question, folder: MakeFolder, caplog) -> None:
    for name, inner, kept in (("remote", Pickled(1), True), ("local", Threads(1), False)):
        home = folder(name)
        with pytest.raises(KeyboardInterrupt):
            compare_to_files(genome, home / "x", executor=Interrupted(2, inner), memory=1 << 16)
        assert [path.name for path in home.iterdir()] == ["x.unfinished"] * kept
        lines = [record.getMessage() for record in caplog.records if "--resume" in record.getMessage()]
        told = f"what is done is kept in {home / 'x.unfinished'}; the same command with --resume goes on"
        assert lines == [told] * kept
        caplog.clear()


def test_nothing_is_kept_where_nothing_is_done(genome: Question, folder: MakeFolder) -> None:
    home = folder("home")
    with pytest.raises(KeyboardInterrupt):
        compare_to_files(genome, home / "x", resume=True, executor=Interrupted(0))
    assert not list(home.iterdir())


def test_errors_that_will_come_again_keep_it_too(genome: Question, folder: MakeFolder) -> None:
    home = folder("home")
    error = FormatError("damaged")
    with pytest.raises(FormatError, match="damaged"):
        compare_to_files(genome, home / "x", resume=True, executor=Interrupted(3, error=error), memory=1 << 16)
    assert [path.name for path in home.iterdir()] == ["x.unfinished"]


def test_an_error_when_files_are_written_keeps_it(genome: Question, folder: MakeFolder, monkeypatch) -> None:
    home = folder("home")
    monkeypatch.setattr(ResultFiles, "write", lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        compare_to_files(genome, home / "x", resume=True)
    assert [path.name for path in home.iterdir()] == ["x.unfinished"]


# What is refused


def test_without_resume_an_unfinished_run_is_neither_gone_on_with_nor_dropped(
    genome: Question, folder: MakeFolder, counted: list[Any]
) -> None:
    home = folder("home")
    path = interrupt(genome, home / "x", after=2)
    before = path.read_bytes()
    counted.clear()
    with pytest.raises(UsageError, match="go on with --resume, or start over with --force"):
        compare_to_files(genome, home / "x")
    assert path.read_bytes() == before
    compare_to_files(genome, home / "x", force=True)
    assert sum(map(len, counted)) == 120_300
    assert not path.exists()


def test_force_drops_nothing_else_of_that_name(genome: Question, folder: MakeFolder) -> None:
    home = folder("home")
    path = home / "x.unfinished"
    path.write_text("a symphony")
    for how in ({"force": True}, {"resume": True}):
        with pytest.raises(FormatError, match=r"x.unfinished: not a file of colonnade's working results"):
            compare_to_files(genome, home / "x", **how)
    assert path.read_text() == "a symphony"


def test_a_file_that_another_process_is_at_work_on_is_left_alone(genome: Question, folder: MakeFolder) -> None:
    home = folder("home")
    path = interrupt(genome, home / "x", after=2)
    with Frames.reopen(path):
        for how in ({"force": True}, {"resume": True}):
            with pytest.raises(UsageError, match="another process is at work on it"):
                compare_to_files(genome, home / "x", **how)
    assert path.exists()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"options": {"seed": 2}}, "options seed: .*; found 1; expected 2"),
        ({"options": {"draws": 101}}, "options draws"),
        ({"regions": ("one",)}, r'regions: .*; found \[\]; expected \["one"\]'),
        ({"pairs": None}, "comparisons"),
    ],
)
def test_another_question_is_refused_with_what_differs(
    genome: Question, folder: MakeFolder, change: dict, place: str, caplog
) -> None:
    home = folder("home")
    path = interrupt(genome, home / "x", after=2)
    before = path.read_bytes()
    caplog.clear()
    change = {name: replace(genome.options, **of) if name == "options" else of for name, of in change.items()}
    with pytest.raises(UsageError, match=f"{path}: {place}"):
        compare_to_files(replace(genome, **change), home / "x", resume=True)
    with pytest.raises(UsageError, match="tables: an unfinished run of another question"):
        compare_to_files(genome, home / "x", tables=TABLES[:2], resume=True)
    assert path.read_bytes() == before
    assert not caplog.records


def test_other_files_of_the_same_names_are_refused(genome: Question, folder: MakeFolder) -> None:
    home = folder("home")
    bed = home / "kept.bed"
    bed.write_text("one\t0\t70000\ntwo\t0\t50000\n")
    question = replace(genome, bed=bed)
    interrupt(question, home / "x", after=2)
    bed.write_text("one\t0\t70000\ntwo\t0\t49999\n")
    with pytest.raises(UsageError, match=f"inputs {bed}: an unfinished run of another question"):
        compare_to_files(question, home / "x", resume=True)


def test_results_of_other_ranges_are_refused(genome: Question, folder: MakeFolder) -> None:
    home = folder("home")
    path = interrupt(genome, home / "x", after=3)
    with Frames.reopen(path) as frames:
        head, pieces = frames.facts, list(frames)
    path.unlink()
    with Frames.create(path, head) as frames:
        for piece in (pieces[0], pieces[2]):
            frames.append(piece)
    with pytest.raises(FormatError, match=r"x.unfinished: results of other ranges; found one:.* where one:.* is next"):
        compare_to_files(genome, home / "x", resume=True)


# Elsewhere


def test_a_call_gives_the_same_tables_from_elsewhere(genome: Question) -> None:
    question = {"reference": genome.reference, "pairs": genome.pairs, "options": genome.options}
    here = compare(genome.samples, **question)
    there = compare(genome.samples, **question, executor=Pickled(2), memory=1 << 18)
    assert here.facts == there.facts
    for name in TABLES:
        assert getattr(here, name).equals(getattr(there, name))


def test_workers_find_files_whatever_their_directory_is_and_refuse_others(
    genome: Question, folder: MakeFolder, monkeypatch
) -> None:
    """The recipes of a run have absolute names, and say what is another file."""
    home = folder("home")
    for path in (genome.reference, f"{genome.reference}.fai", *genome.samples.values()):
        (home / Path(path).name).write_bytes(Path(path).read_bytes())
    for path in genome.samples.values():
        (home / f"{Path(path).name}.bai").write_bytes(Path(f"{path}.bai").read_bytes())
    monkeypatch.chdir(home)
    question = replace(genome, samples={"early": "early.bam", "late": "late.bam"}, reference="genome.fa")

    class Elsewhere(Pickled):
        """Its workers are in another directory, where a file may be another one."""

        def map(self, function: Any, tasks: Any, **more: Any) -> Iterator[Any]:
            monkeypatch.chdir(home.parent)
            yield from super().map(function, tasks, **more)
            monkeypatch.chdir(home)

    compare_to_files(question, home / "x", executor=Elsewhere())

    class Replaced(Pickled):
        def map(self, function: Any, tasks: Any, **more: Any) -> Iterator[Any]:
            for name in ("late.bam", "late.bam.bai"):
                (home / name).write_bytes((home / name.replace("late", "early")).read_bytes())
            return super().map(function, tasks, **more)

    with pytest.raises(InputError, match=rf"{home}/late.bam: another file than the one that the run began with"):
        compare_to_files(question, home / "y", executor=Replaced())
