"""Pairs and single reads through both passes: the same bytes whatever the way, and nothing left behind."""

import gzip
import os
import re
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from made_pairs import LIBRARIES, made_pairs, to_ubam
from made_reads import hard_genome
from made_templates import N_PAIRS, SPREAD, TEMPLATE, write_templates
from pickled import Pickled

import colonnade as cn
from colonnade.align import engine, passes, steps, stretches
from colonnade.align.batch import Batch
from colonnade.align.engine import AlignSummary, align
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.reads import SMALL, Cut
from colonnade.errors import ColonnadeError, OutputError
from colonnade.formats.bgzf import EOF_BLOCK, BgzfFile, VirtualOffset
from colonnade.run.executor import Executor, Threads

PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, FIRST, LAST, DUPLICATE = 0x1, 0x2, 0x4, 0x8, 0x40, 0x80, 0x400


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A folder of a genome, pairs and merged reads."""
    return write_templates(tmp_path_factory.mktemp("passes"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """An empty working directory."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def aligned(data: Path, folder: Path) -> Callable[..., AlignSummary]:
    """Align to a.bam: the pairs, or what else is given."""

    def run(*reads: Any, out: str = "a.bam", options: dict[str, Any] | None = None, **arguments) -> AlignSummary:
        chosen = AlignOptions(**(options or {}))
        return align(*(reads or pairs(data)), index=data / "ref.fa", out=out, options=chosen, **arguments)

    return run


@pytest.fixture
def batches_of(monkeypatch) -> Callable[[int], None]:
    """Let batches have so many reads."""

    def cut(reads: int) -> None:
        for name in ("SMALL", "LARGE"):
            monkeypatch.setattr(engine, name, Cut(reads, 8 << 20))

    return cut


def pairs(data: Path) -> tuple[Path, Path]:
    return data / "1.fq", data / "2.fq"


def records(path: str = "a.bam") -> list[pysam.AlignedSegment]:
    pysam.samtools.quickcheck("-u", path)
    with pysam.AlignmentFile(path, check_sq=False) as file:
        return list(file)


def lines(path: str = "a.bam") -> list[str]:
    return [record.to_string() for record in records(path)]


def unaligned(*sources: tuple[Path, ...], out: str = "u.bam") -> str:
    """Pairs and single reads as unaligned BAM, one source behind the other."""
    texts = ["@HD\tVN:1.6\n"]
    for paths in sources:
        names = ["-1", str(paths[0]), "-2", str(paths[1])] if paths[1:] else ["-0", str(paths[0])]
        pysam.samtools.fqimport(*names, "-o", "one.sam", catch_stdout=False)
        texts += [line for line in Path("one.sam").read_text().splitlines(keepends=True) if not line.startswith("@")]
    Path("all.sam").write_text("".join(texts))
    pysam.samtools.view("-b", "--no-PG", "-o", out, "all.sam", catch_stdout=False)
    return out


# What is written


def test_pairs_come_in_the_order_of_the_input_and_are_counted(aligned) -> None:
    summary = aligned()
    found = records()
    assert [record.query_name for record in found] == [f"pair{number // 2}" for number in range(2 * N_PAIRS)]
    assert [record.flag & (PAIRED | FIRST | LAST) for record in found] == [PAIRED | FIRST, PAIRED | LAST] * N_PAIRS
    assert summary == AlignSummary(
        reads=2 * N_PAIRS,
        aligned=sum(record.is_mapped for record in found),
        confident=sum(record.mapping_quality >= 20 for record in found),
        pairs=N_PAIRS,
        proper_pairs=sum(record.is_proper_pair for record in found) // 2,
        rescued=sum(record.has_tag("XT") and record.get_tag("XT") == "M" for record in found),
    )
    assert summary.proper_pairs == summary.aligned // 2 == N_PAIRS - N_PAIRS // 30
    assert summary.rescued == N_PAIRS // 10


def test_templates_have_the_sizes_that_they_were_made_with(aligned) -> None:
    aligned()
    sizes = [record.template_length for record in records() if record.flag & (PROPER | FIRST) == PROPER | FIRST]
    assert abs(np.mean(np.abs(sizes)) - TEMPLATE) < 3
    assert abs(np.std(np.abs(sizes)) - SPREAD) < 3


