"""Whatever is wrong: one line that names it, the right exit code, and no file left behind."""

import gzip
import hashlib
import os
import re
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.cli import main
from colonnade.compare.schemas import TABLES
from colonnade.errors import ColonnadeError
from colonnade.formats.bgzf import EOF_BLOCK

LENGTH = 120_000
N_READS = 1500
START = "colonnade compare: error: "


@pytest.fixture(scope="session")
def originals(tmp_path_factory) -> Path:
    """A reference of two contigs, and two samples on it that differ at one position."""
    folder = tmp_path_factory.mktemp("originals")
    rng = np.random.default_rng(1)
    sequence = "".join(rng.choice(list("ACGT"), LENGTH))
    (folder / "ref.fa").write_text(f">c\n{sequence}\n>d\n{sequence[:400]}\n")
    pysam.faidx(str(folder / "ref.fa"))
    for name in ("a", "b"):
        text = [f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:{LENGTH}\n@SQ\tSN:d\tLN:400\n"]
        for number in range(N_READS):
            position = int(rng.integers(0, LENGTH - 100)) if number > 30 else 1000
            bases = list(sequence[position : position + 100])
            if position <= 1050 < position + 100 and name == "b":
                bases[1050 - position] = "A" if sequence[1050] != "A" else "C"
            text.append(f"{name}{number}\t0\tc\t{position + 1}\t60\t100M\t*\t0\t0\t{''.join(bases)}\t{'I' * 100}\n")
        (folder / f"{name}.sam").write_text("".join(text))
        pysam.samtools.sort("-o", str(folder / f"{name}.bam"), str(folder / f"{name}.sam"), catch_stdout=False)
        pysam.samtools.index(str(folder / f"{name}.bam"))
    return folder


@pytest.fixture
def data(originals: Path, tmp_path: Path, monkeypatch) -> Path:
    """A copy of the originals to damage, and the working directory."""
    shutil.copytree(originals, tmp_path / "data")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    return tmp_path / "data"


#: What is said before the work begins.
NEWS = ("compiling kernels", "reading it once to make one", "once, into a temporary BAM")


def arguments(*more: str, samples: tuple[str, ...] = ("A=a.bam", "B=b.bam")) -> list[str]:
    return ["compare", *samples, "--reference", "ref.fa", "-o", "../out/result", "--threads", "1", *more]


def left(data: Path) -> list[str]:
    return sorted(path.name for path in (data.parent / "out").iterdir())


def written(tables: tuple[str, ...] = TABLES) -> list[str]:
    return sorted([*(f"result.{table}.tsv" for table in tables), "result.run.json"])


@pytest.fixture
def fails(data: Path, capfd):
    """Run the command, which must fail with one line and leave nothing; returns the line."""

    def check(chosen: list[str], code: int, *parts: str) -> str:
        inputs = {path: path.read_bytes() for path in data.iterdir() if path.is_file()}
        capfd.readouterr()
        assert main(chosen) == code
        out, err = capfd.readouterr()
        err = "".join(line for line in err.splitlines(keepends=True) if not any(news in line for news in NEWS))
        assert out == ""
        assert len(err.splitlines()) == 1, err
        assert err.startswith(START)
        for part in parts:
            assert part in err
        assert "Traceback" not in err
        assert left(data) == []
        assert {path: path.read_bytes() for path in data.iterdir() if path in inputs} == inputs
        return err

    return check


@pytest.fixture
def is_refused(data: Path, capsys):
    """Run the command, which argparse must refuse with its usage and one line of error."""

    def check(chosen: list[str], *parts: str) -> None:
        with pytest.raises(SystemExit) as caught:
            main(chosen)
        out, err = capsys.readouterr()
        assert caught.value.code == 2
        assert out == ""
        assert err.startswith("usage: colonnade")
        assert re.match("colonnade( compare)?: error: ", err.splitlines()[-1])
        assert [line for line in err.splitlines() if "error:" in line] == err.splitlines()[-1:]
        for part in parts:
            assert part in err.splitlines()[-1]
        assert left(data) == []

    return check


def test_undamaged_data_gives_all_tables(data: Path, capfd) -> None:
    assert main(arguments()) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "error" not in err
    assert left(data) == written()
    assert len((data.parent / "out" / "result.dist.tsv").read_text().splitlines()) == 2


def test_quiet_says_nothing(data: Path, capfd) -> None:
    assert main(arguments("--quiet")) == 0
    assert capfd.readouterr() == ("", "")


# BAM files


def test_truncated_bam(data: Path, fails) -> None:
    raw = (data / "a.bam").read_bytes()
    for size in (0, 2, 40, len(raw) // 2, len(raw) - 28, len(raw) - 1):
        (data / "a.bam").write_bytes(raw[:size])
        fails(arguments(), 1, "a.bam: ")


def test_truncated_bam_with_an_end_of_file_block(data: Path, fails) -> None:
    raw = (data / "a.bam").read_bytes()
    for size in (1, 40, len(raw) // 2, len(raw) - 29):
        (data / "a.bam").write_bytes(raw[:size] + EOF_BLOCK)
        fails(arguments(), 1, "a.bam")


def test_missing_bam(fails) -> None:
    fails(arguments(samples=("A=a.bam", "B=none.bam")), 1, "none.bam: No such file")


def test_folder_as_bam(data: Path, fails) -> None:
    (data / "folder.bam").mkdir()
    fails(arguments(samples=("A=a.bam", "B=folder.bam")), 1, "folder.bam: ", "Is a directory")


def test_missing_index_changes_nothing(data: Path, capfd) -> None:
    assert main(arguments()) == 0
    expected = {path.name: path.read_bytes() for path in (data.parent / "out").iterdir()}
    (data / "b.bam.bai").unlink()
    capfd.readouterr()
    assert main(arguments("--force")) == 0
    assert "no index beside b.bam; reading it once" in capfd.readouterr().err
    assert {path.name: path.read_bytes() for path in (data.parent / "out").iterdir()} == expected


def test_index_of_another_bam(data: Path, fails) -> None:
    shutil.copyfile("b.bam.bai", "a.bam.bai")
    fails(arguments(), 1, "a.bam.bai: the index does not fit its BAM", "samtools index")


@pytest.mark.parametrize("raw", [b"", b"garbage", b"BAI\x01\x02\x00\x00\x00"])
def test_damaged_index(data: Path, fails, raw: bytes) -> None:
    (data / "a.bam.bai").write_bytes(raw)
    fails(arguments(), 1, "a.bam.bai: ", "samtools index")


def test_index_cut_short(data: Path, fails) -> None:
    raw = (data / "a.bam.bai").read_bytes()
    for size in range(8, len(raw) - 8, 7):
        (data / "a.bam.bai").write_bytes(raw[:size])
        fails(arguments(), 1, "a.bam.bai: index is ")


def resorted(data: Path, *options: str, order: str | None = None) -> None:
    """Make a.bam anew, sorted otherwise or with another SO, without an index."""
    (data / "a.bam.bai").unlink()
    if order is None:
        pysam.samtools.sort(*options, "-o", "a.bam", "a.sam", catch_stdout=False)
        return
    text = (data / "a.sam").read_text().replace("SO:coordinate", f"SO:{order}")
    (data / "a.sam").write_text(text)
    pysam.samtools.view("-b", "-o", "a.bam", "a.sam", catch_stdout=False)


def test_unsorted_bam_without_index(data: Path, fails) -> None:
    resorted(data, order="unknown")
    fails(arguments(), 1, "a.bam: no index, and none can be made", "followed by", "samtools sort")


def test_bam_whose_header_says_sorted_by_name(data: Path, fails) -> None:
    resorted(data, order="queryname")
    fails(arguments(), 1, "a.bam: header: not sorted by coordinate", "SO:queryname", "samtools sort")


def test_bam_sorted_by_name(data: Path, fails) -> None:
    resorted(data, "-n")
    fails(arguments(), 1, "a.bam: header: not sorted by coordinate", "SO:queryname", "samtools sort")


def test_unsorted_sam(data: Path, fails) -> None:
    fails(arguments(samples=("A=a.sam", "B=b.bam")), 1, "error: a.sam: no index, and none can be made", "samtools sort")
    (data / "a.sam.gz").write_bytes(gzip.compress((data / "a.sam").read_bytes()))
    fails(arguments(samples=("A=a.sam.gz", "B=b.bam")), 1, "error: a.sam.gz: no index, and none can be made")


def test_sam_and_cram_give_what_bam_gives(data: Path) -> None:
    assert main(arguments()) == 0
    tables = {path.name: path.read_bytes() for path in (data.parent / "out").iterdir() if path.suffix == ".tsv"}
    pysam.samtools.view("-C", "-T", "ref.fa", "-o", "a.cram", "a.bam", catch_stdout=False)
    pysam.samtools.index("a.cram")
    pysam.samtools.view("-h", "-o", "sorted.sam", "a.bam", catch_stdout=False)
    for path in ("a.cram", "sorted.sam"):
        assert main(arguments("--force", samples=(f"A={path}", "B=b.bam"))) == 0
        found = {path.name: path.read_bytes() for path in (data.parent / "out").iterdir() if path.suffix == ".tsv"}
        assert found == tables


def test_damaged_cram(data: Path, fails) -> None:
    pysam.samtools.view("-C", "-T", "ref.fa", "-o", "a.cram", "a.bam", catch_stdout=False)
    pysam.samtools.index("a.cram")
    raw = (data / "a.cram").read_bytes()
    (data / "a.cram").write_bytes(raw[: len(raw) // 2])
    fails(arguments(samples=("A=a.cram", "B=b.bam")), 1, "error: a.cram: ", "truncated")


def test_vcf_as_sample(data: Path, fails) -> None:
    (data / "a.vcf").write_text("##fileformat=VCFv4.2\n")
    fails(
        arguments(samples=("A=a.vcf", "B=b.bam")),
        1,
        "a.vcf: not a file of alignments; found VCF; expected BAM, CRAM or SAM",
    )


@pytest.fixture(scope="session")
def large_bam(originals: Path, tmp_path_factory) -> Path:
    """A sample of so many bytes (not compressed) that the index knows each 16 kb window apart."""
    path = tmp_path_factory.mktemp("large") / "b.bam"
    lines = (originals / "b.sam").read_text().splitlines(keepends=True)
    header = [line for line in lines if line.startswith("@")]
    copies = [f"{copy}{line}" for copy in range(8) for line in lines if not line.startswith("@")]
    path.with_suffix(".sam").write_text("".join(header + copies))
    pysam.samtools.sort("-l", "0", "-o", str(path), str(path.with_suffix(".sam")), catch_stdout=False)
    pysam.samtools.index(str(path))
    return path


@pytest.fixture
def damaged_late(data: Path, large_bam: Path) -> None:
    """Make b.bam large and damage a block of its second half."""
    shutil.copyfile(large_bam, "b.bam")
    shutil.copyfile(f"{large_bam}.bai", "b.bam.bai")
    raw = bytearray((data / "b.bam").read_bytes())
    at = 0
    while at < 0.7 * len(raw):
        at += int.from_bytes(raw[at + 16 : at + 18], "little") + 1
    raw[at + 200] ^= 0xFF
    (data / "b.bam").write_bytes(bytes(raw))
    os.utime("b.bam.bai")


@pytest.mark.parametrize("threads", ["1", "2"])
def test_damage_in_a_later_range(damaged_late, fails, threads: str) -> None:
    small = arguments("--memory", "100K", "--threads", threads)
    fails(small, 1, "b.bam: compressed offset ", "damaged")
    assert main([*small, "--quiet", "-r", "c:1-20000"]) == 0  # so the damage is indeed in a later range


def test_output_is_kept_when_its_replacement_fails(data: Path, request, capfd) -> None:
    assert main(arguments("--quiet")) == 0
    before = {path.name: path.read_bytes() for path in (data.parent / "out").iterdir()}
    request.getfixturevalue("damaged_late")
    assert main(arguments("--force", "--memory", "100K")) == 1
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in (data.parent / "out").iterdir()} == before


def test_damage_in_a_record(data: Path, fails) -> None:
    raw = (data / "a.bam").read_bytes()
    header = b"BAM\x01" + (0).to_bytes(4, "little") + (2).to_bytes(4, "little")
    for name, length in ((b"c\0", LENGTH), (b"d\0", 400)):
        header += len(name).to_bytes(4, "little") + name + length.to_bytes(4, "little")
    with pysam.BGZFile("bad.bam", "wb") as file:
        file.write(header)
        file.flush()
        start = file.tell()
        file.write((1 << 30).to_bytes(4, "little") + bytes(100))
        file.flush()
        end = file.tell()
    index = b"BAI\x01" + (2).to_bytes(4, "little") + (1).to_bytes(4, "little") + (4681).to_bytes(4, "little")
    index += (1).to_bytes(4, "little") + start.to_bytes(8, "little") + end.to_bytes(8, "little")
    index += (1).to_bytes(4, "little") + start.to_bytes(8, "little") + bytes(8) + bytes(8)
    (data / "bad.bam.bai").write_bytes(index)
    fails(arguments(samples=("A=bad.bam", "B=b.bam")), 1, "bad.bam: region c:1-", "record's size is impossible")
    assert (data / "a.bam").read_bytes() == raw


@pytest.mark.parametrize("other", ["a.bam", "none"])
def test_bam_without_records_is_ordinary(data: Path, capfd, other: str) -> None:
    header = [line for line in (data / "a.sam").read_text().splitlines() if line.startswith("@")]
    (data / "none.sam").write_text("\n".join(header) + "\n")
    for name in ("none", "none_too"):
        pysam.samtools.view("-b", "-o", f"{name}.bam", "none.sam", catch_stdout=False)
        pysam.samtools.index(f"{name}.bam")
    samples = ("A=none.bam", "B=a.bam" if other == "a.bam" else "B=none_too.bam")
    assert main(arguments("--quiet", samples=samples)) == 0
    assert capfd.readouterr() == ("", "")
    assert left(data) == written()
    for table in set(TABLES) - {"stats", "windows", "depth"}:
        lines = (data.parent / "out" / f"result.{table}.tsv").read_text().splitlines()
        assert len(lines) == 1, table
        assert "\t" in lines[0]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_alignments_beyond_the_end_of_their_contig_do_no_harm(data: Path, capfd, threads: str) -> None:
    lines = (data / "b.sam").read_text().splitlines()
    for number, (start, cigar) in enumerate(
        [(380, "100M"), (380, "20M80D20M"), (400, "1M4000000D1M"), (399, "2M40I2M")]
    ):
        size = {"100M": 100, "20M80D20M": 40, "1M4000000D1M": 2, "2M40I2M": 44}[cigar]
        lines += [
            f"x{number}_{copy}\t0\td\t{start}\t60\t{cigar}\t*\t0\t0\t{'A' * size}\t{'I' * size}" for copy in range(30)
        ]
    lines += [f"y{copy}\t0\td\t1000\t60\t2M2D2M\t*\t0\t0\tACGT\tIIII" for copy in range(9)]
    (data / "b.sam").write_text("\n".join(lines) + "\n")
    pysam.samtools.sort("-o", "b.bam", "b.sam", catch_stdout=False)
    pysam.samtools.index("b.bam")
    assert main(arguments("--quiet", "--threads", threads, "--loci", "tested", "--against", "REF", "-r", "d")) == 0
    assert capfd.readouterr() == ("", "")
    rows = [line.split("\t") for line in (data.parent / "out" / "result.dist.tsv").read_text().splitlines()]
    assert max(int(row[1]) for row in rows[1:] if row[0] == "d") <= 400


# The reference


def test_missing_reference(data: Path, fails) -> None:
    (data / "ref.fa").unlink()
    fails(arguments(), 1, "ref.fa: No such file")


def rewrite_reference(data: Path, *contigs: tuple[str, str]) -> None:
    (data / "ref.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in contigs))
    pysam.faidx("ref.fa")


def test_reference_with_another_contig_length(data: Path, fails) -> None:
    rewrite_reference(data, ("c", "ACGT" * 50))
    fails(arguments(), 1, "a.bam: contigs differ in length from ref.fa", f"c {LENGTH} in the BAM, 200 in the reference")


def test_reference_without_a_common_contig(data: Path, fails) -> None:
    rewrite_reference(data, ("x", "ACGT" * 50))
    fails(arguments(), 1, "a.bam: no contig in common with ref.fa; found c, d; expected x")


def test_reference_with_another_sequence_by_its_checksum(data: Path, fails) -> None:
    text = (data / "a.sam").read_text()
    sequence = (data / "ref.fa").read_text().split("\n")[1]
    right, wrong = (hashlib.md5(text.encode()).hexdigest() for text in (sequence, sequence[::-1]))
    for checksum in (right, right.upper(), wrong):
        (data / "a.sam").write_text(text.replace(f"SN:c\tLN:{LENGTH}", f"SN:c\tLN:{LENGTH}\tM5:{checksum}"))
        pysam.samtools.sort("-o", "a.bam", "a.sam", catch_stdout=False)
        pysam.samtools.index("a.bam")
        if checksum is wrong:
            for path in (data.parent / "out").iterdir():
                path.unlink()
            fails(arguments(), 1, "ref.fa: c: contig differs", f"found MD5 {right}; expected {wrong}", "a.bam")
        else:
            assert main(arguments("--force", "--quiet")) == 0


@pytest.mark.parametrize("raw", [b"", b"no FASTA\n", b"\x00\xff\xfe" * 50, b">c\n", b">c\nAC\nACGT\nAC\n"])
def test_reference_that_is_not_fasta(data: Path, fails, raw: bytes) -> None:
    (data / "ref.fa").write_bytes(raw)
    (data / "ref.fa.fai").unlink()
    fails(arguments(), 1, "ref.fa")


def test_bam_as_reference(data: Path, fails) -> None:
    fails([*arguments(), "--reference", "b.bam"], 1, "b.bam: cannot be read as FASTA")


def test_folder_as_reference(fails) -> None:
    fails([*arguments(), "--reference", "."], 1, ".: ")


def test_reference_cut_short_after_indexing(data: Path, fails) -> None:
    (data / "ref.fa").write_bytes((data / "ref.fa").read_bytes()[:5000])
    fails(arguments(), 1, "ref.fa", "samtools faidx")


@pytest.mark.parametrize("raw", [b"", b"garbage\n", b"c\t-5\t3\t60\t61\n", b"c\tx\t3\t60\t61\n", b"\xff\xfe\x00"])
def test_damaged_index_of_the_reference(data: Path, fails, raw: bytes) -> None:
    (data / "ref.fa.fai").write_bytes(raw)
    fails(arguments(), 1, "ref.fa")


# Output


def test_output_folder_that_does_not_exist(fails) -> None:
    fails([*arguments(), "-o", "../none/result"], 1, "../none/result.dist.tsv: cannot be written", "No such file")


def test_output_folder_that_is_a_file(fails) -> None:
    fails([*arguments(), "-o", "ref.fa/result"], 1, "ref.fa/result.dist.tsv: cannot be written", "Not a directory")


def test_output_that_is_a_folder(data: Path, fails) -> None:
    (data / "result.comp.tsv").mkdir()
    for more in ((), ("--force",)):
        fails([*arguments(*more), "-o", "result"], 1, "result.comp.tsv: output is a folder")


@pytest.mark.parametrize("existing", ["result.evidence.tsv", "result.run.json"])
def test_existing_output_is_kept_without_force(data: Path, fails, existing: str) -> None:
    (data / existing).write_text("old")
    fails([*arguments(), "-o", "result"], 2, f"{existing}: output exists", "--force")
    assert not list(data.glob("result.dist*"))
    assert not list(data.glob(".result*"))
    assert main([*arguments("--force", "--quiet"), "-o", "result"]) == 0
    assert (data / existing).read_text() != "old"


def test_name_of_output_too_long(fails) -> None:
    fails([*arguments(), "-o", "../out/" + "x" * 300], 1, "File name too long")


# The question


@pytest.mark.parametrize("sample", ["a.bam", "=a.bam", "A=", "A", "="])
def test_sample_without_name_or_path(fails, sample: str) -> None:
    fails(arguments(samples=(sample, "B=b.bam")), 2, f"found {sample}; expected NAME=PATH")


@pytest.mark.parametrize("name", ["REF", "a b", "a\tb", "\x1b[1m"])
def test_sample_with_a_name_that_cannot_be(fails, name: str) -> None:
    fails(arguments(samples=(f"{name}=a.bam", "B=b.bam")), 2, "cannot name a sample")


def test_same_file_twice(fails) -> None:
    fails(arguments(samples=("A=a.bam", "A=a.bam", "B=b.bam")), 2, "sample A has the same file twice")


def test_one_sample_alone(fails) -> None:
    fails(arguments(samples=("A=a.bam",)), 2, "nothing to compare", "--against REF")
    fails(arguments(samples=()), 2, "no samples")


def test_unknown_sample_to_compare_with(fails) -> None:
    fails(arguments("--against", "C"), 2, "no sample is named 'C'")


@pytest.mark.parametrize(
    ("region", "message"),
    [("x", "unknown contig; found x"), ("c:5-1", "empty or outside"), ("c:y", "cannot be read"), ("d:500", "outside")],
)
def test_bad_region(fails, region: str, message: str) -> None:
    fails(arguments("-r", "c:1-100", "-r", region), 2, f"region '{region}'", message)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"c\t1\n", "line 1: not a BED line"),
        (b"c\t1\t5\nc\t5\t1\n", "line 2: interval is empty"),
        (b"x\t1\t5\n", "line 1: unknown contig"),
        (b"\x1f\x8b\x08\x00\xff\xff", "line 1: not a BED line"),
    ],
)
def test_bad_bed(data: Path, fails, raw: bytes, message: str) -> None:
    (data / "some.bed").write_bytes(raw)
    fails(arguments("--bed", "some.bed"), 1, f"some.bed: {message}")


def test_missing_bed(fails) -> None:
    fails(arguments("--bed", "none.bed"), 1, "none.bed: No such file")


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        (b"", 2, "no samples"),
        (b"sample\tpath\n", 2, "no samples"),
        (b"A\ta.bam\n", 1, "samples.tsv: line 1: wrong header"),
        (b"sample path\nA a.bam\n", 1, "samples.tsv: line 1: wrong header"),
        (b"sample\tpath\nA\ta.bam\nB\n", 1, "samples.tsv: line 3: wrong number of fields; found 1; expected 2"),
        (b"sample\tpath\nA\ta.bam\tmore\n", 1, "samples.tsv: line 2: wrong number of fields; found 3"),
        (b"sample\tpath\n\ta.bam\n", 1, "samples.tsv: line 2: wrong number of fields"),
        (b"sample\tpath\nA\ta\x00.bam\n", 1, "samples.tsv: line 2: not a text file"),
        (b"sample\tpath\nA\ta.bam\nB\t\xff.bam\n", 1, ".bam: No such file"),
        (b"sample\tpath\n\xff\ta.bam\nB\tb.bam\n", 2, "cannot name a sample"),
        (b"\x1f\x8b\x08\x00\xff\xff", 1, "samples.tsv: line 1: wrong header"),
        (b"\xef\xbb\xbfsample\tpath\nA\ta.bam\nB\tnone.bam\n", 1, "none.bam: No such file"),
    ],
)
def test_bad_samples_file(data: Path, fails, raw: bytes, code: int, message: str) -> None:
    (data / "samples.tsv").write_bytes(raw)
    fails(arguments("--samples", "samples.tsv", samples=()), code, message)


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        (b"sample_1\tsample_2\n", 2, "nothing to compare"),
        (b"A\tB\n", 1, "pairs.tsv: line 1: wrong header"),
        (b"sample_1\tsample_2\nA\n", 1, "pairs.tsv: line 2: wrong number of fields"),
        (b"sample_1\tsample_2\nA\tC\n", 2, "no sample is named 'C'"),
        (b"sample_1\tsample_2\nREF\tA\n", 2, "no sample is named 'REF'"),
        (b"sample_1\tsample_2\nA\tA\n", 2, "sample A is compared with itself"),
        (b"sample_1\tsample_2\nA\tB\nA\tB\n", 2, "listed twice"),
    ],
)
def test_bad_pairs_file(data: Path, fails, raw: bytes, code: int, message: str) -> None:
    (data / "pairs.tsv").write_bytes(raw)
    fails(arguments("--pairs", "pairs.tsv"), code, message)


