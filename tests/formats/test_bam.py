"""Headers say what pysam reads in them."""

import re
from pathlib import Path

import pysam
import pytest

from colonnade.errors import FormatError
from colonnade.formats.bam import BamFile, BamHeader
from colonnade.formats.bgzf import BgzfFile


def check_header(path: Path) -> None:
    with BgzfFile(path) as blocks:
        header = BamHeader.read(blocks)
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        lines = file.header.to_dict()
        assert list(header.lengths.items()) == list(zip(file.references, file.lengths, strict=True))
        assert header.sort_order == lines.get("HD", {}).get("SO", "unknown")
        assert header.checksums == {line["SN"]: line["M5"].lower() for line in lines.get("SQ", ()) if "M5" in line}
        assert header.end.block << 16 | header.end.within == file.tell()


def test_headers_of_real_files_equal_pysam(shared_data: Path) -> None:
    paths = sorted(shared_data.glob("*/*.bam"))
    assert paths
    verbosity = pysam.set_verbosity(0)
    try:
        for path in paths:
            check_header(path)
    finally:
        pysam.set_verbosity(verbosity)


@pytest.mark.parametrize("n_contigs", [0, 1, 20_000])
def test_headers_of_any_size_equal_pysam(tmp_path: Path, n_contigs: int) -> None:
    contigs = [{"SN": f"contig_{number}", "LN": number + 1, "M5": f"{number:032X}"} for number in range(n_contigs)]
    path = tmp_path / "header.bam"
    with pysam.AlignmentFile(str(path), "wb", header={"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": contigs}):
        pass
    check_header(path)


def test_header_without_text_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "bare.bam"
    contig = (2).to_bytes(4, "little") + b"c\x00" + (100).to_bytes(4, "little")
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(b"BAM\x01" + bytes(4) + (1).to_bytes(4, "little") + contig)
    with BgzfFile(path) as blocks:
        header = BamHeader.read(blocks)
    assert header.lengths == {"c": 100}
    assert header.checksums == {}
    assert header.sort_order == "unknown"


def test_checksums_are_lower_case(make_bam, tmp_path: Path) -> None:
    text = tmp_path / "m5.sam"
    text.write_text("@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:4\tM5:F1F8F4BF413B16AD135722AA4591043E\n")
    path = tmp_path / "m5.bam"
    pysam.samtools.view("-b", "-o", str(path), str(text), catch_stdout=False)
    pysam.samtools.index(str(path))
    bam = BamFile(path)
    bam.close()
    bam.close()
    assert bam.header.checksums == {"c": "f1f8f4bf413b16ad135722aa4591043e"}


def test_header_that_is_not_bam_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sam.bam"
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:100\nr\t0\tc\t1\t60\t4M\t*\t0\t0\tACGT\tIIII\n")
    with pytest.raises(FormatError, match=re.escape(f"{path}: ") + ".*BAM"):
        BamFile(path)


def test_garbage_in_bgzf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "garbage.bam"
    for content in (b"", b"BAM", b"BAM\x01\xff\xff\xff\x7f", b"BAM\x01" + bytes(4) + b"\xff\xff\xff\xff", bytes(99)):
        with pysam.BGZFile(str(path), "wb") as file:
            file.write(content)
        with pytest.raises(FormatError, match=re.escape(f"{path}: ")):
            BamFile(path)


def test_contig_named_twice_in_the_header_is_refused(tmp_path: Path) -> None:
    text = b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:100\n@SQ\tSN:c\tLN:100\n"
    contig = (2).to_bytes(4, "little") + b"c\x00" + (100).to_bytes(4, "little")
    content = b"BAM\x01" + len(text).to_bytes(4, "little") + text + (2).to_bytes(4, "little") + contig * 2
    path = tmp_path / "twice.bam"
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(content)
    Path(f"{path}.bai").write_bytes(b"BAI\x01" + (2).to_bytes(4, "little") + bytes(16) + bytes(8))
    with pytest.raises(FormatError, match=re.escape(f"{path}: ")):
        BamFile(path)
