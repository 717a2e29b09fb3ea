"""Pairs come whole and in order out of real and made files of any kind, one or several, or an error says why not."""

import gzip
import os
import re
import struct
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from colonnade.align.contigs import Contigs
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.reads import Cut, open_reads
from colonnade.align.record_kernels import KEPT
from colonnade.errors import ColonnadeError, FormatError, InputError, UsageError
from colonnade.formats.bgzf_writer import BgzfWriter
from colonnade.formats.stream import CHUNK

ECOLI = "ecoli_k12_pe100/ecoli_1K"
EBOLA = "ebola_ubam/G5012.3.testreads.bam"
HIV = "hiv_caprisa"
SAMPLES = ["CAP188_wk4", "CAP188_wk30", "CAP217_wk4390"]
SORTED = [f"{ECOLI}.bwaaln.bam", f"{HIV}/CAP188_wk30.bwamem.bam", "sarscov2_twist/pos_MN908947_3_1.bwamem.bam"]


def records(
    *inputs: ReadFiles | Path | str,
    threads: int = 1,
    batch_reads: int = 8192,
    contigs: Contigs | None = None,
    **options: Any,
) -> list[bytes]:
    """All records of all batches, in each of which pairs are whole."""
    made = []
    given = [item if isinstance(item, ReadFiles) else ReadFiles(item) for item in inputs]
    settings = {"threads": threads, "contigs": contigs}
    with open_reads(given, options=AlignOptions(**options), **settings) as source:
        for batch in source.batches(Cut(batch_reads, 8 << 20)):
            data, offsets = batch.records()
            parts = [data[start:end].tobytes() for start, end in pairwise(offsets)]
            waiting = None
            for part in parts:
                if flag_of(part) & (KEPT | 1) == 1:
                    assert waiting is None or (name_of(waiting), flag_of(waiting) ^ flag_of(part)) == (
                        name_of(part),
                        0xC0,
                    )
                    waiting = part if waiting is None else None
                else:
                    assert waiting is None
            assert waiting is None
            made += parts
    return made


def flag_of(record: bytes) -> int:
    return int.from_bytes(record[18:20], "little")


def name_of(record: bytes) -> str:
    return record[36:].partition(b"\0")[0].decode()


def decoded(made: list[bytes], path: Path) -> list[pysam.AlignedSegment]:
    """What htslib makes of unaligned records."""
    with BgzfWriter(path) as file:
        file.write(b"BAM\1" + struct.pack("<II", 0, 0) + b"".join(made))
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return list(file.fetch(until_eof=True))


def interleaved(first: Path, second: Path, target: Path) -> Path:
    lines = [gzip.decompress(path.read_bytes()).splitlines(keepends=True) for path in (first, second)]
    with gzip.open(target, "wb", compresslevel=1) as file:
        for at in range(0, len(lines[0]), 4):
            file.writelines(lines[0][at : at + 4] + lines[1][at : at + 4])
    return target


def as_bam(text: str, path: Path) -> Path:
    (path.with_suffix(".sam")).write_text(text)
    pysam.samtools.view("--no-PG", "-b", "-o", str(path), str(path.with_suffix(".sam")), catch_stdout=False)
    return path


def sam(*lines: tuple[object, ...], header: str = "@SQ\tSN:c\tLN:1000\n@SQ\tSN:d\tLN:500\n") -> str:
    """Lines of name, flag, contig, mate's contig, and tags."""
    made = []
    for name, flag, contig, mate_contig, *tags in lines:
        place = [contig, 10, 37, "4M"] if contig != "*" else ["*", 0, 0, "*"]
        fields = [name, flag, *place, mate_contig, 0 if mate_contig == "*" else 20, 0, "ACGT", "IIII", *tags]
        made.append("\t".join(map(str, fields)))
    return header + "\n".join(made) + "\n"


def contigs(**lengths: int) -> Contigs:
    sizes = np.array(list(lengths.values()), np.int64)
    none = np.empty(0, np.int64)
    return Contigs(list(lengths), sizes, np.cumsum(sizes) - sizes, none, none)


@pytest.fixture
def ecoli(shared_data: Path) -> ReadFiles:
    return ReadFiles(shared_data / f"{ECOLI}_1.fq.gz", shared_data / f"{ECOLI}_2.fq.gz")


