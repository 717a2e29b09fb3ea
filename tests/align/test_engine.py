"""Reads in, alignments out: the same bytes whatever the way, whole or not at all."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pysam
import pytest

import colonnade as cn
from colonnade.align import engine
from colonnade.align.contigs import Contigs
from colonnade.align.engine import AlignSummary, align
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.reads import Cut
from colonnade.errors import ColonnadeError, UsageError

N_READS = 400
COMPLEMENT = str.maketrans("ACGT", "TGCA")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A folder of ref.fa with its index, and reads.fq: 1 of 8 is of a repeat, 1 of 10 is of something else."""
    folder = tmp_path_factory.mktemp("engine")
    rng = np.random.default_rng(5)
    repeat = "".join(rng.choice(list("ACGT"), 300))
    one, two, other = ("".join(rng.choice(list("ACGT"), size)) for size in (9000, 7000, 3000))
    genome = {"one": one + repeat + repeat, "two": two + repeat}
    (folder / "ref.fa").write_text("".join(f">{name}\n{bases}\n" for name, bases in genome.items()))
    cn.build_index(folder / "ref.fa")
    with open(folder / "reads.fq", "w") as file:
        for number in range(N_READS):
            source = repeat if number % 8 == 0 else other if number % 10 == 1 else genome[("one", "two")[number % 2]]
            start = rng.integers(0, len(source) - 60)
            bases = list(source[start : start + 60])
            bases[rng.integers(0, 60)] = "A"
            read = "".join(bases) if number % 3 else "".join(bases)[::-1].translate(COMPLEMENT)
            file.write(f"@read{number}\n{read}\n+\n{'I' * 60}\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """An empty working directory."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def aligned(data: Path, folder: Path) -> Callable[..., AlignSummary]:
    """Align the reads to a.bam."""

    def run(reads: str | Path = data / "reads.fq", out: str = "a.bam", **arguments) -> AlignSummary:
        return align(reads, index=data / "ref.fa", out=out, **arguments)

    return run


def records(path: str = "a.bam") -> list[pysam.AlignedSegment]:
    pysam.samtools.quickcheck(path)
    with pysam.AlignmentFile(path) as file:
        return list(file.fetch(until_eof=True))


def test_every_read_is_written_in_order(aligned) -> None:
    summary = aligned()
    found = records()
    assert [record.query_name for record in found] == [f"read{number}" for number in range(N_READS)]
    assert summary == AlignSummary(
        reads=N_READS,
        aligned=sum(record.is_mapped for record in found),
        confident=sum(record.mapping_quality >= 20 for record in found),
    )
    assert N_READS * 0.8 < summary.confident + N_READS // 8 <= summary.aligned < N_READS


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("batch_reads", [7, 400, 100_000])
def test_bytes_depend_neither_on_threads_nor_on_batches(
    aligned, monkeypatch, sort: bool, threads: int, batch_reads: int
) -> None:
    aligned(out="b.bam", sort=sort)
    monkeypatch.setattr(engine, "SMALL", Cut(batch_reads, 8 << 20))
    aligned(sort=sort, threads=threads)
    for suffix in ("", ".bai") if sort else ("",):
        assert Path(f"a.bam{suffix}").read_bytes() == Path(f"b.bam{suffix}").read_bytes()


def test_stdin_and_stdout_have_the_same_bytes(aligned, data: Path) -> None:
    aligned()
    command = [sys.executable, "-m", "colonnade", "align", "--index", str(data / "ref.fa"), "-", "-f", "-", "--quiet"]
    with open(data / "reads.fq", "rb") as reads:
        done = subprocess.run(command, stdin=reads, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (Path("a.bam").read_bytes(), b"")


def test_unaligned_bam_gives_the_records_of_fastq(aligned, data: Path) -> None:
    aligned(read_group="@RG\\tID:x\\tSM:s")
    pysam.samtools.fqimport("-0", str(data / "reads.fq"), "-r", "ID:x\tSM:s", "-o", "u.bam", catch_stdout=False)
    aligned("u.bam", out="b.bam")
    with pysam.AlignmentFile("a.bam") as a, pysam.AlignmentFile("b.bam") as b:
        assert [record.to_string() for record in a] == [record.to_string() for record in b]
        assert a.header.to_dict()["RG"] == b.header.to_dict()["RG"] == [{"ID": "x", "SM": "s"}]
        assert [line.get("PP") for line in a.header.to_dict()["PG"]] == [None]
        assert [line.get("PP") for line in b.header.to_dict()["PG"]] == [None, "samtools"]


def test_sorted_output_is_what_samtools_makes_of_the_other(aligned) -> None:
    aligned()
    aligned(out="c.bam", sort=True)
    Path("header.sam").write_text(pysam.samtools.view("-H", "--no-PG", "c.bam"))  # which tells of the sorting
    Path("other.bam").write_bytes(pysam.samtools.reheader("-P", "header.sam", "a.bam", raw=True))
    pysam.samtools.sort("--no-PG", "-o", "b.bam", "other.bam", catch_stdout=False)
    pysam.samtools.index("b.bam", catch_stdout=False)
    for suffix in ("", ".bai"):
        assert Path(f"c.bam{suffix}").read_bytes() == Path(f"b.bam{suffix}").read_bytes()


def test_a_contig_too_long_for_bai_has_csi() -> None:
    none = np.empty(0, np.int64)
    for length, suffix in ((1 << 29, ".bai"), ((1 << 29) + 1, ".csi")):
        contigs = Contigs(["a", "b"], np.array([5, length]), np.array([0, 5]), none, none)
        assert engine._index_suffix(contigs) == suffix


def test_options_reach_search_and_header(aligned) -> None:
    plain = aligned()
    none = aligned(out="b.bam", options=AlignOptions(differences=0))
    assert none.aligned < plain.aligned / 2
    with pysam.AlignmentFile("b.bam") as file:
        assert file.header.to_dict()["PG"][-1]["CL"] == "colonnade align --index ref.fa --differences 0"


def test_no_reads_give_no_records(aligned) -> None:
    Path("none.fq").touch()
    for sort in (False, True):
        assert aligned("none.fq", sort=sort, force=True, threads=2) == AlignSummary()
        assert records() == []


def test_reads_too_long_are_counted_and_stay_unaligned(aligned, data: Path) -> None:
    genome = "".join((data / "ref.fa").read_text().split("\n")[1::2])
    long = (genome * 5)[:65_536]
    Path("long.fq").write_text("".join(f"@{len(read)}\n{read}\n+\n{'I' * len(read)}\n" for read in (long, long[:60])))
    assert aligned("long.fq") == AlignSummary(reads=2, aligned=1, confident=1, too_long=1)
    assert [record.is_mapped for record in records()] == [False, True]


def test_an_index_that_is_absent_is_made(folder: Path, data: Path) -> None:
    Path("new.fa").write_text((data / "ref.fa").read_text())
    align(data / "reads.fq", index="new.fa", out="a.bam")
    align(data / "reads.fq", index=data / "ref.fa", out="b.bam")
    assert [r.to_string() for r in records("a.bam")] == [r.to_string() for r in records("b.bam")]


def test_progress_ends_with_all_reads(aligned, monkeypatch) -> None:
    monkeypatch.setattr(engine, "SMALL", Cut(50, 8 << 20))
    for threads in (1, 2):
        calls: list[tuple[str, int, int | None]] = []
        aligned(out=f"{threads}.bam", threads=threads, progress=lambda *call, calls=calls: calls.append(call))
        assert [done for _, done, _ in calls] == [*range(50, N_READS + 1, 50), N_READS]
        assert calls[-1] == ("aligning", N_READS, N_READS)
        assert {total for _, _, total in calls[:-1]} == {None}  # the file is read at once


# What cannot be done


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_leaves_nothing(aligned, folder: Path, monkeypatch, sort: bool, threads: int) -> None:
    monkeypatch.setattr(engine, "SMALL", Cut(50, 8 << 20))

    def interrupt(_stage: str, done: int, _total: int | None) -> None:
        if done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        aligned(sort=sort, threads=threads, progress=interrupt)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_reads_cut_short_leave_nothing(
    aligned, data: Path, folder: Path, monkeypatch, sort: bool, threads: int
) -> None:
    monkeypatch.setattr(engine, "SMALL", Cut(50, 8 << 20))
    Path("cut.fq").write_bytes((data / "reads.fq").read_bytes()[:-40])
    Path("a.bam").write_text("mine")
    with pytest.raises(ColonnadeError, match=r"cut\.fq"):
        aligned("cut.fq", sort=sort, threads=threads, force=True)
    assert sorted(os.listdir(folder)) == ["a.bam", "cut.fq"]
    assert Path("a.bam").read_text() == "mine"


@pytest.mark.parametrize("name", ["reads.fq", "ref.fa", "ref.fa.bwt", "ref.fa.colonnade", "ref.fa.sa"])
def test_an_input_is_never_replaced(aligned, data: Path, name: str) -> None:
    before = (data / name).read_bytes()
    with pytest.raises(UsageError, match="output is one of the inputs"):
        aligned(out=str(data / name), force=True)
    assert (data / name).read_bytes() == before


@pytest.mark.parametrize("name", ["a.bam", "a.bam.bai", "a.bam.csi"])
def test_output_that_exists_is_kept_before_any_work(data: Path, folder: Path, name: str) -> None:
    Path(name).write_text("mine")
    Path("new.fa").write_text((data / "ref.fa").read_text())
    with pytest.raises(UsageError, match="output exists"):
        align(data / "reads.fq", index="new.fa", out="a.bam", sort=True)
    assert sorted(os.listdir(folder)) == sorted([name, "new.fa"])


def test_reads_that_are_not_there_are_told_before_an_index_is_made(data: Path, folder: Path) -> None:
    Path("new.fa").write_text((data / "ref.fa").read_text())
    with pytest.raises((ColonnadeError, OSError), match=r"none\.fq"):
        align("none.fq", index="new.fa", out="a.bam")
    assert os.listdir(folder) == ["new.fa"]


def test_a_table_of_inputs_has_all_that_is_said_of_each(aligned, data: Path, folder: Path) -> None:
    inputs = (ReadFiles(data / "reads.fq"),)
    for more in ({"mates": "2.fq"}, {"read_group": "a"}):
        with pytest.raises(UsageError, match="several inputs have their own mates and read groups"):
            aligned(inputs, **more)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("name", ["1.fq", "2.fq"])
def test_no_file_of_several_inputs_is_replaced(aligned, data: Path, folder: Path, name: str) -> None:
    for number in "12":
        Path(f"{number}.fq").write_bytes((data / "reads.fq").read_bytes())
    with pytest.raises(UsageError, match="output is one of the inputs"):
        aligned((ReadFiles("1.fq", "2.fq"), ReadFiles(data / "reads.fq")), out=name, force=True)
    assert sorted(os.listdir(folder)) == ["1.fq", "2.fq"]


def test_threads_are_one_at_least(aligned, folder: Path) -> None:
    with pytest.raises(UsageError, match="threads is out of range"):
        aligned(threads=0)
    assert os.listdir(folder) == []


def test_a_file_of_the_index_stands_for_the_index(aligned, data: Path) -> None:
    aligned()
    for suffix in (".bwt", ".ann", ".colonnade"):
        align(data / "reads.fq", index=data / f"ref.fa{suffix}", out="b.bam", force=True)
        assert Path("b.bam").read_bytes() == Path("a.bam").read_bytes()


def test_paths_in_a_row_are_neither_inputs_nor_mates(data: Path, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"not as ReadFiles; found '1\.fq'; expected a ReadFiles for each input"):
        align(["1.fq", "2.fq"], index=data / "ref.fa", out="a.bam")


def test_the_header_tells_of_read_group_and_order(aligned) -> None:
    aligned(read_group="a", sort=True)
    with pysam.AlignmentFile("a.bam") as file:
        command = file.header.to_dict()["PG"][-1]["CL"]
    assert command == r"colonnade align --index ref.fa --read-group '@RG\tID:a' --sort"