def test_missing_samples_and_pairs_files(fails) -> None:
    fails(arguments("--samples", "none.tsv"), 1, "none.tsv: No such file")
    fails(arguments("--pairs", "none.tsv"), 1, "none.tsv: No such file")


@pytest.mark.parametrize("text", ["nonsense", "dist,nonsense", "", "dist,", "DIST"])
def test_unknown_table(fails, text: str) -> None:
    fails(arguments("--write", text), 2, "unknown table", "expected dist, comp, idist, stats, evidence")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--min-distance", "0"),
        ("--min-distance", "1"),
        ("--min-distance", "nan"),
        ("--min-distance", "-0.5"),
        ("--confidence", "0.5"),
        ("--confidence", "inf"),
        ("--draws", "99"),
        ("--prior", "0"),
        ("--prior", "nan"),
        ("--indel-prior", "1000"),
        ("--quantiles", "0.5,0.1"),
        ("--quantiles", "2"),
        ("--quantiles", "nan"),
        ("--min-depth", "0"),
        ("--min-mapq", "256"),
        ("--min-mapq", "-1"),
        ("--min-baseq", "94"),
        ("--assume-quality", "-1"),
    ],
)
def test_option_out_of_range(fails, option: str, value: str) -> None:
    fails(arguments(f"{option}={value}"), 2, f"{option[2:].replace('-', '_')} is out of range")