def test_pairs_of_a_real_unaligned_bam_keep_their_order_ends_and_read_groups(shared_data: Path, tmp_path: Path):
    with pysam.AlignmentFile(str(shared_data / EBOLA), check_sq=False) as file:
        expected = list(file.fetch(until_eof=True))
    made = records(shared_data / EBOLA)
    assert len(made) == 2 * 9355
    groups = set()
    for found, given in zip(decoded(made, tmp_path / "found.bam"), expected, strict=True):
        assert (found.query_name, found.query_sequence) == (given.query_name, given.query_sequence)
        assert found.flag == given.flag & (0x1 | 0x40 | 0x80 | 0x200 | 0x400) | 4
        groups.add(found.get_tag("RG"))
        assert found.get_tag("RG") == given.get_tag("RG")
    assert len(groups) == 8


def test_two_files_one_interleaved_and_a_bam_give_the_same_records(shared_data: Path, tmp_path: Path, ecoli: ReadFiles):
    expected = records(shared_data / f"{ECOLI}.unmapped.bam")
    assert len(expected) == 4108
    assert records(ecoli) == expected
    one = interleaved(Path(ecoli.path), Path(ecoli.mates or ""), tmp_path / "one.fq.gz")
    assert records(one, interleaved=True) == expected
    for name in ("1", "2"):
        text = gzip.decompress((shared_data / f"{ECOLI}_{name}.fq.gz").read_bytes())
        (tmp_path / name).write_bytes(text.replace(b"\n", b"\r\n"))
    assert records(ReadFiles(tmp_path / "1", tmp_path / "2")) == expected


@pytest.mark.parametrize("sample", SAMPLES)
def test_real_pairs_are_the_same_from_two_files_and_from_bam(shared_data: Path, sample: str):
    folder = shared_data / HIV / "clip_trimmed"
    names = [str(folder / f"{sample}_R{number}.fastq.gz") for number in (1, 2)]
    made = records(ReadFiles(*names, sample))
    assert made == records(folder / f"{sample}.unmapped.bam")
    assert len(made) > 3000


@pytest.mark.parametrize("sample", SAMPLES)
def test_real_files_out_of_step_are_an_error(shared_data: Path, sample: str):
    first, second = (str(shared_data / HIV / "fastq_original" / f"{sample}_R{number}.fastq.gz") for number in (1, 2))
    expected = rf"{first}: read \d+: the two files do not have the same reads .*; expected SRR\S+, as in {second}; pair"
    with pytest.raises(InputError, match=expected):
        records(ReadFiles(first, second))


@pytest.mark.parametrize("name", SORTED)
def test_sorted_pairs_are_an_error_until_they_are_collated(shared_data: Path, tmp_path: Path, name: str):
    path = shared_data / name
    with pytest.raises(
        InputError, match=rf"{path}: read \S+: a read without its mate; .*samtools collate, or go on with"
    ):
        records(path)
    pysam.samtools.collate("-o", str(tmp_path / "whole.bam"), str(path), str(tmp_path / "part"))
    made = records(tmp_path / "whole.bam")
    with pysam.AlignmentFile(str(path)) as file:
        expected = {
            (read.query_name, read.flag & 0xC0, read.get_forward_sequence()) for read in file if not read.flag & 0x900
        }
    found = {(read.query_name, read.flag & 0xC0, read.query_sequence) for read in decoded(made, tmp_path / "found.bam")}
    assert found == expected
    assert len(made) == len(expected)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch_reads", [1, 2, 7])
def test_batches_and_threads_change_nothing(
    tmp_path: Path, ecoli: ReadFiles, shared_data: Path, threads: int, batch_reads: int
):
    bam = ReadFiles(shared_data / f"{HIV}/CAP188_wk30.bwamem.bam")
    one = ReadFiles(interleaved(Path(ecoli.path), Path(ecoli.mates or ""), tmp_path / "one.fq.gz"))
    settings: dict[str, Any] = {"interleaved": True, "orphans": "single"}
    expected = records(ecoli, bam, one, **settings)
    assert records(ecoli, bam, one, **settings, threads=threads, batch_reads=batch_reads) == expected


PIPED = """
import sys
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.reads import Cut, open_reads
from colonnade.errors import ColonnadeError
try:
    given = [ReadFiles(*names.split("+")) for names in sys.argv[1:]]
    with open_reads(given, options=AlignOptions(interleaved=True)) as source:
        for batch in source.batches():
            sys.stdout.buffer.write(batch.records()[0].tobytes())
except ColonnadeError as error:
    sys.exit(str(error))
"""


def piped(raw: bytes, *names: str) -> bytes:
    """All records of inputs, one of which comes by a real pipe."""
    done = subprocess.run([sys.executable, "-c", PIPED, *names], input=raw, capture_output=True, check=False)
    if done.returncode:
        raise ColonnadeError(done.stderr.decode().strip())
    return done.stdout


