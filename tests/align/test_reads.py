"""Reads of any kind of file come as unaligned records in the order of the file, the same whatever batches and threads."""

import array
import gzip
import logging
import os
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colonnade.align.bam_reader import ALIGNER_TAGS
from colonnade.align.batch import Batch, Phase
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.reads import LARGE, SMALL, Cut, ReadSource, open_reads
from colonnade.errors import ColonnadeError, FormatError, InputError, UsageError
from colonnade.formats.bgzf import EOF_BLOCK
from colonnade.formats.bgzf_writer import BgzfWriter

REAL_BAM = [
    "ecoli_k12_pe100/ecoli_1K.bwaaln.bam",
    "ebola_ubam/G5012.3.testreads.bam",
    "westnile_454_multiRG/in.2libs3rgs.bam",
    "taps_mouse_lambda/test.bam",
    "hiv_caprisa/CAP188_wk4.bwamem.bam",
]
REAL_FASTQ = "ecoli_k12_pe100/ecoli_1K_1.fq.gz"
MATE_FLAGS = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80
BASES = "ACGTTGCATTGACCAGTAGC" * 5


def opened(path: Path | str, *, read_group: str | None = None, **settings: Any) -> ReadSource:
    """One input."""
    return open_reads([ReadFiles(path, read_group=read_group)], options=AlignOptions(), **settings)


def contents(path: Path | str, *, cut: Cut = SMALL, **settings: Any) -> bytes:
    """All records."""
    with opened(path, **settings) as source:
        return joined(source.batches(cut))


def joined(batches: Iterable[Batch]) -> bytes:
    parts = []
    for batch in batches:
        batch.require(Phase.PRISTINE)
        data, offsets = batch.records()
        assert offsets[0] == 0
        assert offsets[-1] == len(data)
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            assert end - start == 4 + int.from_bytes(data[start : start + 4].tobytes(), "little")
        parts.append(data.tobytes())
    return b"".join(parts)


def decoded(records: bytes, path: Path) -> list[pysam.AlignedSegment]:
    """What htslib makes of records."""
    with BgzfWriter(path) as file:
        file.write(b"BAM\1" + struct.pack("<II", 0, 0) + records)
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return list(file.fetch(until_eof=True))


def unpaired(source: Path, target: Path, mode: str = "wb") -> Path:
    """The same file as if all of its reads were single."""
    with (
        pysam.AlignmentFile(str(source), check_sq=False) as file,
        pysam.AlignmentFile(str(target), mode, template=file) as out,
    ):
        for record in file.fetch(until_eof=True):
            record.flag &= ~MATE_FLAGS
            out.write(record)
    return target


def sam(*lines: str, header: str = "@SQ\tSN:c\tLN:1000\n") -> str:
    return header + "".join(f"{line}\n" for line in lines)


def as_bam(text: str, folder: Path) -> Path:
    (folder / "made.sam").write_text(text)
    pysam.samtools.view("-b", "-o", str(folder / "made.bam"), str(folder / "made.sam"), catch_stdout=False)
    return folder / "made.bam"


def line(name: str, flag: int, cigar: str, bases: str, qualities: str, *tags: str) -> str:
    place = "*\t0\t0" if cigar == "*" else "c\t10\t37"
    return "\t".join([name, str(flag), place, cigar, "*", "0", "0", bases, qualities, *tags])


@pytest.fixture
def fastq(tmp_path: Path) -> Path:
    path = tmp_path / "reads.fq"
    path.write_text("".join(f"@r{n}/1 x\n{BASES[n : 2 * n]}\n+\n{'!I~'[n % 3] * n}\n" for n in range(50)))
    return path


@pytest.fixture
def bam(tmp_path: Path) -> Path:
    lines = [line(f"r{n}", 16 * (n % 2), f"{n}M", BASES[:n], "5" * n, f"XX:i:{n}", "NM:i:0") for n in range(1, 60)]
    return as_bam(sam(*lines), tmp_path)


