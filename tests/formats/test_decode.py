"""CRAM and SAM come out as the records that ``samtools view -b`` gives, and every fault is one line."""

import gzip
import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pysam
import pytest

from colonnade.errors import ColonnadeError, FormatError, IndexMismatchError, InputError, OutputError
from colonnade.formats.bam import BamHeader
from colonnade.formats.bgzf import EOF_BLOCK, BgzfFile, VirtualOffset
from colonnade.formats.decode import decode_to_bam, file_kind

CONTIGS = {"c": 2_000, "d": 300}
BASES = "ACGTTGCATTGACCAGTAGC" * 101
REGIONS = [
    ("c", None, None),
    ("c", 0, 60),
    ("c", 59, 60),
    ("c", 500, None),
    ("c", 1_930, 2_000),
    ("d", 0, 300),
    ("d", 5, 6),
]


def line(name: str, contig: str, start: int, cigar: str = "50M", flag: int = 0, tags: str = "") -> str:
    """A read that equals the reference, but for its second base."""
    bases = BASES[start - 1] + "N" + BASES[start + 1 : start + 49]
    return f"{name}\t{flag}\t{contig}\t{start}\t60\t{cigar}\t*\t0\t0\t{bases}\t{'I' * 49}#{tags}"


LINES = [
    *(line(f"r{start}", "c", start, tags=f"\tXX:i:{start}\tYY:Z:text") for start in range(1, 1_900, 13)),
    line("clipped", "c", 60, "10S30M5I5S", flag=16),
    line("deleted", "c", 61, "20M10D30M"),
    line("unplaced_mate", "c", 62, "*", flag=4),
    line("no_span", "c", 60, "50I"),
    *(line(f"d{start}", "d", start) for start in range(1, 200, 3)),
    f"free\t4\t*\t0\t0\t*\t*\t0\t0\t{BASES[:50]}\t{'I' * 50}",
]


@pytest.fixture
def reference(make_fasta) -> Path:
    return make_fasta("ref.fa", {contig: BASES[:length] for contig, length in CONTIGS.items()})


@pytest.fixture
def bam(make_bam) -> Path:
    return make_bam("reads.bam", CONTIGS, LINES)


@pytest.fixture
def cram(bam: Path, reference: Path) -> Path:
    return make_cram(bam, reference)


@pytest.fixture
def sam(bam: Path) -> Path:
    path = bam.with_name("reads.sam")
    path.write_text(pysam.samtools.view("-h", str(bam)))
    return path


def make_cram(bam: Path, reference: Path, *options: str, index: bool = True) -> Path:
    path = bam.parent / f"{bam.stem}.cram"
    pysam.samtools.view("-C", "-T", str(reference), *options, "-o", str(path), str(bam), catch_stdout=False)
    if index:
        pysam.samtools.index(str(path))
    return path


def record_bytes(path: Path) -> bytes:
    """All records, as our own reader finds them."""
    with BgzfFile(path) as blocks:
        start = BamHeader.read(blocks).end
        return blocks.take(start, 1 << 30)[0]


def of_samtools(path: Path, *region: str, reference: Path | None = None) -> bytes:
    target = path.with_name("samtools.bam")
    options = [] if reference is None else ["-T", str(reference)]
    stored = ["--input-fmt-option", "decode_md=0"]
    pysam.samtools.view("-b", *stored, *options, "-o", str(target), str(path), *region, catch_stdout=False)
    return record_bytes(target)


def decoded(path: Path, **options: object) -> bytes:
    target = path.with_name("decoded.bam")
    decode_to_bam(path, target, **options)
    assert target.read_bytes().endswith(EOF_BLOCK)
    return record_bytes(target)


def text_of(contig: str, start: int | None, end: int | None) -> str:
    return f"{contig}:{(start or 0) + 1}-{CONTIGS[contig] if end is None else end}"


def test_whole_cram_equals_samtools(cram: Path, reference: Path) -> None:
    expected = of_samtools(cram, reference=reference)
    assert decoded(cram, reference=reference) == expected
    assert expected.count(b"XXS") + expected.count(b"XXC") > 100


