"""FASTQ comes out as the unaligned records that it describes, in batches of any size, or with one line that says what is wrong."""

import gzip
import io
import logging
import re
import struct
from itertools import pairwise
from pathlib import Path
from unittest import mock

import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.errors import FormatError
from colonnade.formats import packer, stream
from colonnade.formats.bgzf import EOF_BLOCK
from colonnade.formats.fastq import FastqReader
from colonnade.formats.stream import FileSource, InputStream

REAL = [
    "ecoli_k12_pe100/ecoli_1K_1.fq.gz",
    "ecoli_k12_pe100/ecoli_1K_2.fq.gz",
    "hiv_caprisa/CAP188_wk30_R1.fastq.gz",
    "hiv_caprisa/CAP217_wk4390_R2.fastq.gz",
]
GOOD = b"@first a comment\nACGTN\n+first\n!5I~A\n@second/2\nacg\n+\n@@@\n"


class Memory(io.BytesIO):
    """Bytes as a source."""

    path = "reads.fq"
    size = None


def read(text: bytes, *, reads: int = 100, size: int = 1 << 16, chunk: int = 1 << 20, tags: bytes = b"") -> list[bytes]:
    """The batches of a text, read so many bytes at a time."""
    with mock.patch.object(stream, "CHUNK", chunk):
        made = list(FastqReader(InputStream(Memory(text)), tags=tags).batches(reads=reads, size=size))
    for data, offsets in made:
        assert offsets[0] == 0
        assert offsets[-1] == len(data)
        assert len(offsets) <= reads + 1
    return [data[start:end].tobytes() for data, offsets in made for start, end in pairwise(offsets)]


def record(name: str, bases: str, qualities: str, tags: bytes = b"") -> bytes:
    """An unaligned BAM record, by the letter of the specification."""
    codes = ["=ACMGRSVTWYHKDBN".index(base) for base in bases.upper().replace("U", "T").replace(".", "N")]
    codes += [0] * (len(codes) % 2)
    packed = bytes(first << 4 | second for first, second in zip(codes[::2], codes[1::2], strict=True))
    fixed = struct.pack("<iiBBHHHiiii", -1, -1, len(name) + 1, 0, 4680, 0, 4, len(bases), -1, -1, 0)
    body = fixed + name.encode() + b"\0" + packed + bytes(ord(letter) - 33 for letter in qualities) + tags
    return struct.pack("<i", len(body)) + body


def the_error(text: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read(text)
    with pytest.raises(FormatError, match=re.escape(str(caught.value))):  # wherever the text is cut into pieces
        read(text, reads=1, chunk=5)
    return str(caught.value)


@pytest.mark.parametrize("name", REAL)
def test_real_files_give_what_pysam_reads_in_them(shared_data: Path, name: str):
    with pysam.FastxFile(str(shared_data / name)) as file:
        expected = [record(re.sub("(?<=..)/[12]$", "", r.name), r.sequence, r.quality) for r in file]
    source = FileSource(shared_data / name)
    found = b"".join(data.tobytes() for data, _ in FastqReader(InputStream(source)).batches(reads=1000, size=1 << 20))
    source.close()
    assert expected
    assert found == b"".join(expected)


@st.composite
def records(draw) -> tuple[str, str, str, str]:
    name = draw(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12))
    bases = draw(st.text("ACGTNacgtnRYSWKMBDHVUu.", max_size=9))
    qualities = draw(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=len(bases), max_size=len(bases))
    )
    return name, draw(st.sampled_from(["", " comment", "\tx y", "/1", "/2", "/1/2"])), bases, qualities