def test_all_ways_to_bring_pairs_give_the_same_records(aligned, data: Path) -> None:
    aligned()
    unaligned(pairs(data))
    aligned("u.bam", out="b.bam")
    mates = [path.read_text().split("@")[1:] for path in pairs(data)]
    Path("both.fq").write_text("".join(f"@{text}" for both in zip(*mates, strict=True) for text in both))
    aligned("both.fq", out="c.bam", options={"interleaved": True})
    assert lines() == lines("b.bam") == lines("c.bam")


def test_pairs_aligned_before_are_aligned_as_if_they_had_not_been(aligned) -> None:
    aligned()
    aligned("a.bam", out="b.bam")
    assert lines() == lines("b.bam")
    aligned(out="s.bam", sort=True)
    with pytest.raises(ColonnadeError, match="samtools collate"):
        aligned("s.bam", out="b.bam", force=True)


@pytest.mark.parametrize("merged_first", [True, False])
@pytest.mark.parametrize("batch_reads", [7, 400, 100_000])
def test_pairs_and_single_reads_may_come_in_any_order(
    aligned, batches_of, data: Path, merged_first: bool, batch_reads: int
) -> None:
    batches_of(batch_reads)
    parts = [(data / "merged.fq",), pairs(data)]
    unaligned(*parts[:: 1 if merged_first else -1])
    summary = aligned("u.bam")
    aligned(data / "merged.fq", out="b.bam")
    found = lines()
    singles = found[:N_PAIRS] if merged_first else found[2 * N_PAIRS :]
    assert singles == lines("b.bam")
    assert (summary.reads, summary.pairs) == (3 * N_PAIRS, N_PAIRS)


def test_single_reads_count_for_insert_sizes_wherever_they_stand(aligned, batches_of, data: Path, caplog) -> None:
    caplog.set_level("INFO", "colonnade")
    for number, batch_reads in enumerate((7, 100_000)):
        batches_of(batch_reads)
        for merged_first in (True, False):
            parts = [(data / "merged.fq",), pairs(data)]
            aligned(unaligned(*parts[:: 1 if merged_first else -1]), out=f"{number}{merged_first}.bam")
    told = [record.message for record in caplog.records if "insert size" in record.message]
    assert len(told) == 4
    assert len(set(told)) == 1
    n_pairs, n_merged = map(int, re.search(r"from (\d+) pairs and (\d+) merged reads", told[0]).groups())
    assert 0.8 * N_PAIRS < n_pairs <= N_PAIRS
    assert 0.8 * N_PAIRS < n_merged <= N_PAIRS


def test_read_groups_have_insert_sizes_of_their_own(aligned, data: Path, caplog) -> None:
    caplog.set_level("INFO", "colonnade")
    unaligned(pairs(data), out="b.bam")
    few = [f"{number}.few.fq" for number in "12"]
    for name, path in zip(few, pairs(data), strict=True):
        Path(name).write_text("".join(path.read_text().splitlines(keepends=True)[: 4 * 18]))
    summary = aligned((ReadFiles(*pairs(data), r"@RG\tID:a\tSM:x"), ReadFiles(*few, "b"), ReadFiles("b.bam")))
    told = [record.message for record in caplog.records if "insert size" in record.message]
    assert len(told) == 3
    assert told[0].startswith("read group a: insert size ")
    assert told[1].startswith("read group b: insert size not estimated: too few good pairs and merged reads (")
    assert told[2].startswith("reads without read group: insert size ")
    assert told[0].partition(": ")[2] == told[2].partition(": ")[2]
    assert summary.pairs == 2 * N_PAIRS + 18
    groups = [record.get_tag("RG") if record.has_tag("RG") else None for record in records()]
    assert groups == ["a"] * 2 * N_PAIRS + ["b"] * 36 + [None] * 2 * N_PAIRS


