"""SAM and CRAM arrive as a stream of BAM, and what is wrong with them arrives as well."""

import gzip
import os
import sys
from pathlib import Path

import pysam
import pytest

from colonnade.errors import FormatError, InputError
from colonnade.formats.decoded import DecodedSource

LINES = [f"r{n}\t0\tc\t{n + 1}\t60\t8M\t*\t0\t0\tACGTACGT\tIIIIIIII" for n in range(0, 40, 4)]


@pytest.fixture
def bam(make_bam) -> Path:
    return make_bam("reads.bam", {"c": 100}, LINES)


@pytest.fixture
def reference(make_fasta) -> Path:
    return make_fasta("ref.fa", {"c": "ACGT" * 25})


def read(source: DecodedSource) -> bytes:
    try:
        return b"".join(iter(lambda: source.read(1000), b""))
    finally:
        source.close()


def records(raw: bytes) -> bytes:
    """What follows the header, which htslib's programs add to."""
    data = gzip.decompress(raw)
    return data[data.index(b"c\0\x64\0\0\0") :]


def test_cram_and_sam_are_the_bam_that_they_were_made_of(bam: Path, reference: Path, tmp_path: Path):
    cram, sam = tmp_path / "reads.cram", tmp_path / "reads.sam"
    pysam.samtools.view("-C", "-T", str(reference), "-o", str(cram), str(bam), catch_stdout=False)
    sam.write_text(pysam.samtools.view("-h", str(bam)))
    assert records(read(DecodedSource(sam))) == records(bam.read_bytes())
    assert records(read(DecodedSource(cram, reference=reference))) == records(bam.read_bytes())


def test_faults_are_told_as_they_are_without_a_process_between(bam: Path, reference: Path, tmp_path: Path):
    cram, sam = tmp_path / "reads.cram", tmp_path / "reads.sam"
    pysam.samtools.view("-C", "-T", str(reference), "-o", str(cram), str(bam), catch_stdout=False)
    with pytest.raises(InputError, match=r"reads\.cram: a CRAM needs its reference"):
        read(DecodedSource(cram))
    with pytest.raises(InputError, match=r"^standard input: a CRAM needs its reference"):
        read(DecodedSource(cram, name="standard input"))
    cram.write_bytes(cram.read_bytes()[:-10])
    with pytest.raises(FormatError, match=r"reads\.cram: offset \d+: file is truncated"):
        read(DecodedSource(cram, reference=reference))
    sam.write_text(pysam.samtools.view("-h", str(bam))[:-12])
    with pytest.raises(FormatError, match=r"reads\.sam: after 9 records: a record cannot be decoded"):
        read(DecodedSource(sam))
    with pytest.raises(FileNotFoundError, match="absent"):
        read(DecodedSource(tmp_path / "absent"))


def test_modules_in_the_folder_are_not_taken_for_those_that_are_needed(
    bam: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "reads.sam").write_text(pysam.samtools.view("-h", str(bam)))
    (tmp_path / "pysam.py").write_text("raise SystemExit('not this one')\n")
    monkeypatch.chdir(tmp_path)
    assert records(read(DecodedSource("reads.sam"))) == records(bam.read_bytes())


def test_process_that_dies_is_an_error(bam: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho first >&2\necho no memory >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(FormatError, match=r"reads\.bam: cannot be decoded; found no memory"):
        read(DecodedSource(bam))


def test_reading_may_end_before_the_file_does(tmp_path: Path):
    sam = tmp_path / "reads.sam"
    sam.write_text("\n".join(LINES * 20_000).replace("\tc\t", "\t*\t").replace("\t8M\t", "\t*\t"))
    source = DecodedSource(sam)
    assert source.read(10)
    source.close()
    source.close()
    with pytest.raises(ProcessLookupError):
        os.kill(source._process.pid, 0)