@pytest.mark.parametrize(("contig", "start", "end"), REGIONS)
def test_region_of_cram_equals_samtools(cram: Path, reference: Path, contig: str, start: int, end: int) -> None:
    expected = of_samtools(cram, text_of(contig, start, end), reference=reference)
    assert decoded(cram, reference=reference, contig=contig, start=start, end=end) == expected
    assert expected


@pytest.mark.parametrize("compress", [None, gzip.compress, pysam.tabix_compress])
def test_whole_sam_equals_the_bam(bam: Path, sam: Path, compress) -> None:
    assert decoded(compressed(sam, compress)) == record_bytes(bam)


@pytest.mark.parametrize("compress", [None, gzip.compress, pysam.tabix_compress])
@pytest.mark.parametrize(("contig", "start", "end"), REGIONS)
def test_region_of_sam_equals_samtools(bam: Path, sam: Path, compress, contig: str, start: int, end: int) -> None:
    expected = of_samtools(bam, text_of(contig, start, end))
    assert decoded(compressed(sam, compress), contig=contig, start=start, end=end) == expected


def compressed(sam: Path, compress) -> Path:
    if compress is None:
        return sam
    path = sam.with_name("reads.sam.gz")
    if compress is gzip.compress:
        path.write_bytes(gzip.compress(sam.read_bytes()))
    else:
        compress(str(sam), str(path), force=True)
    return path


def test_unsorted_sam_keeps_its_order(make_bam, tmp_path: Path) -> None:
    bam = make_bam("unsorted.bam", CONTIGS, LINES[::-1], sort=False, index=False)
    assert decoded(tmp_path / "unsorted.bam.sam") == record_bytes(bam)


@pytest.mark.parametrize("options", [("--output-fmt-option", "version=2.1"), ("--output-fmt-option", "version=3.1")])
def test_other_versions_of_cram_equal_samtools(bam: Path, reference: Path, options: tuple[str, ...]) -> None:
    cram = make_cram(bam, reference, *options)
    assert decoded(cram, reference=reference) == of_samtools(cram, reference=reference)
    cram.write_bytes(cram.read_bytes()[:-1])
    with pytest.raises(FormatError, match="file is truncated"):
        decode_to_bam(cram, cram.with_name("none.bam"), reference=reference)


@pytest.mark.parametrize("name", ["hiv", "na12878"])
def test_real_reads_equal_samtools(shared_data: Path, tmp_path: Path, name: str) -> None:
    bam, fasta, region = {
        "hiv": ("hiv_caprisa/CAP188_wk4.bwamem.bam", "hiv_caprisa/HXB2.fasta", (6_200, 6_700)),
        "na12878": ("na12878_chr22_tiny/NA12878.chr22.tiny.bam", "na12878_chr22_tiny/q.fa", (3_000, 3_400)),
    }[name]
    reference = tmp_path / "ref.fa"
    shutil.copy(shared_data / fasta, reference)
    pysam.faidx(str(reference))
    copy = tmp_path / "real.bam"
    shutil.copy(shared_data / bam, copy)
    cram = make_cram(copy, reference)
    with pysam.AlignmentFile(str(copy)) as file:
        contig = file.references[0]
    text = f"{contig}:{region[0] + 1}-{region[1]}"
    assert decoded(cram, reference=reference) == of_samtools(cram, reference=reference)
    part = decoded(cram, reference=reference, contig=contig, start=region[0], end=region[1])
    assert part == of_samtools(cram, text, reference=reference)
    sam = tmp_path / "real.sam"
    sam.write_text(pysam.samtools.view("-h", str(copy)))
    assert decoded(sam) == record_bytes(copy)
    part = decoded(sam, contig=contig, start=region[0], end=region[1])
    pysam.samtools.index(str(copy))
    assert part == of_samtools(copy, text)
    assert part


def test_header_comes_through(sam: Path, cram: Path, reference: Path, tmp_path: Path) -> None:
    for path in (sam, cram):
        target = tmp_path / "header.bam"
        decode_to_bam(path, target, reference=reference)
        with BgzfFile(target) as blocks:
            header = BamHeader.read(blocks)
        assert header.lengths == CONTIGS
        assert header.sort_order == "coordinate"
    assert len(header.checksums) == 2