def test_standard_input_may_be_any_of_the_inputs(ecoli: ReadFiles, shared_data: Path, tmp_path: Path):
    expected = b"".join(records(ecoli))
    bam = shared_data / f"{ECOLI}.unmapped.bam"
    first, second = ecoli.paths
    one = interleaved(Path(first), Path(second), tmp_path / "one.fq.gz")
    assert piped(one.read_bytes(), "-") == expected
    assert piped(Path(first).read_bytes(), str(bam), f"-+{second}", str(one)) == expected * 3
    with pytest.raises(ColonnadeError, match=r"standard input: offset .*: truncated"):
        piped(one.read_bytes()[:-1000], str(bam), "-")


def test_named_pipe_may_be_one_of_the_inputs(ecoli: ReadFiles, tmp_path: Path):
    """It cannot be opened twice."""
    first, second = ecoli.paths
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(Path(second).read_bytes()))
    writer.start()
    again = tmp_path / "again"
    again.write_bytes(Path(first).read_bytes())
    made = records(first, ReadFiles(again, tmp_path / "pipe"))
    writer.join()
    assert made[2054:] == records(ecoli)


@pytest.mark.parametrize("kind", ["gzip", "plain", "bgzip", "bam"])
def test_cuts_of_any_file_are_an_error(ecoli: ReadFiles, shared_data: Path, tmp_path: Path, kind: str):
    first, second = ecoli.paths
    text = gzip.decompress(Path(second).read_bytes())
    path = tmp_path / "cut"
    if kind == "bgzip":
        with pysam.BGZFile(str(path), "wb") as file:
            file.write(text)
    else:
        sources = {"gzip": Path(second).read_bytes(), "plain": text, "bam": (shared_data / EBOLA).read_bytes()}
        path.write_bytes(sources[kind])
    raw = path.read_bytes()
    for lost in (2, 40, 1000, len(raw) // 2):
        path.write_bytes(raw[:-lost])
        inputs = (
            [ReadFiles(first), ReadFiles(path)]
            if kind == "bam"
            else [ReadFiles(shared_data / EBOLA), ReadFiles(first, path)]
        )
        with pytest.raises(ColonnadeError, match=r"/cut: .*(truncated|ends in the middle of a record)"):
            records(*inputs)


def test_mates_in_a_second_file_are_for_fastq(ecoli: ReadFiles, shared_data: Path):
    bam = shared_data / EBOLA
    for inputs in (ReadFiles(bam, ecoli.path), ReadFiles(ecoli.path, bam)):
        with pytest.raises(UsageError, match=rf"{bam}: mates in two files; found BAM; expected FASTQ"):
            records(inputs)


def test_single_reads_lose_what_is_said_of_mates(tmp_path: Path):
    path = as_bam(sam(("a", 0xE8, "c", "d"), ("b", 0x4, "*", "*")), tmp_path / "reads.bam")
    assert [flag_of(record) for record in records(path)] == [4, 4]


def test_secondary_and_supplementary_records_may_stand_between_mates(tmp_path: Path):
    lines = [("a", 0x43, "c", "d"), ("a", 0x943, "c", "d"), ("a", 0x143, "d", "d"), ("a", 0x83, "d", "c")]
    path = as_bam(sam(*lines), tmp_path / "reads.bam")
    for batch_reads in (1, 2):
        assert [flag_of(record) for record in records(path, batch_reads=batch_reads)] == [0x45, 0x85]
    with open_reads([ReadFiles(path)], options=AlignOptions()) as source:
        list(source.batches())
        assert (source.left_out, source.orphans) == (2, 0)


ALIGNED = [
    ("a", 0x43, "c", "d", "NM:i:3", "RG:Z:x"),
    ("s", 0x4, "*", "*"),
    ("b", 0x45, "c", "c"),
    ("p", 0x4D, "*", "*", "NM:i:3", "RG:Z:x"),
    ("p", 0x8D, "*", "*"),
    ("b", 0x89, "c", "c"),
    ("q", 0x45, "*", "*", "NM:i:3"),
    ("q", 0x85, "*", "*"),
    ("t", 0x10, "d", "*", "RG:Z:x", "XX:i:1"),
    ("t", 0x104, "*", "*"),
    ("t", 0x804, "*", "*"),
    ("a", 0x83, "d", "c"),
]


def test_reads_that_are_aligned_stay_as_they_are_if_asked_for(tmp_path: Path):
    path = as_bam(sam(*ALIGNED), tmp_path / "reads.bam")
    given = gzip.decompress(path.read_bytes())
    index = contigs(x=7, d=500, y=8, c=1000)
    numbers = {-1: -1, 0: 3, 1: 1}
    made = records(path, contigs=index, skip_aligned=True)
    assert [name_of(record) for record in made] == [line[0] for line in ALIGNED]
    cleaned = [record for record in made if not flag_of(record) & KEPT]
    assert [(name_of(record), flag_of(record)) for record in cleaned] == [
        *[("s", 0x4), ("p", 0x45), ("p", 0x85)],
        *[("q", 0x45), ("q", 0x85)],
    ]
    assert b"NMC" not in b"".join(cleaned)
    at = given.index(b"d\0\xf4\x01\0\0") + 6
    for record in made:
        old = given[at : (at := at + 4 + int.from_bytes(given[at : at + 4], "little"))]
        if flag_of(record) & KEPT:
            contig, mate_contig = (numbers[int.from_bytes(old[i : i + 4], "little", signed=True)] for i in (4, 24))
            places = struct.pack("<i", contig), struct.pack("<i", mate_contig)
            flag = struct.pack("<H", flag_of(old) | KEPT)
            assert record == old[:4] + places[0] + old[8:18] + flag + old[20:24] + places[1] + old[28:]
    with open_reads([ReadFiles(path)], options=AlignOptions(skip_aligned=True), contigs=index) as source:
        assert sum(map(len, source.batches())) == len(ALIGNED)
        assert source.left_out == 0


def test_read_group_is_given_to_reads_that_stay_as_they_are_too(tmp_path: Path):
    path = as_bam(sam(*ALIGNED, header="@SQ\tSN:c\tLN:1000\n@SQ\tSN:d\tLN:500\n@RG\tID:x\n"), tmp_path / "reads.bam")
    theirs = tmp_path / "theirs.bam"
    pysam.samtools.addreplacerg("--no-PG", "-r", "@RG\tID:new", "-o", str(theirs), str(path), catch_stdout=False)
    settings: dict[str, Any] = {"contigs": contigs(c=1000, d=500), "skip_aligned": True}
    assert records(ReadFiles(path, read_group="new"), **settings) == records(theirs, **settings)


@pytest.mark.parametrize("name", SORTED)
def test_real_sorted_pairs_stay_as_they_are_if_asked_for(shared_data: Path, name: str):
    with pysam.AlignmentFile(str(shared_data / name)) as file:
        index = contigs(**dict(zip(file.references, file.lengths, strict=True)))
    raw = gzip.decompress((shared_data / name).read_bytes())
    made = [
        record[:18] + struct.pack("<H", flag_of(record) & 0xFFF) + record[20:]
        for record in records(shared_data / name, contigs=index, skip_aligned=True)
    ]
    assert raw.endswith(b"".join(made))
    assert len(made) > 3000


@pytest.mark.parametrize(
    ("index", "place", "found"),
    [
        (contigs(c=1000), "record 1", "contig d of 500 bases"),
        (contigs(d=500), "record 1", "contig c of 1000 bases"),
        (contigs(c=1001, d=500), "record 1", "contig c of 1000 bases"),
    ],
)
def test_aligned_reads_that_do_not_fit_the_index_are_an_error(tmp_path: Path, index: Contigs, place: str, found: str):
    path = as_bam(sam(*ALIGNED), tmp_path / "reads.bam")
    expected = (
        f"{path}: {place}: a record that is aligned already does not fit the index; found {found}; expected a contig"
    )
    with pytest.raises(InputError, match=re.escape(expected)):
        records(path, contigs=index, skip_aligned=True)
    with pytest.raises(UsageError, match="cannot be kept"):
        records(path, skip_aligned=True)


def test_contigs_without_reads_need_not_be_in_the_index(tmp_path: Path):
    path = as_bam(sam(("a", 0, "c", "*")), tmp_path / "reads.bam")
    assert len(records(path, contigs=contigs(c=1000), skip_aligned=True)) == 1


def test_damage_in_what_is_kept_is_found(tmp_path: Path):
    path = as_bam(sam(("a", 0, "c", "*", "XX:Z:text")), tmp_path / "reads.bam")
    data = gzip.decompress(path.read_bytes())
    with BgzfWriter(path) as file:
        file.write(data.replace(b"XXZ", b"XXB"))
    with pytest.raises(FormatError, match="record 1: the tags of a record cannot be read"):
        records(path, contigs=contigs(c=1000, d=500), skip_aligned=True)


def test_several_inputs_come_in_their_order_with_all_their_headers(tmp_path: Path, ecoli: ReadFiles, shared_data: Path):
    paths = [shared_data / f"{ECOLI}.unmapped.bam", shared_data / EBOLA]
    inputs = [
        ReadFiles(*ecoli.paths, "lane1"),
        ReadFiles(paths[0], read_group=r"@RG\tID:lane2\tSM:s"),
        ReadFiles(paths[1]),
    ]
    with open_reads(inputs, options=AlignOptions()) as source:
        lines = source.header.splitlines()
        made = [batch.records()[0].tobytes() for batch in source.batches()]
        sizes = [Path(path).stat().st_size for item in inputs for path in item.paths]
        assert source.consumed == source.size == sum(sizes)
    assert b"".join(made) == b"".join(record for item in inputs for record in records(item))
    assert lines[0] == "@RG\tID:lane1"
    assert "@RG\tID:lane2\tSM:s" in lines
    assert sum(line.startswith("@RG") for line in lines) == 14


def test_read_groups_of_one_name_are_an_error_before_the_first_read(shared_data: Path, ecoli: ReadFiles):
    inputs = [ReadFiles(ecoli.path, read_group="a"), ReadFiles(shared_data / EBOLA, read_group=r"@RG\tID:a\tSM:s")]
    with pytest.raises(InputError, match="read group a is not that of another input"):
        open_reads(inputs, options=AlignOptions())


@pytest.mark.parametrize("skip_aligned", [False, True])
def test_records_name_the_programs_of_their_own_file(tmp_path: Path, skip_aligned: bool):
    header = "@SQ\tSN:c\tLN:1000\n@PG\tID:bwa\tCL:{0}\n@PG\tID:p\tCL:{0}\tPP:bwa\n@PG\tID:q\n"
    tags = [("PG:Z:bwa", "XX:i:1"), ("XX:Z:bwa", "PG:Z:p"), ("PG:Z:q",), ("PG:Z:other",), ("PG:i:6387554",), ()]
    lines = [("r", 0, "c", "*", *some) for some in tags]
    paths = [as_bam(sam(*lines, header=header.format(said)), tmp_path / f"{said}.bam") for said in ("one", "two")]
    settings: dict[str, Any] = {"contigs": contigs(c=1000), "skip_aligned": skip_aligned}
    made = records(*paths, **settings)
    assert made[: len(tags)] == records(paths[0], **settings)
    found = [record[record.index(b"\x28" * 4) + 4 :] for record in made[len(tags) :]]
    assert found == [b"PGZbwa.1\0XXC\1", b"XXZbwa\0PGZp.1\0", b"PGZq\0", b"PGZother\0", b"PGIbwa\0", b""]


def test_many_inputs_are_not_open_at_once(tmp_path: Path):
    paths = [tmp_path / f"{number}.fq" for number in range(60)]
    for path in paths:
        path.write_text("@a\nA\n+\nI\n")
    before = len(os.listdir("/proc/self/fd"))
    with open_reads([ReadFiles(path) for path in paths], options=AlignOptions()) as source:
        for _ in source.batches():
            assert len(os.listdir("/proc/self/fd")) < before + 10
        assert source.consumed == 9 * 60


def test_orphans_of_all_inputs_are_counted(tmp_path: Path):
    paths = [as_bam(sam(("a", 0x45, "*", "*"), ("b", 0x45, "*", "*")), tmp_path / f"{n}.bam") for n in "12"]
    with open_reads([ReadFiles(path) for path in paths], options=AlignOptions(orphans="drop")) as source:
        assert list(source.batches()) == []
        assert source.orphans == 4


@pytest.mark.parametrize("threads", [1, 2])
def test_reading_may_end_before_the_files_do(ecoli: ReadFiles, shared_data: Path, threads: int):
    inputs = [ecoli, ReadFiles(shared_data / EBOLA)]
    with open_reads(inputs, options=AlignOptions(), threads=threads) as source:
        assert len(next(source.batches(Cut(10, 1 << 20)))) == 10
    assert threading.active_count() == 1


def test_reading_ends_where_a_pipe_stays_silent(ecoli: ReadFiles, tmp_path: Path):
    """An error in one file does not wait for what the other may still say."""
    text = 3 * gzip.decompress(Path(ecoli.path).read_bytes())
    (tmp_path / "whole").write_bytes(text)
    os.mkfifo(tmp_path / "pipe")
    end = threading.Event()

    def write() -> None:
        with (tmp_path / "pipe").open("wb") as pipe:
            pipe.write(text.replace(b"@EAS", b"@OTHER", 1)[:CHUNK])
            pipe.flush()
            end.wait()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(InputError, match="the two files do not have the same reads"):
            records(ReadFiles(tmp_path / "whole", tmp_path / "pipe"), threads=2)
    finally:
        end.set()
        writer.join()