@pytest.mark.parametrize("name", REAL_BAM)
def test_real_alignments_come_as_they_were_sequenced(shared_data: Path, tmp_path: Path, name: str):
    path = unpaired(shared_data / name, tmp_path / "single.bam")
    with opened(path) as source:
        found = decoded(joined(source.batches()), tmp_path / "found.bam")
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        given = list(file.fetch(until_eof=True))
    assert source.left_out == sum(record.is_secondary or record.is_supplementary for record in given)
    expected = [record for record in given if not (record.is_secondary or record.is_supplementary)]
    assert len(found) == len(expected) > 1000
    for made, old in zip(found, expected, strict=True):
        assert made.query_name == old.query_name
        assert made.flag == old.flag & (0x200 | 0x400) | 4
        assert (made.query_sequence or "") == (old.get_forward_sequence() or "")
        assert made.query_qualities == old.get_forward_qualities()
        assert (made.reference_id, made.reference_start, made.mapping_quality, made.bin) == (-1, -1, 0, 4680)
        assert (made.next_reference_id, made.next_reference_start, made.template_length) == (-1, -1, 0)
        assert made.cigartuples is None
        kept = [tag for tag in old.get_tags(with_value_type=True) if tag[0] not in ALIGNER_TAGS]
        assert made.get_tags(with_value_type=True) == kept


@pytest.mark.parametrize("name", [REAL_BAM[3], REAL_FASTQ])
def test_batches_and_threads_change_nothing(shared_data: Path, tmp_path: Path, name: str):
    path = shared_data / name
    if path.suffix == ".bam":
        path = unpaired(path, tmp_path / "single.bam")
    whole = contents(path)
    assert whole
    for threads in (1, 2):
        for cut in (Cut(1, 1 << 20), Cut(7, 1 << 20), Cut(8192, 1000), LARGE):
            assert contents(path, threads=threads, cut=cut) == whole
    with opened(path) as source:
        sizes = [len(batch) for batch in source.batches(Cut(7, 1 << 20))]
    assert set(sizes[:-1]) == {7}


def test_all_kinds_of_file_give_the_same_reads(shared_data: Path, tmp_path: Path):
    """FASTQ, plain, gzip and bgzip; BAM, SAM and CRAM, the latter two whole or from pipes."""
    text = gzip.decompress((shared_data / REAL_FASTQ).read_bytes())
    reference = shared_data / "ecoli_k12_pe100" / "U00096.2.fasta"
    for name, raw in (("a", text), ("b", gzip.compress(text))):
        (tmp_path / name).write_bytes(raw)
    with pysam.BGZFile(str(tmp_path / "c"), "wb") as file:
        file.write(text)
    expected = contents(tmp_path / "a")
    assert contents(tmp_path / "b") == contents(tmp_path / "c") == expected

    decoded(expected, tmp_path / "d")
    pysam.samtools.view("-h", "--no-PG", "-o", str(tmp_path / "e"), str(tmp_path / "d"), catch_stdout=False)
    pysam.samtools.view("-C", "-T", str(reference), "-o", str(tmp_path / "f"), str(tmp_path / "d"), catch_stdout=False)
    (tmp_path / "g").write_bytes(gzip.compress((tmp_path / "e").read_bytes()))
    for name in "defg":
        assert contents(tmp_path / name, reference=reference) == expected
        assert piped((tmp_path / name).read_bytes(), reference=reference) == expected
    for name in "abc":
        assert piped((tmp_path / name).read_bytes()) == expected


PIPED = """
import sys
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.reads import LARGE, SMALL, Cut, open_reads
from colonnade.errors import ColonnadeError
try:
    with open_reads([ReadFiles("-")], options=AlignOptions(), reference=sys.argv[1] or None) as source:
        assert source.size is None
        for batch in source.batches():
            sys.stdout.buffer.write(batch.records()[0].tobytes())
except ColonnadeError as error:
    sys.exit(str(error))
"""


