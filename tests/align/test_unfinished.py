"""Work that is interrupted is kept, and gone on with: the bytes are those of one run, by whomever it is done."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_templates import N_PAIRS, write_templates
from pickled import Pickled

import colonnade as cn
from colonnade.align import engine, question, steps
from colonnade.align.engine import align
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.reads import LARGE, SMALL, Cut
from colonnade.align.spool import Spool
from colonnade.errors import ColonnadeError, InputError, UsageError
from colonnade.formats.frames import Frames
from colonnade.run.executor import Threads

KEPT = Path("a.bam.unfinished")
BATCH = 50  # reads
READS = 3 * N_PAIRS

EXECUTORS = {
    "threads": lambda: Threads(1),
    "more threads": lambda: Threads(3),
    "elsewhere": lambda: Pickled(1),
    "elsewhere, two at a time": lambda: Pickled(2),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_templates(tmp_path_factory.mktemp("unfinished"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    """An empty working directory; batches are small."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    for name in ("SMALL", "LARGE"):
        monkeypatch.setattr(engine, name, Cut(BATCH, 8 << 20))
    return tmp_path / "out"


@pytest.fixture
def aligned(data: Path) -> Callable[..., Any]:
    """Align single reads and pairs to a.bam."""

    def run(*, out: str = "a.bam", **arguments: Any) -> Any:
        inputs = (ReadFiles(data / "merged.fq"), ReadFiles(data / "1.fq", data / "2.fq"))
        return align(arguments.pop("inputs", inputs), index=data / "ref.fa", out=out, **arguments)

    return run


@pytest.fixture
def interrupted(aligned) -> Callable[..., None]:
    """Interrupt a run in a pass behind so many reads."""

    def run(stage: str, reads: int, **arguments: Any) -> None:
        def progress(now: str, done: int, _total: int | None) -> None:
            if now == stage and done >= reads:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            aligned(progress=progress, **arguments)

    return run


@pytest.fixture
def searched(monkeypatch) -> list[int]:
    """How many reads are searched, batch by batch."""
    counts: list[int] = []
    search = steps.search

    def counting(batch: Any, *arguments: Any) -> Any:
        counts.append(len(batch))
        return search(batch, *arguments)

    monkeypatch.setattr(steps, "search", counting)
    return counts


def contents(*, sort: bool = False, name: str = "a.bam") -> list[bytes]:
    return [Path(f"{name}{suffix}").read_bytes() for suffix in (("", ".bai") if sort else ("",))]


def n_kept() -> int:
    """How many batches are kept."""
    with Frames.reopen(KEPT) as frames:
        return len(frames)


# Elsewhere


@pytest.mark.usefixtures("small_stretches")
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("only_aligned", [False, True])
def test_bytes_do_not_depend_on_who_does_the_work(aligned, executor: str, sort: bool, only_aligned: bool) -> None:
    options = AlignOptions(only_aligned=only_aligned)
    summary = aligned(sort=sort, options=options, out="b.bam")
    assert aligned(sort=sort, options=options, executor=EXECUTORS[executor]()) == summary
    assert contents(sort=sort) == contents(sort=sort, name="b.bam")
    assert not KEPT.exists()


@pytest.mark.parametrize("kind", ["merged.fq", "1.fq 2.fq"])
def test_single_reads_and_pairs_alone_travel_as_well(aligned, data: Path, kind: str) -> None:
    inputs = (ReadFiles(*(data / name for name in kind.split())),)
    aligned(inputs=inputs, out="b.bam")
    aligned(inputs=inputs, executor=Pickled(2))
    assert contents() == contents(name="b.bam")


def test_tasks_that_travel_are_larger(aligned, searched: list[int], monkeypatch) -> None:
    monkeypatch.setattr(engine, "LARGE", Cut(2 * BATCH, 8 << 20))
    aligned(executor=Pickled())
    assert set(searched) == {2 * BATCH}
    assert LARGE.reads > SMALL.reads


