"""``colonnade plan``: BED that others can use, and one line for whatever is wrong."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.cli import main
from colonnade.formats.bam import BamFile
from colonnade.plan.ranges import plan_ranges
from colonnade.regions import Region, merge_regions, read_bed

CONTIGS = {"a": 400_000, "empty": 50_000, "b": 90_000}
SIZE = 60_000


@pytest.fixture(autouse=True)
def _compiled(monkeypatch) -> None:
    """The line about compiling kernels comes once per installation; these tests count lines."""
    monkeypatch.setattr("colonnade.jit.announce_compilation", lambda module: None)


@pytest.fixture
def data(make_bam, tmp_path: Path, monkeypatch) -> Path:
    """Two BAM files of several blocks, in the working directory."""
    rng = np.random.default_rng(1)
    for name, n in (("one.bam", 1500), ("two.bam", 400)):
        lines = []
        for contig in ("a", "b"):
            for position in rng.integers(1, CONTIGS[contig] - 110, n):
                sequence = "".join(rng.choice(list("ACGT"), 100))
                lines.append(f"r\t0\t{contig}\t{position}\t60\t100M\t*\t0\t0\t{sequence}\t*")
        make_bam(name, CONTIGS, lines)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(*more: str) -> list[str]:
    return ["plan", "--bytes", str(SIZE), "one.bam", "two.bam", *more]


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_output_is_bed_with_the_bytes_of_each_file(data: Path, capsys) -> None:
    assert main(arguments()) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert rows(out)[0] == ["#contig", "start", "end", "one.bam", "two.bam"]
    files = [BamFile("one.bam"), BamFile("two.bam")]
    regions = [Region(contig, 0, length) for contig, length in CONTIGS.items()]
    expected = [
        [planned.region.contig, str(planned.region.start), str(planned.region.end), *map(str, planned.bytes)]
        for planned in plan_ranges(regions, files, size=SIZE)
    ]
    assert rows(out)[1:] == expected
    assert len(expected) > 5
    for file in files:
        file.close()


def test_output_is_bed_that_other_commands_read(data: Path, capsys) -> None:
    assert main(arguments("-o", "ranges.bed")) == 0
    assert capsys.readouterr() == ("", "")
    regions = read_bed("ranges.bed", CONTIGS)
    assert merge_regions(regions, CONTIGS) == [Region(contig, 0, length) for contig, length in CONTIGS.items()]
    assert main(arguments("--bed", "ranges.bed")) == 0
    assert main(arguments()) == 0


def test_dash_is_stdout_and_a_file_holds_the_same(data: Path, capsys) -> None:
    assert main(arguments("-o", "-")) == 0
    out = capsys.readouterr().out
    assert main(arguments("-o", "ranges.bed")) == 0
    assert (data / "ranges.bed").read_text() == out


def test_regions_and_bed_choose_where(data: Path, capsys) -> None:
    (data / "some.bed").write_text("b\t5\t100\nb\t50\t200\n")
    assert main(arguments("-r", "a:1,001-2,000", "--region", "a:1501-3000", "--bed", "some.bed")) == 0
    assert [row[:3] for row in rows(capsys.readouterr().out)[1:]] == [["a", "1000", "3000"], ["b", "5", "200"]]


def test_ranges_keep_their_size_up_to_the_end_whatever_the_threads(data: Path, capsys) -> None:
    assert main(arguments("--threads", "1")) == 0
    one = capsys.readouterr().out
    assert main(arguments("--threads", "8")) == 0
    assert capsys.readouterr().out == one


def test_check_adds_true_bytes_and_says_how_good_the_estimates_are(data: Path, capsys) -> None:
    assert main(arguments()) == 0
    plain = rows(capsys.readouterr().out)
    assert main(arguments("--check")) == 0
    out, err = capsys.readouterr()
    checked = rows(out)
    assert checked[0] == [
        "#contig", "start", "end", "estimated:one.bam", "true:one.bam", "estimated:two.bam", "true:two.bam",
    ]  # fmt: skip
    assert [[*row[:3], row[3], row[5]] for row in checked[1:]] == plain[1:]
    for row in checked[1:]:
        for estimated, true in (map(int, row[3:5]), map(int, row[5:7])):
            assert abs(estimated - true) <= 65_536
            assert (estimated > 0) == (true > 0)
    assert re.fullmatch(
        rf"colonnade plan: {len(plain) - 1} ranges; relative error of the estimates: median [\d.]+%, largest [\d.]+%; "
        r"more than twice the target: 0 ranges of several windows, and \d+ of \d+ single windows\n",
        err,
    )


def test_quiet_check_says_nothing_on_stderr(data: Path, capsys) -> None:
    assert main(arguments("--check", "--quiet")) == 0
    assert capsys.readouterr().err == ""


def fails(capsys, chosen: list[str], code: int, *parts: str) -> None:
    before = {path for path in Path().iterdir() if path.is_file()}
    capsys.readouterr()
    assert main(chosen) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("colonnade plan: error: ")
    for part in parts:
        assert part in err
    assert {path for path in Path().iterdir() if path.is_file()} == before


def test_what_is_wrong_with_the_input_is_told_in_one_line(data: Path, make_bam, capsys) -> None:
    fails(capsys, ["plan", "--bytes", "1M", "absent.bam"], 1, "absent.bam")
    fails(capsys, arguments("--bed", "absent.bed"), 1, "absent.bed")
    fails(capsys, arguments("-r", "nope"), 2, "nope")
    fails(capsys, arguments("-r", "a:9-5"), 2, "a:9-5")
    Path("bad.bed").write_text("a\t5\n")
    fails(capsys, arguments("--bed", "bad.bed"), 1, "bad.bed", "line 1")
    Path("text.bam").write_text("not a BAM file\n")
    fails(capsys, ["plan", "--bytes", "1M", "text.bam"], 1, "text.bam")
    make_bam("other.bam", {"a": 399_999}, [])
    fails(capsys, arguments("other.bam"), 1, "other.bam: a: ", "399999", "400000, as in one.bam")


def test_damaged_blocks_are_found_by_check_and_leave_no_output(data: Path, capsys) -> None:
    raw = bytearray(Path("one.bam").read_bytes())
    offset = 0
    for _ in range(3):
        offset += int.from_bytes(raw[offset + 16 : offset + 18], "little") + 1
    raw[offset] ^= 255
    Path("one.bam").write_bytes(raw)
    logging.getLogger("colonnade").handlers = []
    fails(capsys, arguments("--check", "-q", "-o", "ranges.bed"), 1, "one.bam", "not the start of a BGZF block")


def test_output_that_exists_is_kept_without_force(data: Path, capsys) -> None:
    Path("ranges.bed").write_text("mine\n")
    fails(capsys, arguments("-o", "ranges.bed"), 2, "ranges.bed", "--force")
    assert Path("ranges.bed").read_text() == "mine\n"
    assert main(arguments("-o", "ranges.bed", "--force")) == 0
    assert Path("ranges.bed").read_text().startswith("#contig\tstart\tend\tone.bam\ttwo.bam\n")


@pytest.mark.parametrize("name", ["one.bam", "two.bam.bai", "some.bed", "./one.bam"])
def test_an_input_is_never_replaced(data: Path, capsys, name: str) -> None:
    Path("some.bed").write_text("a\t0\t1000\n")
    before = Path(name).read_bytes()
    fails(capsys, arguments("-o", name, "--force", "--bed", "some.bed"), 2, "output is one of the inputs")
    assert Path(name).read_bytes() == before


def test_cram_costs_nothing_and_needs_its_reference(data: Path, make_fasta, capsys) -> None:
    fasta = make_fasta("ref.fa", {contig: "A" * length for contig, length in CONTIGS.items()})
    pysam.samtools.view("-C", "-T", str(fasta), "-o", "one.cram", "one.bam", catch_stdout=False)
    pysam.samtools.index("one.cram")
    plan = ["plan", "--bytes", str(SIZE), "one.cram", "two.bam"]
    fails(capsys, plan, 1, "one.cram: a CRAM needs its reference")
    assert main([*plan, "--reference", str(fasta)]) == 0
    found = rows(capsys.readouterr().out)
    assert {row[3] for row in found[1:]} == {"0"}
    assert main(["plan", "--bytes", str(SIZE), "two.bam"]) == 0
    assert [row[:3] for row in found] == [row[:3] for row in rows(capsys.readouterr().out)]


@pytest.mark.parametrize("wrong", [["--bytes", "0"], ["--bytes", "many"], ["--threads", "0"], ["--nonsense"]])
def test_wrong_usage_is_told_with_code_2(data: Path, capsys, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments(*wrong))
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err.splitlines()[-1]


@pytest.mark.parametrize("chosen", [["plan"], ["plan", "one.bam"], ["plan", "--bytes", "1M"]])
def test_files_and_bytes_are_needed(capsys, chosen: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(chosen)
    assert caught.value.code == 2


def test_a_reader_that_leaves_early_is_no_reason_for_a_traceback(data: Path, make_bam) -> None:
    contigs = {f"contig_{number}": 20_000 for number in range(20_000)}
    make_bam("many.bam", contigs, [])
    program = [sys.executable, "-m", "colonnade", "plan", "--bytes", "1M", "many.bam"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        assert done.stdout.readline().startswith("#contig")
        done.stdout.close()
        assert done.stderr.read() == ""
        assert done.wait(60) == 1