def piped(raw: bytes, *, reference: Path | None = None) -> bytes:
    """All records of what comes by standard input, a real pipe; raises what was said if it was an error."""
    done = subprocess.run(
        [sys.executable, "-c", PIPED, str(reference or "")], input=raw, capture_output=True, check=False
    )
    if done.returncode:
        raise ColonnadeError(done.stderr.decode().strip())
    return done.stdout


def test_cuts_of_standard_input_are_found(bam: Path):
    """The end-of-file block is waited for, as the end of a pipe says nothing."""
    raw = bam.read_bytes()
    for size, expected in (
        (len(raw) - len(EOF_BLOCK), "standard input: offset .*: truncated; found no end-of-file block"),
        (len(raw) - len(EOF_BLOCK) - 5, "standard input: offset .*: truncated; found a BGZF block that ends too early"),
        (len(raw) - 5, "standard input: offset .*: truncated; found a BGZF block that ends too early"),
        (100, "standard input: offset .*: truncated; found a BGZF block"),
    ):
        with pytest.raises(ColonnadeError, match=expected):
            piped(raw[:size])


def test_cuts_of_a_file_are_found_before_its_first_read(bam: Path):
    raw = bam.read_bytes()
    for size in (len(raw) - len(EOF_BLOCK), len(raw) - 1, len(raw) // 2):
        bam.write_bytes(raw[:size])
        with pytest.raises(FormatError, match=rf"{bam}: offset {size}: .*truncated"):
            opened(bam)


def test_cut_within_a_record_is_found(tmp_path: Path, bam: Path):
    data = gzip.decompress(bam.read_bytes())
    for lost in (1, 50, 200):
        with BgzfWriter(tmp_path / "cut.bam") as file:
            file.write(data[:-lost])
        with pytest.raises(
            FormatError, match=r"cut\.bam: record 5[6789]: a record is cut short; found \d+ bytes of it"
        ):
            contents(tmp_path / "cut.bam")


def test_damaged_block_is_found(bam: Path):
    raw = bytearray(bam.read_bytes())
    raw[len(raw) - len(EOF_BLOCK) - 20] ^= 255
    bam.write_bytes(raw)
    with pytest.raises(FormatError, match=r"made\.bam: compressed offset \d+: .*; the file is damaged"):
        contents(bam)


def test_cut_headers_are_found(tmp_path: Path, bam: Path):
    data = gzip.decompress(bam.read_bytes())
    for size in (4, 7, 20, data.index(b"c\0") + 3):
        with BgzfWriter(tmp_path / "cut.bam") as file:
            file.write(data[:size])
        with pytest.raises(FormatError, match=r"cut\.bam: the header is damaged"):
            opened(tmp_path / "cut.bam")


def test_cut_sam_and_cram_are_found(tmp_path: Path, bam: Path, make_fasta: Callable[..., Path]):
    reference = make_fasta("ref.fa", {"c": (BASES * 10)[:1000]})
    text = pysam.samtools.view("-h", str(bam))
    (tmp_path / "cut.sam").write_text(text[:-30])
    with pytest.raises(FormatError, match=r"cut\.sam: after 58 records: a record cannot be decoded"):
        contents(tmp_path / "cut.sam")
    with pytest.raises(ColonnadeError, match="standard input: after 58 records: a record cannot be decoded"):
        piped(text[:-30].encode())
    pysam.samtools.view("-C", "-T", str(reference), "-o", str(tmp_path / "a.cram"), str(bam), catch_stdout=False)
    raw = (tmp_path / "a.cram").read_bytes()
    (tmp_path / "cut.cram").write_bytes(raw[:-38])
    with pytest.raises(FormatError, match=r"cut\.cram: offset \d+: file is truncated"):
        contents(tmp_path / "cut.cram", reference=reference)
    with pytest.raises(ColonnadeError, match=r"standard input: offset \d+: file is truncated"):
        piped(raw[:-38], reference=reference)
    with pytest.raises(InputError, match=r"a\.cram: a CRAM needs its reference"):
        contents(tmp_path / "a.cram")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda record: struct.pack("<i", 20) + record[4:], "a record's size is impossible"),
        (lambda record: struct.pack("<i", 1 << 30) + record[4:], "a record's size is impossible"),
        (lambda record: record[:20] + struct.pack("<i", 5000) + record[24:], "a record's parts do not fit into it"),
        (lambda record: record[:20] + struct.pack("<i", -1) + record[24:], "a record's parts do not fit into it"),
        (lambda record: record[:12] + b"\x03" + record[13:], "a read name does not end with NUL"),
        (lambda record: record[:12] + b"\x00" + record[13:], "a read name does not end with NUL"),
        (lambda record: record.replace(b"XXZ", b"XXq"), "the tags of a record cannot be read"),
        (lambda record: record.replace(b"XXZ", b"XXB"), "the tags of a record cannot be read"),
        (lambda record: record.replace(b"YYi", b"YYd"), "the tags of a record cannot be read"),
        (lambda record: record[:-1] + b"A", "the tags of a record cannot be read"),
    ],
)
def test_record_that_does_not_add_up_is_found(tmp_path: Path, change: Callable[[bytes], bytes], expected: str):
    path = as_bam(sam(line("name", 4, "*", "ACGTA", "IIIII", "YY:i:-70000", "XX:Z:text")), tmp_path)
    data = gzip.decompress(path.read_bytes())
    start = data.index(b"c\0\xe8\x03\0\0") + 6
    with BgzfWriter(path) as file:
        file.write(data + change(data[start:]) + data[start:])
    with pytest.raises(FormatError, match=re.escape(f"{path}: record 2: {expected}")):
        contents(path)