def test_contig_that_the_header_lacks_has_no_records(sam: Path, cram: Path, reference: Path) -> None:
    for path in (sam, cram):
        assert decoded(path, reference=reference, contig="x") == b""
        assert decoded(path, reference=reference, contig="*") == b""


def test_region_without_records_and_empty_region_have_none(sam: Path, cram: Path, reference: Path) -> None:
    for path in (sam, cram):
        assert decoded(path, reference=reference, contig="d", start=290, end=300) == b""
        assert decoded(path, reference=reference, contig="c", start=5_000, end=6_000) == b""
        assert decoded(path, reference=reference, contig="c", start=5_000) == b""


def test_threads_decode_side_by_side_and_leave_the_verbosity(cram: Path, reference: Path) -> None:
    before = pysam.get_verbosity()
    whole = of_samtools(cram, reference=reference)

    def decode(number: int) -> bytes:
        target = cram.with_name(f"{number}.bam")
        decode_to_bam(cram, target, reference=reference)
        return record_bytes(target)

    with ThreadPoolExecutor(4) as pool:
        assert all(found == whole for found in pool.map(decode, range(12)))
    assert pysam.get_verbosity() == before


# What a file is


def test_kinds_are_told_by_content(bam: Path, cram: Path, sam: Path, tmp_path: Path) -> None:
    named = tmp_path / "no_suffix"
    for path, kind in ((bam, "bam"), (cram, "cram"), (sam, "sam")):
        shutil.copy(path, named)
        assert file_kind(named) == kind
    for compress in (gzip.compress, pysam.tabix_compress):
        shutil.copy(compressed(sam, compress), named)
        assert file_kind(named) == "sam"