def test_read_groups_that_the_header_lacks_are_told_by_name(aligned, batches_of, data: Path, caplog) -> None:
    caplog.set_level("INFO", "colonnade")
    batches_of(100)
    unaligned(pairs(data))
    text = pysam.samtools.view("u.bam").splitlines()
    names = ["a", "b"], ["c"]
    for header, path in zip(("", "@RG\tID:c\n"), ("1.sam", "2.sam"), strict=True):
        groups = names[bool(header)]
        tagged = [f"{line}\tRG:Z:{groups[at * len(groups) // len(text)]}\n" for at, line in enumerate(text)]
        Path(path).write_text(header + "".join(tagged))
    aligned((ReadFiles("1.sam"), ReadFiles("2.sam")))
    told = [record.message.partition(": ")[0] for record in caplog.records if "insert size" in record.message]
    assert told == ["read group a", "read group b", "read group c"]


def test_a_read_group_need_not_be_utf_8(aligned, data: Path, caplog) -> None:
    caplog.set_level("INFO", "colonnade")
    lines = [line.encode() + b"\tRG:Z:\xe4\n" for line in pysam.samtools.view(unaligned(pairs(data))).splitlines()]
    Path("latin.sam").write_bytes(b"@RG\tID:\xe4\n" + b"".join(lines))
    aligned("latin.sam")
    (told,) = (record.message for record in caplog.records if "insert size" in record.message)
    assert told.startswith("read group \udce4: insert size ")
    assert b"RGZ\xe4\0" in gzip.decompress(Path("a.bam").read_bytes())


def test_only_aligned_leaves_the_others_out(aligned, data: Path) -> None:
    unaligned(pairs(data), (data / "merged.fq",))
    plain = aligned("u.bam")
    kept = [
        record.to_string()
        for record in records()
        if not record.flag & UNMAPPED and not (record.flag & PAIRED and record.flag & MATE_UNMAPPED)
    ]
    summary = aligned("u.bam", out="b.bam", options={"only_aligned": True})
    assert lines("b.bam") == kept
    assert (plain.not_written, summary.not_written) == (0, plain.reads - len(kept))
    assert summary.aligned == plain.aligned
    assert 0 < len(kept) < plain.reads


def test_reads_aligned_before_stay_if_told_so(aligned, data: Path) -> None:
    unaligned(pairs(data), (data / "merged.fq",))
    first = aligned("u.bam", options={"no_rescue": True, "trim_quality": 5})
    options = {"skip_aligned": True, "only_aligned": True}
    again = aligned("a.bam", out="b.bam", options=options)
    stays = [r.to_string() for r in records() if r.is_mapped or (r.is_paired and r.mate_is_mapped)]
    assert lines("b.bam") == stays
    assert (again.kept, again.aligned, again.pairs) == (len(stays), 0, again.not_written // 2 - N_PAIRS // 60)
    assert first.reads == again.reads


def test_pairs_without_places_are_aligned_whether_or_not_flags_say_so_of_the_mate(aligned, data: Path) -> None:
    aligned(out="b.bam")
    text = pysam.samtools.view(unaligned(pairs(data)))
    Path("u.sam").write_text(text.replace("\t77\t", "\t69\t").replace("\t141\t", "\t133\t"))
    assert aligned("u.sam", options={"skip_aligned": True}).kept == 0
    assert lines() == lines("b.bam")


def test_duplicates_stay_unaligned_if_told_so(aligned) -> None:
    aligned()
    text = [line.split("\t") for line in lines()]
    for fields in text[:20:4]:
        fields[1] = str(int(fields[1]) | DUPLICATE)
    with pysam.AlignmentFile("a.bam") as file:
        Path("d.sam").write_text(str(file.header) + "".join("\t".join(fields) + "\n" for fields in text))
    summary = aligned("d.sam", out="b.bam", options={"skip_duplicates": True})
    assert [not record.is_mapped for record in records("b.bam")[:20]] == [True, True, False, False] * 5
    assert summary.reads == 2 * N_PAIRS


@pytest.mark.parametrize(("way", "left"), [("drop", 0), ("single", 1)])
def test_mates_without_mates_are_counted(aligned, data: Path, way: str, left: int) -> None:
    unaligned(pairs(data))
    with pysam.AlignmentFile("u.bam", check_sq=False) as file:
        Path("o.sam").write_text("".join(f"{record.to_string()}\n" for record in list(file)[1:-1]))
    with pytest.raises(ColonnadeError, match="pair0"):
        aligned("o.sam")
    summary = aligned("o.sam", options={"orphans": way})
    assert (summary.orphans, summary.pairs) == (2, N_PAIRS - 2)
    alone = [record for record in records() if not record.is_paired]
    assert [record.query_name for record in alone] == ["pair0", f"pair{N_PAIRS - 1}"][: 2 * left]
    assert not any(record.flag & (FIRST | LAST) for record in alone)


# The same bytes


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory) -> dict[str, tuple[Path, tuple[Path, ...]]]:
    """By name: an indexed genome, and files of pairs."""
    folder = tmp_path_factory.mktemp("real")
    hiv = shared_data / "hiv_caprisa" / "clip_trimmed"
    sets = {
        "ecoli": ("ecoli_k12_pe100/reference_1K.fa", *sorted((shared_data / "ecoli_k12_pe100").glob("*.fq.gz"))),
        "ebola": ("ebola_ubam/ebov-makona.fasta", shared_data / "ebola_ubam" / "G5012.3.testreads.bam"),
        "hiv": (hiv / "CAP188_wk4_consensus.fasta", *(hiv / f"CAP188_wk4_R{number}.fastq.gz" for number in "12")),
    }
    found = {}
    for name, (genome, *files) in sets.items():
        fasta = folder / f"{name}.fa"
        fasta.write_bytes((shared_data / genome).read_bytes())
        cn.build_index(fasta)
        found[name] = fasta, tuple(files)
    return found