@pytest.mark.parametrize("seed", ["-1", str(1 << 64), str(1 << 200)])
def test_any_seed_is_taken_or_refused_in_one_line(data: Path, capfd, seed: str) -> None:
    code = main(arguments("--quiet", f"--seed={seed}"))
    err = capfd.readouterr().err
    assert (code, err) == (0, "") or (code == 2 and len(err.splitlines()) == 1)


@pytest.mark.parametrize(
    "more",
    [
        ["--min-distance", "x"],
        ["--draws", "1.5"],
        ["--threads", "0"],
        ["--threads", "-3"],
        ["--memory", "0"],
        ["--memory", "5Q"],
        ["--memory", "-1G"],
        ["--memory", "nan"],
        ["--memory", "inf"],
        ["--quantiles", "0.5,,0.9"],
        ["--exclude-flags", "NOPE"],
        ["--require-flags", "5000"],
        ["--loci", "all"],
        ["--indels", "right"],
        ["--consecutive", "--all-pairs"],
        ["--against", "A", "--pairs", "x"],
        ["--nonsense"],
        ["--min-dist", "0.1"],
    ],
)
def test_arguments_that_cannot_be_read(is_refused, more: list[str]) -> None:
    is_refused(arguments(*more))


# Interrupts and debugging


@pytest.mark.parametrize("threads", ["1", "2"])
def test_interrupt_leaves_nothing(data: Path, fails, monkeypatch, threads: str) -> None:
    from colonnade.compare.ranges import RangeComparer

    done = []
    original = RangeComparer.__call__

    def interrupted(self, region):
        done.append(region)
        if len(done) == 3:
            raise KeyboardInterrupt
        return original(self, region)

    monkeypatch.setattr(RangeComparer, "__call__", interrupted)
    fails(arguments("--memory", "100K", "--threads", threads), 130, "interrupted")
    assert len(done) >= 3