@pytest.mark.parametrize(
    "text",
    [
        "@SQ\tSN:c\tLN:9\n",
        "@CO\tx\n",
        "@PG\tID:x\n",
        LINES[0] + "\n",
        LINES[-1],
        LINES[0][:90].rsplit("\t", 1)[0] + "\tA",
    ],
)
def test_text_of_alignments_is_sam(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some"
    path.write_text(text)
    assert file_kind(path) == "sam"


def test_very_long_line_without_header_is_sam(tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_text(f"r\t0\tc\t1\t60\t200000M\t*\t0\t0\t{'A' * 200_000}\t*\n")
    assert file_kind(path) == "sam"


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8b", b"\x1f\x8b\x08\x04damaged", EOF_BLOCK, gzip.compress(b"BAM\x01" * 99), gzip.compress(b"")],
)
def test_what_cannot_be_told_is_left_to_the_reader_of_bam(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.sam"
    path.write_bytes(content)
    assert file_kind(path) == "bam"


def test_a_folder_is_left_to_the_reader_of_bam_and_a_missing_file_is_named(tmp_path: Path) -> None:
    assert file_kind(tmp_path) == "bam"
    with pytest.raises(FileNotFoundError) as caught:
        file_kind(tmp_path / "none")
    assert str(caught.value.filename) == str(tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b">chr1\nACGT\n", "FASTA"),
        (b"@read/1\nACGT\n+\nIIII\n", "FASTQ"),
        (b"##fileformat=VCFv4.2\n", "VCF"),
        (gzip.compress(b"##fileformat=VCFv4.2\n"), "VCF, compressed"),
        (gzip.compress(b"BCF\x02\x02"), "BCF, compressed"),
        (b"chr1\t10\t20\tname\t0\t+\n", "b'chr1\\t10\\t'"),
        (b"\x89PNG\r\n\x1a\n", "b'\\x89PNG\\r\\n\\x1a\\n'"),
    ],
)
def test_other_files_are_refused_by_what_they_are(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "some.bam"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        file_kind(path)
    assert str(caught.value) == f"{path}: not a file of alignments; found {found}; expected BAM, CRAM or SAM"


# Faults


def fails(path: Path, kind: type[ColonnadeError], *parts: str, capfd: pytest.CaptureFixture[str], **options) -> None:
    """One line with these parts, nothing on stderr, and no file left."""
    target = path.with_name("none.bam")
    capfd.readouterr()
    with pytest.raises(ColonnadeError) as caught:
        decode_to_bam(path, target, **options)
    text = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in text
    for part in parts:
        assert part in text
    assert capfd.readouterr() == ("", "")
    assert not target.exists()


def test_cram_without_reference(cram: Path, capfd) -> None:
    fails(cram, InputError, f"{cram}: a CRAM needs its reference; name the FASTA", capfd=capfd)


def test_cram_with_a_reference_that_is_no_fasta_or_is_missing(cram: Path, sam: Path, capfd) -> None:
    fails(cram, FormatError, f"{sam}: cannot be read as FASTA", reference=sam, capfd=capfd)
    with pytest.raises(FileNotFoundError):
        decode_to_bam(cram, cram.with_name("none.bam"), reference=cram.with_name("none.fa"))


def test_region_of_cram_without_index_or_with_a_damaged_one(cram: Path, reference: Path, capfd) -> None:
    index = Path(f"{cram}.crai")
    index.write_bytes(b"garbage" * 9)
    for _ in range(2):
        fails(
            cram, IndexMismatchError, f"{cram}: no index that can be read; expected reads.cram.crai; make it: samtools index",
            reference=reference, contig="c", capfd=capfd,
        )  # fmt: skip
        index.unlink(missing_ok=True)
    assert decoded(cram, reference=reference) == of_samtools(cram, reference=reference)


def test_wrong_reference_is_found_where_htslib_is_silent(make_bam, make_fasta, reference: Path, capfd) -> None:
    sparse = make_bam("sparse.bam", CONTIGS, [LINES[0], LINES[-2]])
    cram = make_cram(sparse, reference, "--output-fmt-option", "multi_seq_per_slice=1")
    wrong = make_fasta("wrong.fa", {contig: BASES[1 : length + 1] for contig, length in CONTIGS.items()})
    assert of_samtools(cram, reference=wrong) != of_samtools(cram, reference=reference)
    for contig in (None, "c"):
        fails(
            cram, InputError, f"{wrong}: c: contig is not the one that the CRAM was made with; found MD5 ",
            reference=wrong, contig=contig, capfd=capfd,
        )  # fmt: skip


def test_only_the_contig_of_the_region_is_compared(cram: Path, make_fasta) -> None:
    half = make_fasta("half.fa", {"c": BASES[: CONTIGS["c"]], "d": "A" * CONTIGS["d"]})
    assert decoded(cram, reference=half, contig="c", start=0, end=99) == of_samtools(cram, "c:1-99", reference=half)
    with pytest.raises(InputError, match="d: contig is not the one"):
        decode_to_bam(cram, cram.with_name("none.bam"), reference=half, contig="d")


def test_reference_that_was_mended_is_looked_at_again(cram: Path, reference: Path, make_fasta) -> None:
    content = reference.read_text()
    reference.write_text(content.replace("ACGT", "AGGT", 1))
    with pytest.raises(InputError, match="not the one"):
        decode_to_bam(cram, cram.with_name("none.bam"), reference=reference)
    reference.write_text(content)
    assert decoded(cram, reference=reference)


def test_contig_of_another_length_or_missing(cram: Path, make_fasta, capfd) -> None:
    shorter = make_fasta("shorter.fa", {"c": BASES[:1999], "d": BASES[:300]})
    fails(cram, InputError, f"{shorter}: c: contig differs in length", "found 1999 bases; expected 2000",
          reference=shorter, capfd=capfd)  # fmt: skip
    lacking = make_fasta("lacking.fa", {"c": BASES[:2000]})
    fails(cram, InputError, f"{lacking}: the reference lacks a contig of the CRAM; expected d; use the FASTA that {cram}",
          reference=lacking, capfd=capfd)  # fmt: skip


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """Address of a server, and what it was asked for."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


def test_the_network_is_never_asked(
    bam: Path, cram: Path, reference: Path, make_fasta, asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, paths = asked
    monkeypatch.setenv("REF_PATH", f"{address}/%s")
    monkeypatch.delenv("REF_CACHE", raising=False)
    lacking = make_fasta("lacking.fa", {"d": BASES[:300]})
    wrong = make_fasta("wrong.fa", {contig: BASES[1 : length + 1] for contig, length in CONTIGS.items()})
    for fasta in (None, lacking, wrong, reference):
        for contig in (None, "c"):
            try:
                decode_to_bam(cram, cram.with_name("out.bam"), reference=fasta, contig=contig)
            except InputError:
                assert fasta != reference
    assert paths == []
    with pysam.AlignmentFile(str(cram), reference_filename=str(lacking)) as file:
        next(file)
    assert paths  # so that the address above is one that htslib asks


@pytest.mark.parametrize("keep", [-1, -38, 500, 30, 10, 5])
def test_truncated_cram(cram: Path, reference: Path, keep: int, capfd) -> None:
    cram.write_bytes(cram.read_bytes()[:keep])
    parts = ("file is truncated", "no end-of-file mark") if keep != 5 else ("the header cannot be read",)
    fails(cram, FormatError, f"{cram}: ", *parts, reference=reference, capfd=capfd)


def test_damaged_cram(cram: Path, reference: Path, capfd) -> None:
    raw = cram.read_bytes()
    for at, message in (
        (40, "the header cannot be read"),
        (len(raw) * 2 // 3, "after 0 records: a record cannot be decoded"),
    ):
        cram.write_bytes(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :])
        fails(cram, FormatError, f"{cram}: {message}", reference=reference, capfd=capfd)


def test_sam_with_a_line_that_is_none(sam: Path, capfd) -> None:
    lines = sam.read_text().splitlines()
    n_header = sum(line.startswith("@") for line in lines)
    lines.insert(n_header + 7, "not\ta\trecord")
    sam.write_text("\n".join(lines) + "\n")
    for contig in (None, "c"):
        fails(sam, FormatError, f"{sam}: after 7 records: a record cannot be decoded", contig=contig, capfd=capfd)


def test_sam_without_contigs_in_its_header(sam: Path, capfd) -> None:
    sam.write_text("\n".join(LINES))
    fails(sam, FormatError, f"{sam}: after 0 records: ", "found a header without @SQ lines", capfd=capfd)


def test_sam_with_a_damaged_header(sam: Path, capfd) -> None:
    sam.write_text("@HD\tVN:1.6\n@SQ\tSN:c\n" + LINES[0])
    fails(sam, FormatError, f"{sam}: the header cannot be read", capfd=capfd)


def test_bgzipped_sam_without_its_end(sam: Path, capfd) -> None:
    path = compressed(sam, pysam.tabix_compress)
    path.write_bytes(path.read_bytes().removesuffix(EOF_BLOCK))
    fails(path, FormatError, f"{path}: offset {path.stat().st_size}: file is truncated", capfd=capfd)


def test_gzipped_sam_cut_short_or_damaged(sam: Path, capfd) -> None:
    path = compressed(sam, gzip.compress)
    raw = path.read_bytes()
    path.write_bytes(raw[:-300])
    fails(path, FormatError, f"{path}: offset {len(raw) - 300}: file is truncated", capfd=capfd)
    path.write_bytes(raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:])
    fails(path, FormatError, f"{path}: does not inflate; found CRC check failed", capfd=capfd)


def test_bgzipped_sam_with_a_damaged_block(sam: Path, capfd) -> None:
    with sam.open("a") as file:
        file.writelines(f"{LINES[0]}\n" for _ in range(9_999))
    path = compressed(sam, pysam.tabix_compress)
    raw = path.read_bytes()
    at = int.from_bytes(raw[16:18], "little") + 1 + 60  # in the deflate data of the second block
    path.write_bytes(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :])
    fails(path, FormatError, f"{path}: after ", "a record cannot be decoded", capfd=capfd)


def test_target_that_cannot_be_written(sam: Path, capfd) -> None:
    target = sam.parent / "none" / "out.bam"
    with pytest.raises(OutputError, match=re.escape(f"{target}: cannot be written; found ")):
        decode_to_bam(sam, target)
    if Path("/dev/full").exists():
        with pytest.raises(OutputError, match="/dev/full: cannot be written; found "):
            decode_to_bam(sam, "/dev/full")
        assert Path("/dev/full").exists()


def test_blocks_are_stored(cram: Path, reference: Path) -> None:
    whole = decoded(cram, reference=reference)
    assert whole[:5_000] in cram.with_name("decoded.bam").read_bytes()
    with BgzfFile(cram.with_name("decoded.bam")) as blocks:
        data, _ = blocks.take(VirtualOffset(0, 0), 1 << 30)
    assert data.endswith(whole)