@pytest.mark.parametrize("flag", [0, 16, 256, 2048])
@pytest.mark.parametrize(
    ("at", "number", "expected"),
    [
        (4, 1, "a record names a contig that the header lacks"),
        (4, -2, "a record names a contig that the header lacks"),
        (24, 1, "a record names a contig that the header lacks"),
        (24, -2, "a record names a contig that the header lacks"),
        (41, 4 << 4, "CIGAR and sequence differ in length"),
        (45, 1 << 4, "CIGAR and sequence differ in length"),
        (49, 3 << 4 | 4, "CIGAR and sequence differ in length"),
    ],
)
def test_alignment_that_htslib_refuses_is_refused(tmp_path: Path, flag: int, at: int, number: int, expected: str):
    """Though it is not kept: a length that is wrong would make other parts of the record wrong without a sign."""
    path = as_bam(sam(line("name", flag, "3=1D2I", "ACGTA", "IIIII")), tmp_path)
    data = gzip.decompress(path.read_bytes())
    at += data.index(b"c\0\xe8\x03\0\0") + 6
    with BgzfWriter(path) as file:
        file.write(data[:at] + struct.pack("<i", number) + data[at + 4 :])
    with pytest.raises(FormatError, match=re.escape(f"{path}: record 1: {expected}")):
        contents(path)
    with pysam.AlignmentFile(str(path)) as file, pytest.raises(OSError, match="while reading file"):
        list(file.fetch(until_eof=True))


def test_alignment_of_no_place_or_no_bases_need_not_fit(tmp_path: Path):
    path = as_bam(sam(line("a", 0, "5M", "ACGTA", "IIIII"), line("b", 0, "2M", "*", "*")), tmp_path)
    data = bytearray(gzip.decompress(path.read_bytes()))
    at = data.index(b"c\0\xe8\x03\0\0") + 6
    data[at + 18] |= 4
    data[at + 38] = 2 << 4
    with BgzfWriter(path) as file:
        file.write(data)
    assert [read.query_sequence for read in decoded(contents(path), tmp_path / "found.bam")] == ["ACGTA", None]