def test_signal_leaves_nothing_and_no_thread(data: Path, fails, monkeypatch) -> None:
    from colonnade.compare.ranges import RangeComparer

    original = RangeComparer.__call__

    def signalled(self, region):
        signal.raise_signal(signal.SIGINT)
        return original(self, region)

    before = set(threading.enumerate())
    monkeypatch.setattr(RangeComparer, "__call__", signalled)
    # A shell that starts the tests in the background has them ignore interrupts.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        fails(arguments("--memory", "100K", "--threads", "2"), 130, "interrupted")
    finally:
        signal.signal(signal.SIGINT, inherited)
    # A second interrupt may come while threads are waited for; what they have in hand (a compilation, say) they still end.
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=120)
        assert not thread.is_alive()


def test_interrupt_while_opening_leaves_nothing(data: Path, fails, monkeypatch) -> None:
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    from colonnade.compare import inputs

    monkeypatch.setattr(inputs, "open_alignments", interrupt)
    fails(arguments(), 130, "interrupted")


def test_disk_that_fills_up_leaves_nothing(data: Path, fails, monkeypatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("colonnade.formats.output.os.fsync", full)
    fails(arguments(), 1, "../out/result.dist.tsv: cannot be written", "No space left on device")


def test_debug_raises_and_leaves_nothing(data: Path) -> None:
    (data / "b.bam.bai").write_bytes(b"garbage")
    with pytest.raises(ColonnadeError, match="not a BAI or CSI index"):
        main(arguments("--debug"))
    with pytest.raises(FileNotFoundError):
        main(arguments("--debug", samples=("A=a.bam", "B=none.bam")))
    assert left(data) == []


@pytest.mark.parametrize("threads", ["1", "2"])
def test_debug_leaves_nothing_of_a_failure_amid_the_run(data: Path, damaged_late, threads: str) -> None:
    with pytest.raises(ColonnadeError, match="damaged"):
        main(arguments("--debug", "--memory", "100K", "--threads", threads))
    assert left(data) == []


def test_no_file_stays_open_after_a_failure(damaged_late) -> None:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc here")
    before = len(list(folder.iterdir()))
    assert main(arguments("--quiet")) == 1
    assert main(arguments("--quiet", samples=("A=a.bam", "B=none.bam"))) == 1
    assert len(list(folder.iterdir())) == before
