"""Records end up in a file that is complete, sorted and indexed as samtools would, or nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.align import output
from colonnade.align.output import bam_output
from colonnade.errors import OutputError, UsageError

SAM_HEADER = "@HD\tVN:1.6\tSO:unsorted\n@SQ\tSN:c\tLN:1000\n@SQ\tSN:d\tLN:500\n@PG\tID:x\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A BAM file of records in no order, many of them at the same place."""
    rng = np.random.default_rng(1)
    lines = []
    for number, (contig, place, flag) in enumerate(rng.integers(0, [3, 9, 2], (40_000, 3)).tolist()):
        where = f"{16 * flag}\t{'cd'[contig]}\t{place + 1}\t0\t20M" if contig < 2 else "4\t*\t0\t0\t*"
        lines.append(f"r{number}\t{where}\t*\t0\t0\t{'ACGT' * 5}\t{'I' * 20}\n")
    folder = tmp_path_factory.mktemp("made")
    (folder / "made.sam").write_text(SAM_HEADER + "".join(lines))
    samtools("view", "-b", "--no-PG", "-o", folder / "made.bam", folder / "made.sam")
    return folder / "made.bam"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def samtools(command: str, *arguments: object) -> None:
    getattr(pysam.samtools, command)(*map(str, arguments), catch_stdout=False)


def inflated(path: Path) -> bytes:
    with pysam.BGZFile(str(path)) as file:
        return file.read()


def write(out: Path | str, data: bytes, *, suffix: str | None = None, threads: int = 1, force: bool = False) -> None:
    with bam_output(str(out), index_suffix=suffix, threads=threads, force=force) as stream:
        for start in range(0, len(data), 100_000):
            stream.write(data[start : start + 100_000])


def test_records_stay_in_order(made: Path, folder: Path) -> None:
    write(folder / "a.bam", inflated(made), threads=2)
    assert inflated(folder / "a.bam") == inflated(made)
    assert os.listdir(folder) == ["a.bam"]


@pytest.mark.parametrize("suffix", [".bai", ".csi"])
@pytest.mark.parametrize("memory", [1 << 30, 1])
@pytest.mark.parametrize("threads", [1, 3])
def test_sorted_records_and_index_are_those_of_samtools(
    made: Path, folder: Path, tmp_path: Path, monkeypatch, suffix: str, memory: int, threads: int
) -> None:
    monkeypatch.setattr(output, "_SORT_MEMORY", memory)  # with the least, some wait in files
    samtools("sort", "--no-PG", "-o", tmp_path / "b.bam", made)
    samtools("index", "-b" if suffix == ".bai" else "-c", "-o", tmp_path / "b.index", tmp_path / "b.bam")
    write(folder / "a.bam", inflated(made), suffix=suffix, threads=threads)
    assert (folder / "a.bam").read_bytes() == (tmp_path / "b.bam").read_bytes()
    assert (folder / f"a.bam{suffix}").read_bytes() == (tmp_path / "b.index").read_bytes()
    assert sorted(os.listdir(folder)) == ["a.bam", f"a.bam{suffix}"]


def test_no_records_can_be_sorted(made: Path, folder: Path) -> None:
    samtools("view", "-H", "-b", "--no-PG", "-o", folder / "head.bam", made)
    write(folder / "a.bam", inflated(folder / "head.bam"), suffix=".bai")
    samtools("quickcheck", folder / "a.bam")
    assert (folder / "a.bam.bai").exists()


@pytest.mark.parametrize("suffix", [None, ".bai"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_after_an_error(made: Path, folder: Path, suffix: str | None, error: type) -> None:
    def write_and_raise() -> None:
        with bam_output(str(folder / "a.bam"), index_suffix=suffix, threads=2, force=False) as stream:
            stream.write(inflated(made))
            raise error

    with pytest.raises(error):
        write_and_raise()
    assert os.listdir(folder) == []


@pytest.mark.parametrize("size", [10, 50_000_000])
def test_what_samtools_says_of_a_stream_that_it_cannot_sort_is_told(folder: Path, size: int) -> None:
    with pytest.raises(OutputError, match=r"a\.bam: cannot be sorted; found .*failed to read header") as caught:
        write(folder / "a.bam", b"garbage" * (size // 7), suffix=".bai")
    assert "\n" not in str(caught.value)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("suffix", [None, ".bai"])
def test_a_file_that_exists_is_replaced_by_force_only(made: Path, folder: Path, suffix: str | None) -> None:
    (folder / "a.bam").write_text("mine")
    with pytest.raises(UsageError, match="output exists"):
        write(folder / "a.bam", inflated(made), suffix=suffix)
    assert (folder / "a.bam").read_text() == "mine"
    write(folder / "a.bam", inflated(made), suffix=suffix, force=True)
    samtools("quickcheck", folder / "a.bam")


def test_a_missing_folder_is_named(folder: Path) -> None:
    with pytest.raises(OutputError, match=r"none/a\.bam: cannot be written"):
        write(folder / "none" / "a.bam", b"", suffix=".bai")


PROGRAM = """
import sys
from colonnade.align.output import bam_output
with bam_output("-", index_suffix={suffix!r}, threads=2, force=False) as stream:
    stream.write(sys.stdin.buffer.read())
"""


@pytest.mark.parametrize("suffix", [None, ".bai"])
def test_stdout_gets_the_bytes_that_a_file_does(made: Path, folder: Path, suffix: str | None) -> None:
    write(folder / "a.bam", inflated(made), suffix=suffix)
    command = [sys.executable, "-c", PROGRAM.format(suffix=suffix)]
    done = subprocess.run(command, input=inflated(made), capture_output=True, check=True)
    assert (done.stdout, done.stderr) == ((folder / "a.bam").read_bytes(), b"")


def test_samtools_that_dies_without_a_word_is_told(folder: Path, monkeypatch) -> None:
    """As where the disk is full on which it would say so."""
    monkeypatch.setattr(output, "_SAMTOOLS", "import os; os._exit(3)")
    with pytest.raises(OutputError, match=r"a\.bam: cannot be sorted; found exit code 3"):
        write(folder / "a.bam", b"", suffix=".bai")
    assert os.listdir(folder) == []


@pytest.mark.parametrize("suffix", [None, ".bai"])
def test_stdout_that_is_closed_is_told(monkeypatch, suffix: str | None) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(OutputError, match="stdout: cannot be written; found it is closed"):
        write("-", b"", suffix=suffix)


def test_stdout_that_is_full_is_named(monkeypatch, made: Path) -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr("sys.stdout", type("Stdout", (), {"buffer": full}))
        with pytest.raises(OutputError, match="stdout: cannot be written; found No space left on device"):
            write("-", inflated(made))


def test_a_reader_of_stdout_that_is_gone_is_a_broken_pipe(monkeypatch, made: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb", buffering=0) as gone:
        monkeypatch.setattr("sys.stdout", type("Stdout", (), {"buffer": gone}))
        with pytest.raises(BrokenPipeError):
            write("-", inflated(made) * 9)