@pytest.mark.parametrize(
    "text",
    [
        "@CO\tx", "@CO\t", "@xy\tzz:1", "@PG\tID:", "@PG\tPN:b\tID:a", "@RG\tID:a\t*D:b\r", "@RG\tID:a\n@RG\tID:a",
        "@CO", "@CO x", "@PG", "@PG\tPN:a", "@RG\tSM:a", "@XYZ\tzz:1", "@1A\tab:c", "junk", "\x80HD\tVN:1.6", "@PG\tID",
        "@PG\tID:a\t", "@PG\tID:a\t\tPN:b", "@PG\tID:a\tP:b", "@PG\tID:a\tfoo", "@PG\tID:a\tCL:x\ty:z",
    ],
)  # fmt: skip
def test_header_that_htslib_refuses_is_refused(tmp_path: Path, text: str):
    """Kept as it is, it would make a file that most programs cannot read."""
    path = tmp_path / "reads.bam"
    encoded = f"@CO\tfirst\n{text}\n".encode()
    with BgzfWriter(path) as file:
        file.write(b"BAM\1" + struct.pack("<i", len(encoded)) + encoded + bytes(4))
    try:
        pysam.samtools.view("-b", "-o", str(tmp_path / "theirs.bam"), str(path), catch_stdout=False)
    except pysam.SamtoolsError:
        with pytest.raises(FormatError, match=r"reads\.bam: header line 2: no line of a SAM header; found '"):
            opened(path)
    else:
        with opened(path) as source:
            assert source.header.encode() == encoded


def test_kind_is_told_by_content(tmp_path: Path, fastq: Path):
    expected = contents(fastq)
    for name in ("reads.bam", "reads.cram", "reads.sam", "reads"):
        assert contents(fastq.rename(tmp_path / name)) == expected
        fastq = tmp_path / name


def test_sam_needs_no_header(tmp_path: Path):
    (tmp_path / "reads").write_text(line("r", 4, "*", "ACG", "5I5") + "\n")
    (record,) = decoded(contents(tmp_path / "reads"), tmp_path / "found.bam")
    assert (record.query_name, record.query_sequence) == ("r", "ACG")


def test_other_files_are_refused(tmp_path: Path, bam: Path):
    for content, found in ((b">c\nACGT\n", "FASTA, which has no qualities"), (b"##fileformat=VCFv4.2\n", "'##file")):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(FormatError, match=f"other: line 1: not FASTQ; found {found}"):
            contents(tmp_path / "other")
    data = gzip.decompress(bam.read_bytes())
    for raw in (data, gzip.compress(data)):
        (tmp_path / "other").write_bytes(raw)
        with pytest.raises(FormatError, match=r"other: BAM, but not BGZF; found (plain|gzip)"):
            contents(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "absent")


def test_gzip_of_nothing_has_no_reads(tmp_path: Path):
    raw = gzip.compress(b"")
    (tmp_path / "reads.fq.gz").write_bytes(raw)
    assert contents(tmp_path / "reads.fq.gz") == b""
    assert piped(raw) == b""


@pytest.mark.parametrize("name", ["reads.bam", "reads.CRAM", "reads.fq.gz", "reads.fastq.bgz"])
def test_file_of_no_bytes_that_cannot_be_whole_is_an_error(tmp_path: Path, name: str):
    (tmp_path / name).touch()
    with pytest.raises(FormatError, match=rf"{name}: no input; found 0 bytes; expected reads; make the file again"):
        opened(tmp_path / name)


def test_pipe_of_no_bytes_is_an_error(tmp_path: Path):
    """The program that was to fill it may have failed."""
    message = "no input; found 0 bytes; expected reads; see what ended the command that writes them"
    with pytest.raises(ColonnadeError, match=f"standard input: {message}"):
        piped(b"")
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"",))
    writer.start()
    with pytest.raises(FormatError, match=f"pipe: {message}"):
        opened(tmp_path / "pipe")
    writer.join()


def test_fastq_without_reads_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "reads").touch()
    assert contents(tmp_path / "reads") == b""
    assert caplog.messages == [f"{tmp_path}/reads is empty"]