def test_tasks_are_called_by_the_reads_that_they_have(aligned) -> None:
    called: list[str] = []

    class Listening(Threads):
        def map(self, function: Any, tasks: Iterable[Any], *, label: Any = None) -> Iterator[Any]:
            for task in tasks:
                called.append(label(task))
                yield function(task)

    aligned(executor=Listening(1))
    firsts = range(0, READS, BATCH)
    names = [f"reads {first + 1}-{first + BATCH}" for first in firsts]
    assert called == names + names[N_PAIRS // BATCH :]
    assert steps.Waiting(8192, 8192, None).label == "reads 8,193-16,384"


# Going on


@pytest.mark.usefixtures("small_stretches")
@pytest.mark.parametrize("first", EXECUTORS)
@pytest.mark.parametrize("second", EXECUTORS)
@pytest.mark.parametrize(("stage", "reads"), [("aligning", 100), ("aligning", 450), ("pairing", 500)])
def test_a_run_goes_on_where_another_one_was_interrupted(
    aligned, interrupted, searched: list[int], first: str, second: str, stage: str, reads: int
) -> None:
    interrupted(stage, reads, executor=EXECUTORS[first](), resume=True, threads=2)
    kept = n_kept()
    assert kept >= (reads // BATCH if stage == "aligning" else READS // BATCH)
    searched.clear()
    summary = aligned(executor=EXECUTORS[second](), resume=True)
    assert sum(searched) == READS - kept * BATCH
    assert not KEPT.exists()
    assert summary == aligned(out="b.bam")
    assert contents() == contents(name="b.bam")


def test_a_sorted_run_goes_on_as_well(aligned, interrupted) -> None:
    interrupted("pairing", 500, resume=True, sort=True)
    aligned(resume=True, sort=True)
    aligned(out="b.bam", sort=True)
    assert contents(sort=True) == contents(sort=True, name="b.bam")


def test_a_run_can_be_interrupted_again_and_again(aligned, interrupted) -> None:
    for reads in (100, 200, 600):
        interrupted("aligning", reads, resume=True)
    aligned(resume=True)
    aligned(out="b.bam")
    assert contents() == contents(name="b.bam")


@pytest.mark.parametrize("lost", [1, 30, 2000])
def test_a_piece_that_was_cut_short_is_done_again(aligned, interrupted, searched: list[int], lost: int) -> None:
    interrupted("aligning", 450, resume=True)
    kept = n_kept()
    os.truncate(KEPT, KEPT.stat().st_size - lost)
    searched.clear()
    aligned(resume=True)
    assert sum(searched) > READS - kept * BATCH
    aligned(out="b.bam")
    assert contents() == contents(name="b.bam")


def test_batches_are_cut_as_those_were_that_are_kept(aligned, interrupted, searched: list[int], monkeypatch) -> None:
    interrupted("aligning", 100, resume=True)
    monkeypatch.setattr(engine, "LARGE", Cut(7, 1000))
    searched.clear()
    aligned(resume=True, executor=Pickled())
    assert set(searched) == {BATCH}


def test_a_process_that_is_killed_leaves_work_to_go_on_with(aligned, data: Path, searched: list[int]) -> None:
    code = (
        "import os, signal, sys; from colonnade.align import engine, steps; from colonnade.cli import main\n"
        "engine.SMALL = engine.SMALL._replace(reads=50)\n"
        "steps.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["align", "--resume", "--index", data / "ref.fa", data / "1.fq", data / "2.fq", "-f", "a.bam"]
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, check=False)
    assert (done.returncode, KEPT.exists()) == (-9, True)
    inputs = (ReadFiles(data / "1.fq", data / "2.fq"),)
    aligned(inputs=inputs, resume=True)
    assert searched == []
    aligned(inputs=inputs, out="b.bam")
    assert contents() == contents(name="b.bam")


# What is kept, and what is said


def test_with_nothing_to_go_on_with_a_run_is_an_ordinary_one(aligned, caplog) -> None:
    aligned(resume=True)
    aligned(out="b.bam")
    assert contents() == contents(name="b.bam")
    assert "kept" not in caplog.text
    assert sorted(os.listdir()) == ["a.bam", "b.bam"]


@pytest.mark.parametrize(
    ("arguments", "how"),
    [({"resume": True}, ""), ({"executor": Pickled()}, " with --resume")],
    ids=["resume", "elsewhere"],
)
def test_what_is_done_is_kept_and_that_is_said_once(interrupted, caplog, arguments: dict[str, Any], how: str) -> None:
    interrupted("aligning", 100, **arguments)
    assert os.listdir() == [str(KEPT)]
    said = [record.message for record in caplog.records]
    assert said == [f"what is done is kept in {KEPT}; the same command{how} goes on"]


def test_records_that_are_kept_are_compressed(interrupted, data: Path) -> None:
    interrupted("aligning", N_PAIRS, inputs=(ReadFiles(data / "merged.fq"),), resume=True)
    with Frames.reopen(KEPT) as frames, Spool(frames, None, Cut(1, 1)) as spool:
        assert all(2 * len(located.data.data) < located.data.size for located in spool)


def test_a_run_that_has_done_nothing_leaves_nothing(aligned, monkeypatch, caplog) -> None:
    def fail(*_: object) -> None:
        raise ColonnadeError("not today")

    monkeypatch.setattr(steps, "search", fail)
    with pytest.raises(ColonnadeError, match="not today"):
        aligned(resume=True)
    assert os.listdir() == []
    assert caplog.text == ""


def test_bad_reads_keep_what_is_done(aligned, data: Path) -> None:
    Path("cut.fq").write_bytes((data / "merged.fq").read_bytes()[:-40])
    for _ in range(2):
        with pytest.raises(ColonnadeError, match=r"cut\.fq"):
            aligned(inputs=(ReadFiles("cut.fq"),), resume=True)
        assert n_kept() == N_PAIRS // BATCH - 1


def test_pipes_are_aligned_elsewhere_without_work_that_is_kept(aligned, interrupted, data: Path) -> None:
    os.mkfifo("pipe")
    with subprocess.Popen(["sh", "-c", f"cat {data}/merged.fq > pipe"]) as process:
        interrupted("aligning", 100, inputs=(ReadFiles("pipe"),), executor=Pickled())
        process.kill()
    assert os.listdir() == ["pipe"]


# What is refused


def test_unfinished_work_is_neither_lost_nor_gone_on_with_unasked(aligned, interrupted, searched: list[int]) -> None:
    interrupted("aligning", 100, resume=True)
    searched.clear()
    for executor in EXECUTORS.values():
        with pytest.raises(UsageError, match=r"^a\.bam\.unfinished: an unfinished run .* --resume, or .* --force$"):
            aligned(executor=executor())
    assert searched == []
    aligned(force=True)
    assert sum(searched) == READS
    assert not KEPT.exists()


def other_options(data: Path) -> dict[str, Any]:
    return {"options": AlignOptions(differences=3)}


def other_order(data: Path) -> dict[str, Any]:
    return {"sort": True}


def other_group(data: Path) -> dict[str, Any]:
    return {"inputs": (ReadFiles(data / "merged.fq", read_group="b"), ReadFiles(data / "1.fq", data / "2.fq"))}


def other_reads(data: Path) -> dict[str, Any]:
    Path("other.fq").write_bytes((data / "merged.fq").read_bytes().replace(b"merged0\n", b"merger0\n"))
    return {"inputs": (ReadFiles("other.fq"), ReadFiles(data / "1.fq", data / "2.fq"))}


def fewer_inputs(data: Path) -> dict[str, Any]:
    return {"inputs": (ReadFiles(data / "merged.fq"),)}


@pytest.mark.parametrize(
    ("change", "place", "found"),
    [
        (other_options, "command", r"colonnade align .*; expected colonnade align .* --differences 3; "),
        (other_order, "command", r"colonnade .*; expected colonnade align .* --sort; "),
        (other_group, "read group 1", r"none; expected b; "),
        (other_reads, "file of reads 1", r"\d+ bytes, checksum \w+; expected \d+ bytes, checksum \w+; "),
        (fewer_inputs, "file of reads", r"none; expected \d+ bytes, checksum \w+; "),
    ],
)
def test_another_question_is_refused_and_loses_nothing(
    aligned, interrupted, data: Path, change: Callable[[Path], dict[str, Any]], place: str, found: str
) -> None:
    interrupted("aligning", 100, resume=True)
    before = KEPT.read_bytes()
    with pytest.raises(
        UsageError, match=rf"^{KEPT}: {place}: an unfinished run of another question; found {found}ask the same"
    ):
        aligned(resume=True, **change(data))
    assert KEPT.read_bytes() == before


def test_another_index_is_refused(data: Path) -> None:
    for name in os.listdir(data):
        Path(name).write_bytes((data / name).read_bytes())
    inputs = (ReadFiles("merged.fq"),)
    with pytest.raises(KeyboardInterrupt):
        align(inputs, index="ref.fa", out="a.bam", resume=True, progress=interrupt)
    text = Path("ref.fa").read_text()
    Path("ref.fa").write_text(text.replace("AACC", "AACG", 1))
    cn.build_index("ref.fa", force=True)
    with pytest.raises(UsageError, match=r"index \(.bwt\): .* of another question; found \d+ bytes"):
        align(inputs, index="ref.fa", out="a.bam", resume=True)


def interrupt(_stage: str, done: int, _total: int | None) -> None:
    if done >= 100:
        raise KeyboardInterrupt


def test_reads_that_are_other_than_they_were_are_refused(aligned, interrupted) -> None:
    interrupted("aligning", 100, resume=True)
    with Frames.reopen(KEPT) as frames:
        pieces, facts = list(frames), dict(frames.facts)
    KEPT.unlink()
    with Frames.create(KEPT, facts | {"cut": [BATCH - 1, 8 << 20]}) as frames:
        for piece in pieces:
            frames.append(piece)
    with pytest.raises(InputError, match=r"^read 1: the reads are not those .*; start over with --force$"):
        aligned(resume=True)


@pytest.mark.parametrize(("line", "place"), [(1, "read 1"), (4 * BATCH, "read 51")])
def test_a_change_that_a_look_at_some_of_a_file_does_not_show_is_refused(
    data: Path, interrupted, monkeypatch, line: int, place: str
) -> None:
    monkeypatch.setattr(question.Fingerprint, "__str__", lambda _: "the same")
    lines = (data / "merged.fq").read_bytes().splitlines(keepends=True)
    Path("reads.fq").write_bytes(b"".join(lines))
    inputs = (ReadFiles("reads.fq"),)
    interrupted("aligning", 100, resume=True, inputs=inputs)
    lines[line] = lines[line][:1].translate(bytes.maketrans(b"@ACGT", b"@CGTA")) + b"A" + lines[line][2:]
    Path("reads.fq").write_bytes(b"".join(lines))
    with pytest.raises(InputError, match=f"^{place}: the reads are not those"):
        align(inputs, index=data / "ref.fa", out="a.bam", resume=True)


@pytest.mark.parametrize(
    ("reads", "out", "found"), [("-", "a.bam", "reads from standard input"), ("1.fq", "-", "stdout")]
)
def test_pipes_cannot_be_gone_on_with(data: Path, reads: str, out: str, found: str) -> None:
    path = reads if reads == "-" else data / reads
    with pytest.raises(UsageError, match=f"--resume needs files.*; found {found}$"):
        align(path, index=data / "ref.fa", out=out, resume=True)


def test_another_process_at_work_is_not_disturbed(aligned, interrupted) -> None:
    interrupted("aligning", 100, resume=True)
    with Frames.reopen(KEPT):
        for arguments in ({"resume": True}, {"force": True}):
            with pytest.raises(UsageError, match="another process is at work on it"):
                aligned(**arguments)
    aligned(resume=True)


def test_something_else_of_that_name_is_refused(aligned) -> None:
    KEPT.write_text("mine")
    for arguments in ({"resume": True}, {"force": True}, {}):
        with pytest.raises(ColonnadeError):
            aligned(**arguments)
    assert KEPT.read_text() == "mine"