@pytest.mark.parametrize("name", ["ecoli", "ebola", "hiv"])
def test_real_pairs_have_the_same_bytes_whatever_the_threads_and_batches(
    real, folder: Path, batches_of, name: str
) -> None:
    fasta, files = real[name]
    align(*files, index=fasta, out="a.bam")
    assert sum(record.is_proper_pair for record in records()) > 500
    for number, (threads, batch_reads) in enumerate([(1, 997), (2, 4096), (4, 400), (2, 100_000)]):
        batches_of(batch_reads)
        align(*files, index=fasta, out=f"{number}.bam", threads=threads)
        assert Path(f"{number}.bam").read_bytes() == Path("a.bam").read_bytes()
    align(*files, index=fasta, out="elsewhere.bam", executor=Pickled(2))
    assert Path("elsewhere.bam").read_bytes() == Path("a.bam").read_bytes()
    assert aligned_from_stdin(fasta, *files) == Path("a.bam").read_bytes()


def aligned_from_stdin(fasta: Path, reads: Path, *mates: Path) -> bytes:
    """What the command writes to its standard output."""
    command = [sys.executable, "-m", "colonnade", "align", "--index", str(fasta), "-", *map(str, mates), "-f", "-"]
    with open(reads, "rb") as file:
        done = subprocess.run([*command, "--quiet"], stdin=file, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


def test_two_libraries_have_sizes_of_their_own_and_the_same_bytes_whatever_the_way(
    folder: Path, batches_of, caplog
) -> None:
    caplog.set_level("INFO", "colonnade")
    contigs = hard_genome(3)
    fasta = folder / "ref.fa"
    fasta.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    cn.build_index(fasta)
    reads = to_ubam(made_pairs(contigs, 1500, seed=9), folder / "reads.bam")
    align(reads, index=fasta, out="a.bam")
    for library in LIBRARIES:
        pysam.samtools.view("-b", "-r", library.read_group, "-o", "one.bam", str(reads), catch_stdout=False)
        align("one.bam", index=fasta, out="alone.bam", force=True)
    told = [record.message for record in caplog.records if "insert size" in record.message]
    assert sorted(told[:2]) == sorted(told[2:])
    for line, library in zip(told, sorted(LIBRARIES), strict=False):
        size = float(re.fullmatch(rf"read group {library.read_group}: insert size (\S+) .*", line)[1])
        assert abs(size - library.insert_size) < library.deviation
    expected = Path("a.bam").read_bytes()
    for threads, batch_reads in ((2, 8192), (1, 101), (2, 997)):
        batches_of(batch_reads)
        align(reads, index=fasta, out="b.bam", threads=threads, force=True)
        assert Path("b.bam").read_bytes() == expected
    assert aligned_from_stdin(fasta, reads) == expected


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("batch_reads", [7, 400, 100_000])
def test_bytes_depend_neither_on_threads_nor_on_batches(
    aligned, batches_of, data: Path, sort: bool, threads: int, batch_reads: int
) -> None:
    unaligned((data / "merged.fq",), pairs(data), (data / "merged.fq",))
    aligned("u.bam", sort=sort)
    batches_of(batch_reads)
    aligned("u.bam", out="b.bam", sort=sort, threads=threads)
    for suffix in ("", ".bai") if sort else ("",):
        assert Path(f"b.bam{suffix}").read_bytes() == Path(f"a.bam{suffix}").read_bytes()


@pytest.mark.usefixtures("small_stretches")
@pytest.mark.parametrize("only_aligned", [False, True])
@pytest.mark.parametrize(
    ("batch_reads", "executor"),
    [(1, Threads(2)), (7, Threads(4)), (64, Threads(1)), (101, Pickled(2)), (128, Pickled(1)), (100_000, Pickled(1))],
)
def test_blocks_do_not_depend_on_who_deflates_them(
    aligned, batches_of, data: Path, only_aligned: bool, batch_reads: int, executor: Executor
) -> None:
    unaligned((data / "merged.fq",), pairs(data), (data / "merged.fq",))
    chosen = {"only_aligned": only_aligned}
    aligned("u.bam", options=chosen)
    batches_of(batch_reads)
    aligned("u.bam", out="b.bam", options=chosen, executor=executor, threads=executor.slots)
    assert Path("b.bam").read_bytes() == Path("a.bam").read_bytes()


@pytest.mark.usefixtures("small_stretches")
def test_blocks_are_read_by_htslib_and_by_our_own_reader(aligned) -> None:
    aligned()
    raw = Path("a.bam").read_bytes()
    assert raw.endswith(EOF_BLOCK)
    assert raw.count(EOF_BLOCK) == 1
    with pysam.BGZFile("a.bam") as theirs, BgzfFile("a.bam") as ours:
        assert ours.take(VirtualOffset(0, 0), 1 << 30)[0] == theirs.read()
    assert len(records()) == 2 * N_PAIRS


@pytest.mark.usefixtures("small_stretches")
def test_records_that_are_to_be_sorted_are_not_deflated(aligned, data: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ColonnadeError("not today")

    monkeypatch.setattr(stretches, "deflate_blocks", fail)
    unaligned((data / "merged.fq",), pairs(data))
    for inputs in ("u.bam", data / "merged.fq"):
        aligned(inputs, sort=True, force=True)
        with pytest.raises(ColonnadeError, match="not today"):
            aligned(inputs, out="b.bam")


def test_stdin_and_stdout_have_the_same_bytes(aligned, data: Path) -> None:
    unaligned(pairs(data))
    aligned("u.bam")
    assert aligned_from_stdin(data / "ref.fa", Path("u.bam")) == Path("a.bam").read_bytes()


def test_stdin_of_no_bytes_is_an_error_and_leaves_nothing(data: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "colonnade", "align", "--index", str(data / "ref.fa"), "-", "-f", "a.bam"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("colonnade align: error: standard input: no input; found 0 bytes; expected reads; ")
    assert done.stderr.count("\n") == 1
    assert os.listdir(folder) == []


def test_reads_aligned_by_another_program_keep_none_of_its_tags(folder: Path, shared_data: Path) -> None:
    fasta = folder / "ref.fa"
    fasta.write_bytes((shared_data / "hiv_caprisa" / "CAP188_wk4_consensus.fasta").read_bytes())
    cn.build_index(fasta)
    old = str(shared_data / "hiv_caprisa" / "CAP188_wk4.bwamem.bam")
    pysam.samtools.collate("-o", "mates.bam", old, "part", catch_stdout=False)
    align("mates.bam", index=fasta, out="a.bam")
    assert any(record.has_tag("MC") for record in records("mates.bam"))
    assert not {tag for record in records() for tag, _ in record.get_tags()} & {"MC", "MQ", "AS", "XS", "SA"}


def test_only_pairs_wait_for_insert_sizes(aligned, batches_of, data: Path) -> None:
    calls: list[tuple[str, int, int | None]] = []
    aligned(data / "merged.fq", progress=lambda *call: calls.append(call))
    assert {stage for stage, _, _ in calls} == {"aligning"}
    calls.clear()
    batches_of(100)
    aligned(unaligned((data / "merged.fq",), pairs(data)), out="b.bam", progress=lambda *call: calls.append(call))
    total = 3 * N_PAIRS
    steps = [(stage, done) for stage, done, _ in calls]
    assert steps[:10] == [*(("aligning", done) for done in range(100, total + 1, 100)), ("aligning", total)]
    assert steps[10:] == [("pairing", done) for done in range(N_PAIRS, total + 1, 100)]
    assert calls[-1] == ("pairing", total, total)


# What cannot be done


@pytest.mark.parametrize("stage", ["aligning", "pairing"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("sort", [False, True])
def test_an_interrupt_in_either_pass_leaves_nothing(
    aligned, folder: Path, batches_of, stage: str, threads: int, sort: bool
) -> None:
    batches_of(50)

    def interrupt(now: str, done: int, _total: int | None) -> None:
        if now == stage and done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        aligned(progress=interrupt, threads=threads, sort=sort)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_the_second_pass_leaves_nothing(aligned, folder: Path, monkeypatch, threads: int) -> None:
    def fail(*_: object) -> None:
        raise ColonnadeError("not today")

    monkeypatch.setattr(steps, "finish", fail)
    with pytest.raises(ColonnadeError, match="not today"):
        aligned(threads=threads)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_disk_that_is_full_is_told_and_leaves_nothing(aligned, folder: Path, batches_of, threads: int) -> None:
    batches_of(50)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot be written; .* is there space\?"):
            aligned(threads=threads)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_killed_leaves_no_spool(aligned, data: Path, folder: Path, number: int) -> None:
    aligned(out=os.devnull[1:].replace("/", "_"))  # kernels are compiled
    (folder / "dev_null").unlink()
    code = (
        "import sys, time; from colonnade.align import steps; from colonnade.cli import main\n"
        "steps.finish = lambda *_: (print('pairing', flush=True), time.sleep(600))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["align", "--index", data / "ref.fa", *pairs(data), "-f", "a.bam", "--threads", "1"]
    with subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"pairing\n"
        spools = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")]
        assert any(path.startswith(str(folder)) and path.endswith("(deleted)") for path in spools)
        process.send_signal(number)
    assert process.returncode == (130 if number == signal.SIGTERM else -number)
    assert os.listdir(folder) == ([] if number == signal.SIGTERM else [f".a.bam.{process.pid}.part"])


class Reader:
    """A source of batches of ten single reads; what is consumed is told behind each of them."""

    def __init__(self, size: int | None, consumed: list[int]) -> None:
        self.size = size
        self.consumed = 0
        self._steps = consumed

    def batches(self, _cut: Cut):
        record = unaligned_record()
        for consumed in self._steps:
            self.consumed = consumed
            yield Batch.of_records(np.tile(record, 10), np.arange(11) * record.size)


def unaligned_record() -> np.ndarray:
    return np.frombuffer(
        struct.pack("<iiiBBHHHiiii2s", 34, -1, -1, 2, 0, 4680, 0, UNMAPPED, 0, -1, -1, 0, b"a"), np.uint8
    )


@pytest.mark.parametrize(
    ("size", "consumed", "totals"),
    [
        (1000, [100, 100, 200, 300, 1000], [None, None, 300, 200, 167]),
        (1000, [1000, 1000, 1000], [None, None, None]),
        (1000, [990, 1000, 1000], [None, 20, 30]),
        (None, [100, 200, 300], [None, None, None]),
    ],
)
def test_the_total_follows_from_what_had_been_read_when_more_is(
    size: int | None, consumed: list[int], totals: list[int | None]
) -> None:
    intake = passes.Intake(Reader(size, consumed), SMALL)
    assert [intake.total for _ in intake] == totals