def test_tags_of_an_alignment_and_of_the_mate_go_and_others_stay(tmp_path: Path):
    stale = "AS:i:9 BQ:Z:@@@@@ CC:Z:c CM:i:1 CP:i:7 H0:i:1 H1:i:0 H2:i:0 HI:i:0 IH:i:1 NH:i:1 SA:Z:c,9,+,5M,3,0; TS:A:+ UQ:i:3"
    stale += " XS:i:2 MC:Z:5M MQ:i:60 PQ:i:4 ms:i:99 NM:i:0 MD:Z:5"
    foreign = "RG:Z:g BC:Z:AC RX:Z:GT MI:Z:7 XP:Z:x OA:Z:c,1,+,5M,60,0; OC:Z:5M OP:i:1 OQ:Z:IIIII CB:Z:c ZZ:i:1 xs:i:1"
    gone, stays = stale.split(), foreign.split()
    tags = [tag for both in zip(gone, stays, strict=False) for tag in both] + gone[len(stays) :]
    (read,) = decoded(contents(as_bam(sam(line("a", 0, "5M", "ACGTA", "IIIII", *tags)), tmp_path)), tmp_path / "b.bam")
    assert read.to_string().split("\t")[11:] == foreign.split()


def test_bam_of_a_header_alone_has_no_reads(tmp_path: Path):
    with opened(as_bam(sam(header="@SQ\tSN:c\tLN:9\n@CO\tnothing\n"), tmp_path)) as source:
        assert list(source.batches()) == []
        assert source.header.startswith("@CO\tnothing\n")


def test_hard_clipped_reads_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    lines = [line("a", 0, "3H5M", "ACGTA", "IIIII"), line("b", 0, "5M2S1H", "ACGTACG", "IIIIIII")]
    lines += [line("c", 0, "5M", "ACGTA", "IIIII"), line("d", 0x800, "5M3H", "ACGTA", "IIIII")]
    with caplog.at_level(logging.WARNING):
        found = decoded(contents(as_bam(sam(*lines), tmp_path)), tmp_path / "found.bam")
    assert [record.query_sequence for record in found] == ["ACGTA", "ACGTACG", "ACGTA"]
    (said,) = caplog.messages
    assert "2 reads are hard-clipped" in said


@settings(max_examples=40)
@given(st.text("ACGTNRYSWKMBDHV", max_size=12), st.booleans(), st.booleans(), st.sampled_from([0, 4, 0x200, 0x604]))
def test_reverse_strand_is_turned_back(tmp_path_factory, bases: str, is_reverse: bool, has_qualities: bool, flag: int):
    folder = tmp_path_factory.mktemp("turned")
    qualities = "".join(chr(33 + 7 * i) for i in range(len(bases))) if has_qualities and bases else "*"
    path = as_bam(sam(line("r", flag | 16 * is_reverse, "*", bases or "*", qualities)), folder)
    (record,) = decoded(contents(path), folder / "found.bam")
    complement = bases.translate(str.maketrans("ACGTNRYSWKMBDHV", "TGCANYRSWMKVHDB"))[::-1]
    assert (record.query_sequence or "") == (complement if is_reverse else bases)
    expected = [ord(letter) - 33 for letter in (qualities[::-1] if is_reverse else qualities)]
    assert list(record.query_qualities or []) == (expected if qualities != "*" else [])
    assert record.flag == flag & 0x600 | 4


def test_foreign_tags_stay_in_order_and_aligners_own_go(tmp_path: Path):
    tags = ["AA:A:x", "NM:i:3", "BI:B:s,1,-2", "MD:Z:5", "ZZ:f:0.5", "XA:Z:c,+1,5M,0;", "XP:i:7", "RG:Z:x", "XT:A:U"]
    path = as_bam(sam(line("r", 0, "5M", "ACGTA", "IIIII", *tags), header="@SQ\tSN:c\tLN:99\n@RG\tID:x\n"), tmp_path)
    (record,) = decoded(contents(path), tmp_path / "found.bam")
    expected = [
        ("AA", "x", "A"),
        ("BI", array.array("h", [1, -2]), "B"),
        ("ZZ", 0.5, "f"),
        ("XP", 7, "C"),
        ("RG", "x", "Z"),
    ]
    assert record.get_tags(with_value_type=True) == expected