@given(
    st.lists(records(), max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n\n", "\r\n\r\n"]),
    st.integers(1, 5),
    st.integers(1, 300),
    st.integers(2, 60),
)
def test_any_records_come_back_however_text_and_batches_are_cut(items, line_end, end, reads, size, chunk):
    text = line_end.join(f"@{n}{rest}{line_end}{b}{line_end}+{line_end}{q}" for n, rest, b, q in items) + end
    expected = []
    for name, rest, bases, qualities in items:
        whole = (name + rest).split()[0]
        short = whole[:-2] if len(whole) > 2 and whole.endswith(("/1", "/2")) else whole
        expected.append(record(short, bases, qualities))
    if items and items[-1][2] == "" and end == "":
        text += line_end  # an empty last line has to be there
    assert read(text.encode(), reads=reads, size=size, chunk=chunk) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/1", "a"), ("ab/2", "ab"), ("a/3", "a/3"), ("/1", "/1"), ("a/1/1", "a/1"), ("a/1 b/2", "a")],
)
def test_names_lose_their_mate_as_in_bwa(name: str, expected: str):
    assert read(f"@{name}\nA\n+\nI\n".encode()) == [record(expected, "A", "I")]


def test_tags_end_each_record():
    assert read(GOOD, tags=b"RGZx\0") == [
        record("first", "ACGTN", "!5I~A", b"RGZx\0"),
        record("second", "ACG", "@@@", b"RGZx\0"),
    ]


def test_reads_of_all_lengths_beside_each_other():
    """The length of one read is the guess for the next, and must stay a guess."""
    texts = [("A" * n, "+" * n) for n in (4, 0, 2, 7, 4, 1, 300, 2, 6)]
    text = "".join(f"@n\n{bases}\n+\n{qualities}\n" for bases, qualities in texts)
    assert read(text.encode()) == [record("n", *pair) for pair in texts]


def test_read_longer_than_a_batch_is_a_batch():
    text = b"@a\nA\n+\nI\n@long\n" + b"ACGT" * 5000 + b"\n+\n" + b"IIII" * 5000 + b"\n@b\nC\n+\nI\n"
    expected = [record("a", "A", "I"), record("long", "ACGT" * 5000, "IIII" * 5000), record("b", "C", "I")]
    assert read(text, size=100) == expected
    assert read(text, size=100, chunk=64) == expected


def test_reads_of_any_length_pass():
    assert read(b"@a\n" + b"G" * 70_000 + b"\n+\n" + b"#" * 70_000) == [record("a", "G" * 70_000, "#" * 70_000)]


@pytest.mark.parametrize("text", [b"", gzip.compress(b"", mtime=0), EOF_BLOCK, b"\n", b"\n\r\n"])
def test_nothing_is_no_reads(text: bytes):
    assert read(text) == []


