"""Names that speak against what FASTQ files were said to be are told, and others are not."""

import gzip
from pathlib import Path

import pytest

from colonnade.align.inputs import ReadFiles
from colonnade.align.mate_names import Named, first_reads
from colonnade.align.options import AlignOptions
from colonnade.align.reads import open_reads


def fastq(*names: str) -> str:
    return "".join(f"@{name}\nACGT\n+\nIIII\n" for name in names)


def told(caplog, folder: Path, *texts: str, interleaved: bool = False) -> list[str]:
    """What is said of these files, whose names are left out, once they are read."""
    caplog.clear()
    paths = [folder / f"{number}.fq" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(gzip.compress(text.encode()))
    with open_reads([ReadFiles(*paths)], options=AlignOptions(interleaved=interleaved)) as source:
        assert sum(map(len, source.batches())) == "".join(texts).count("@")
    names = " and ".join(map(str, paths))
    assert all(line.startswith(f"{names}: ") for line in caplog.messages)
    return [line.removeprefix(f"{names}: ") for line in caplog.messages]


INTERLEAVED = "the first two reads have one name; if each two are mates, say --interleaved"


@pytest.mark.parametrize(
    ("first", "second"), [("a", "a"), ("a/1", "a/2"), ("a 1:N:0:AC", "a 2:N:0:AC"), ("a x", "a y")]
)
def test_pairs_in_one_file_that_are_taken_for_single_reads_are_told_once(tmp_path, caplog, first: str, second: str):
    assert told(caplog, tmp_path, fastq(first, second, first, second)) == [INTERLEAVED]
    assert told(caplog, tmp_path, fastq(first, second), interleaved=True) == []


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("a/1", "b/1"), ("a/12", "a/13")])
def test_single_reads_are_not_doubted(tmp_path, caplog, names: tuple[str, ...]):
    assert told(caplog, tmp_path, fastq(*names)) == []


@pytest.mark.parametrize("mark", ["/{}", " {}:N:0:ACGT", " {}:Y:18:1", "/{} x"])
@pytest.mark.parametrize("ends", ["11", "12", "21", "22"])
def test_mates_that_are_swapped_or_doubled_are_told(tmp_path, caplog, mark: str, ends: str):
    names = ["a" + mark.format(end) for end in ends]
    line = f"by their names the first reads are mates {ends[0]} and {ends[1]}; they are taken for 1 and 2"
    expected = [] if ends == "12" else [line]
    assert told(caplog, tmp_path, *map(fastq, names)) == expected
    assert told(caplog, tmp_path, fastq(*names), interleaved=True) == expected


@pytest.mark.parametrize("names", [("a", "a"), ("a 2", "a 1"), ("a/2", "a"), ("a length=1", "a length=2")])
def test_names_that_tell_of_no_mates_are_not_doubted(tmp_path, caplog, names: tuple[str, str]):
    assert told(caplog, tmp_path, *map(fastq, names)) == []


def test_what_is_no_fastq_has_no_names():
    assert first_reads(b"", 2) == first_reads(b">a\nA\n", 2) == first_reads(b"@ a\n", 1) == []
    assert first_reads(b"@a/2\r\nA\r\n+\r\nI\r\n", 2) == [Named("a", "2")]