def test_long_cigar_leaves_no_trace(tmp_path: Path):
    """More than 65,535 operations are in a tag."""
    path = as_bam(sam(line("r", 0, "1M1I" * 40_000, "A" * 80_000, "I" * 80_000, "XX:i:1")), tmp_path)
    assert b"CGBI" in gzip.decompress(path.read_bytes())
    (record,) = decoded(contents(path), tmp_path / "found.bam")
    assert record.get_tags() == [("XX", 1)]
    assert record.query_length == 80_000


HEADER = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:99\n@RG\tID:x\tSM:one\n@RG\tID:y\n@CO\tsaid\n@PG\tID:p\tPN:p\n"


def test_header_lines_come_without_the_old_contigs(tmp_path: Path):
    path = as_bam(sam(line("r", 4, "*", "A", "I"), header=HEADER), tmp_path)
    with opened(path) as source:
        kept = [text for text in source.header.splitlines() if "samtools" not in text]
    assert kept == ["@RG\tID:x\tSM:one", "@RG\tID:y", "@CO\tsaid", "@PG\tID:p\tPN:p"]


def test_read_group_replaces_those_of_the_input_as_addreplacerg_does(tmp_path: Path):
    lines = [line("a", 4, "*", "A", "I", "RG:Z:x", "XX:i:1"), line("b", 4, "*", "C", "I")]
    path, theirs = as_bam(sam(*lines, header=HEADER), tmp_path), tmp_path / "theirs.bam"
    new = "@RG\tID:new\tSM:s"
    pysam.samtools.addreplacerg("--no-PG", "-r", new, "-o", str(theirs), str(path), catch_stdout=False)
    with opened(path, read_group=new.replace("\t", "\\t")) as source:
        assert joined(source.batches()) == contents(theirs)
        found = [text for text in source.header.splitlines() if not text.startswith("@PG")]
    assert sorted(found) == ["@CO\tsaid", new]


@pytest.mark.parametrize("text", ["@RG\tID:x y\tSM:s", r"@RG\tID:x y\tSM:s"])
def test_read_group_of_fastq_is_in_header_and_records(fastq: Path, tmp_path: Path, text: str):
    with opened(fastq, read_group=text) as source:
        records = decoded(joined(source.batches()), tmp_path / "found.bam")
        assert source.header == "@RG\tID:x y\tSM:s\n"
    assert len(records) == 50
    assert {record.get_tag("RG") for record in records} == {"x y"}
    with opened(fastq) as source:
        assert source.header == ""


def test_what_is_no_read_group_is_refused(fastq: Path):
    with pytest.raises(UsageError, match="not a read group; found"):
        opened(fastq, read_group="@RG\tSM:s")


@pytest.mark.parametrize("threads", [1, 2])
def test_reading_may_end_before_the_file_does(fastq: Path, threads: int):
    with opened(fastq, threads=threads) as source:
        batches = source.batches(Cut(10, 1 << 20))
        assert len(next(batches)) == 10
        batches.close()


@pytest.mark.parametrize("cut", [Cut(7, 1 << 20), Cut(1000, 500)])
def test_batches_begin_at_the_same_reads_whatever_the_threads(fastq: Path, bam: Path, cut: Cut):
    for path in (fastq, bam):
        made = []
        for threads in (1, 2, 4):
            with opened(path, threads=threads) as source:
                made.append([len(batch) for batch in source.batches(cut)])
        assert made[0] == made[1] == made[2]
        assert len(made[0]) > 5


def test_progress_reaches_the_size_of_the_file(fastq: Path, bam: Path):
    for path in (fastq, bam):
        with opened(path) as source:
            for _ in source.batches():
                pass
            assert source.consumed == source.size == path.stat().st_size