@pytest.mark.parametrize("at", range(1, len(GOOD) - 1))
def test_no_cut_goes_unnoticed_but_between_records(at: int):
    whole = GOOD.index(b"@second")
    if at in (whole - 1, whole):
        assert read(GOOD[:at]) == [record("first", "ACGTN", "!5I~A")]
    else:
        line = GOOD[:at].count(b"\n") + 1
        assert f"reads.fq: line {line}: the file ends in the middle of a record" in the_error(GOOD[:at])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"read\nA\n+\nI\n", "line 1: not FASTQ; found 'read'; expected '@' and a read name"),
        (GOOD + b"read\nA\n+\nI\n", "line 9: no record begins here; found 'read'; expected '@' and a read name"),
        (b">read\nACGT\n", "line 1: not FASTQ; found FASTA, which has no qualities"),
        (b"\xef\xbb\xbf@a\nA\n+\nI\n", "line 1: not FASTQ; found UTF-8 text with a byte order mark"),
        ("@a\nA\n+\nI\n".encode("utf-16-le"), "line 3: no '+' behind the sequence; found '\\x00+\\x00'"),
        ("\ufeff@a\nA\n+\nI\n".encode("utf-16-le"), "line 1: not FASTQ; found UTF-16 text"),
        (b"\n" + GOOD, "line 1: an empty line where a record should begin"),
        (GOOD + b"\n\n" + GOOD, "line 9: an empty line where a record should begin"),
        (b"@\nA\n+\nI\n", "line 1: no read name; found '@'"),
        (b"@ a\nA\n+\nI\n", "line 1: no read name; found '@ a'"),
        (b"@a\0b\nA\n+\nI\n", "line 1: no read name; found '@a\\x00b'"),
        (
            b"@" + b"n" * 255 + b" x\nA\n+\nI\n",
            "line 1: a read name is too long for BAM; found 255 characters; expected 254",
        ),
        (GOOD + b"@a\nAC1T\n+\nIIII\n", "line 10: a letter that is no base; found '1'; expected IUPAC codes, N or '.'"),
        (b"@a\nACE\n+\nIII\n", "line 2: a letter that is no base; found 'E'"),
        (b"@a\nAC-T\n+\nIIII\n", "line 2: a letter that is no base; found '-'"),
        (b"@a\n*\n+\n*\n", "line 2: a letter that is no base; found '*'"),
        (b"@a\nAC=\n+\nIII\n", "line 2: a letter that is no base; found '='"),
        (b"@a\nA C\n+\nIII\n", "line 2: a letter that is no base; found ' '"),
        (
            b"@a\nACGT\n@b\nACGT\n",
            "line 3: no '+' behind the sequence; found '@b'; expected four lines for each record",
        ),
        (b"@a\nACGT\nACGT\n+\nIIII\nIIII\n", "line 3: the sequence goes on over several lines; found 'ACGT'"),
        (
            b"@a\nACGT\n+\nIII\n@b\n",
            "line 4: sequence and quality differ in length; found 3 qualities; expected 4, one",
        ),
        (
            b"@a\nACGT\n+\nIIIII\n@b\n",
            "line 4: sequence and quality differ in length; found 5 qualities; expected 4, one",
        ),
        (
            b"@a\nACGT\n+\nII\nII\n@b\n",
            "line 4: sequence and quality differ in length; found 2 qualities; expected 4, one",
        ),
        (b"@a\nACG\n+\nI I\n", "line 4: a character that is no quality; found ' '; expected '!' to '~'"),
        (b"@a\nACG\n+\nII\x7f\n", "line 4: a character that is no quality; found '\\x7f'"),
        (b"@a\rACG\r+\rIII\r", "line 1: the file ends in the middle of a record; found carriage returns alone"),
    ],
)
def test_every_fault_is_one_line_with_its_place(text: bytes, expected: str):
    assert f"reads.fq: {expected}" in the_error(text)


def test_record_without_end_is_not_waited_for():
    with mock.patch.object(packer, "_LONGEST", 1000), pytest.raises(FormatError, match="a record is too long"):
        read(b"@a\n" + b"A" * 5000, chunk=100)


@pytest.mark.parametrize("start", [b"", b"@a\nACGT\nA"])
def test_line_without_end_that_is_wrong_is_not_waited_for(start: bytes):
    """As of /dev/zero."""
    source = Memory(start + bytes(10 << 20))
    with pytest.raises(FormatError, match=r"line [13]: .*; found '"):
        list(FastqReader(InputStream(source)).batches(reads=10, size=1000))
    assert source.tell() < 5 << 20


def test_bgzf_without_its_end_is_read_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Sequencers write such files, and their blocks are whole."""
    path = tmp_path / "reads.fq.gz"
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(GOOD)
    whole = path.read_bytes()
    with caplog.at_level(logging.WARNING):
        assert len(read(whole)) == 2
    assert not caplog.records
    assert len(read(whole.removesuffix(EOF_BLOCK))) == 2
    assert "no end-of-file block" in caplog.text


def test_codes_are_those_that_htslib_makes(tmp_path: Path):
    """All letters that pass, in one read."""
    letters = "ACGTUMRSVWYHKDBNacgtumrsvwyhkdbn."
    (tmp_path / "a.sam").write_text(f"a\t4\t*\t0\t0\t*\t*\t0\t0\t{letters}\t{'I' * len(letters)}\n")
    pysam.samtools.view("-b", "-o", str(tmp_path / "a.bam"), str(tmp_path / "a.sam"), catch_stdout=False)
    (made,) = read(f"@a\n{letters}\n+\n{'I' * len(letters)}\n".encode())
    assert gzip.decompress((tmp_path / "a.bam").read_bytes()).endswith(made)
