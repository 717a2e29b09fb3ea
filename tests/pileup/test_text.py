"""The text is that of samtools for records of any kind, however they are read, and in the odd corners."""

import re
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_records import segments, written
from pickled import Pickled

import colonnade as cn
from colonnade.errors import FormatError, InputError, UsageError
from colonnade.pileup import lines as pages
from colonnade.pileup import sections, text
from colonnade.pileup.extras import float_text
from colonnade.pileup.options import TextOptions
from colonnade.pileup.text import write_text
from colonnade.records.filters import Flag
from colonnade.run.executor import Executor

#: Options as ours and as those of samtools.
CASES = [
    ({}, []),
    ({"min_baseq": 0, "count_orphans": True}, ["-Q0", "-A"]),
    ({"min_baseq": 0, "count_orphans": True, "resolve_mates": False}, ["-Q0", "-A", "-x"]),
    ({"min_baseq": 0, "count_orphans": True, "max_depth": 2}, ["-Q0", "-A", "-d2"]),
    ({"min_baseq": 0, "max_depth": 1, "exclude_flags": Flag(4)}, ["-Q0", "-d1", "--ff", "4"]),
    ({"min_baseq": 0, "any_flags": Flag(0x90), "all_positions": 1}, ["-Q0", "--rf", "0x90", "-a"]),
    (
        {"min_baseq": 0, "all_positions": 2, "mapq": True, "query_positions": True, "query_positions_5": True,
         "extra": ("QNAME", "FLAG", "RNAME", "RNEXT", "PNEXT", "RLEN", "NM")},
        ["-Q0", "-aa", "-s", "-O", "--output-BP-5", "--output-extra", "QNAME,FLAG,RNAME,RNEXT,PNEXT,RLEN,NM"],
    ),
    (
        {"min_baseq": 0, "reverse_deletions": True, "ends": False, "insertions": 1, "deletions": 0},
        ["-Q0", "--reverse-del", "--no-output-ends", "--no-output-ins", "--no-output-del", "--no-output-del"],
    ),
]  # fmt: skip


def ours(
    *paths: Path, threads: int = 1, memory: int = 1 << 30, executor: Executor | None = None, **options: object
) -> str:
    pieces: list[bytes] = []

    def write(piece: memoryview) -> None:
        pieces.append(bytes(piece))

    write_text(paths, write, TextOptions(**options), threads=threads, memory=memory, executor=executor)
    return b"".join(pieces).decode()


def samtools(*paths: Path, options: list[str]) -> str:
    target = paths[0].with_suffix(".txt")
    pysam.samtools.mpileup("-B", *options, "-o", str(target), *map(str, paths), catch_stdout=False)
    return target.read_text()


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=segments(),
    others=segments(),
    case=st.sampled_from(CASES),
    threads=st.sampled_from([1, 2]),
    memory=st.sampled_from([1, 400, 1 << 30]),
    executor=st.sampled_from([None, Pickled(), Pickled(2)]),
)
def test_text_of_any_records_is_that_of_samtools(
    tmp_path_factory, records, others, case, threads, memory, executor
) -> None:
    folder = tmp_path_factory.mktemp("made")
    paths = [written(part, folder / f"{number}.bam") for number, part in enumerate((records, others))]
    options, theirs = case
    for some in (paths[:1], paths):
        assert ours(*some, threads=threads, memory=memory, executor=executor, **options) == samtools(
            *some, options=theirs
        )


def test_text_does_not_depend_on_how_much_is_read_and_written_at_a_time(shared_data: Path, monkeypatch) -> None:
    path = shared_data / "samtools_mpileup" / "mpileup.1.bam"
    whole = ours(path)
    for size, columns, empty in ((1 << 12, 7, 3), (1 << 16, 1, 0), (1 << 20, 1000, 1 << 20)):
        monkeypatch.setattr(text, "BATCH_BYTES", size)
        monkeypatch.setattr(text, "MOST_COLUMNS", columns)
        monkeypatch.setattr(sections, "MOST_EMPTY", empty)
        assert ours(path, threads=2, memory=1 << 16) == whole


def test_text_that_is_made_in_halves_is_the_same(make_bam, monkeypatch) -> None:
    lines = [_line(f"r{n}", 0, "c", 5 + n % 7, "10M", 0, 0, "J") + f"\tXZ:Z:{'x' * n}" for n in range(50)]
    path = make_bam("tags.bam", {"c": 50}, lines)
    whole = ours(path, extra=("XZ",))
    monkeypatch.setattr(pages, "_MOST_BYTES", 2500)
    assert ours(path, extra=("XZ",)) == whole == samtools(path, options=["--output-extra", "XZ"])
    monkeypatch.setattr(pages, "_MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"c:\d+-\d+: a line is too long"):
        ours(path, extra=("XZ",))


@pytest.mark.parametrize("least", [255, 256, 1000])
def test_no_quality_reaches_more_than_255(make_bam, least: int) -> None:
    lines = [f"r{n}\t0\tc\t5\t60\t10M\t*\t0\t0\tACGTACGTAC\t*" for n in range(500)]
    path = make_bam("bare.bam", {"c": 50}, lines)
    assert ours(path, min_baseq=least) == samtools(path, options=[f"-Q{least}"])


def _line(name: str, flag: int, contig: str, start: int, cigar: str, mate: int, size: int, quality: str) -> str:
    length = sum(int(n) for n, kind in _operations(cigar) if kind in "MIS=X")
    return f"{name}\t{flag}\t{contig}\t{start}\t60\t{cigar}\t=\t{mate}\t{size}\t{'A' * length}\t{quality * length}"


def _operations(cigar: str) -> list[tuple[str, str]]:
    return re.findall(r"(\d+)(\D)", cigar)


def test_quality_inside_a_deletion_is_that_before_the_mate_came(make_bam) -> None:
    # The column of the deleted base at 6 is given out when b comes at 8; the mate of a comes at 9 and changes the base at 9.
    lines = [
        _line("a", 0x63, "c", 1, "5M3D5M", 9, 17, "5"),
        _line("b", 0, "c", 8, "5M", 0, 0, "J"),
        _line("a", 0x93, "c", 9, "9M", 1, -17, "5"),
    ]
    path = make_bam("gap.bam", {"c": 50}, lines)
    text_of_all = ours(path, min_baseq=0, count_orphans=True)
    assert text_of_all == samtools(path, options=["-Q0", "-A"])
    qualities = {int(line.split("\t")[1]): line.split("\t")[5] for line in text_of_all.splitlines()}
    assert qualities[6] != qualities[8][0]


def test_the_first_read_of_a_contig_is_forgotten_with_its_namesakes_on_the_one_before(make_bam) -> None:
    lines = [
        _line("a", 0x43, "b", 1, "10M", 6, 20, "9"),
        _line("a", 0x23, "b", 6, "10M", 11, -20, "9"),
        _line("a", 0x43, "c", 1, "10M", 6, 15, "9"),
        _line("a", 0x03, "c", 6, "10M", 1, -15, "9"),
        _line("x", 0x43, "d", 1, "10M", 6, 15, "9"),
        _line("x", 0x03, "d", 6, "10M", 1, -15, "9"),
    ]
    path = make_bam("same.bam", {"b": 20, "none": 20, "c": 20, "d": 20}, lines)
    found = ours(path, min_baseq=0)
    assert found == samtools(path, options=["-Q0"])
    qualities = {tuple(line.split("\t")[:2]): line.split("\t")[5] for line in found.splitlines()}
    assert qualities["c", "8"] == "99"  # as if they were no mates
    assert qualities["d", "8"] != "99"


def test_a_read_that_closed_before_the_contig_ended_makes_nothing_forget(make_bam) -> None:
    lines = [
        _line("a", 0x43, "b", 1, "5M", 1, 5, "9"),
        *(_line(f"o{start}", 0, "b", start, "5M", 0, 0, "9") for start in range(2, 15)),
        _line("a", 0x43, "c", 1, "10M", 6, 15, "9"),
        _line("a", 0x03, "c", 6, "10M", 1, -15, "9"),
    ]
    path = make_bam("closed.bam", {"b": 20, "c": 20}, lines)
    assert ours(path, min_baseq=0) == samtools(path, options=["-Q0"])


@pytest.mark.parametrize("cigar", ["5S0M3D", "0M5M", "2M0D3M", "3M0I2M", "1M0M4M2D", "2M0N0D3M", "0D2M3I", "5M0M"])
def test_operations_of_length_0_write_what_samtools_writes(make_bam, cigar: str) -> None:
    lines = [f"{name}\t0\tc\t11\t60\t{text}\t*\t0\t0\tACGTA\tABCDE" for name, text in (("a", cigar), ("b", "5M"))]
    path = make_bam("zero.bam", {"c": 50}, lines)
    assert ours(path, min_baseq=0) == samtools(path, options=["-Q0"])


def test_own_rules_pass_over_operations_of_length_0(make_bam) -> None:
    path = make_bam("zero.bam", {"c": 50}, ["a\t0\tc\t11\t60\t3M0D2M\t*\t0\t0\tACGTA\tABCDE"])
    assert [column.query_positions.tolist() for column in cn.pileup(path)] == [[0], [1], [2], [3], [4]]


def test_positions_may_be_intervals_or_single_ones_and_empty_intervals_let_reads_in(make_bam, tmp_path: Path) -> None:
    lines = [_line(f"r{start}", 0, "c", start, "10M", 0, 0, "J") for start in (1, 5, 21, 33, 60)]
    path = make_bam("a.bam", {"c": 100, "d": 10}, lines)
    for content in ("c\t3\t9\nc\t3\t4\n", "c 7\nc 22\n", "c\t25\t25\n", "c\t4\t4\nc\t27\t29\n", "# none\nd\t1\t5\n"):
        listed = tmp_path / "positions"
        listed.write_text(content)
        for everywhere in (0, 1, 2):
            theirs = samtools(path, options=["-l", str(listed), *["-a"] * everywhere])
            assert ours(path, positions=listed, all_positions=everywhere) == theirs, (content, everywhere)


@pytest.mark.parametrize("line", ["c 5 10x", "c 5 -3", "c x", "c", "c -5 10", "c 9 5", "c 5 99999999999999999999"])
def test_a_line_that_is_no_position_is_named(make_bam, tmp_path: Path, line: str) -> None:
    path = make_bam("a.bam", {"c": 100}, [_line("r", 0, "c", 5, "10M", 0, 0, "J")])
    listed = tmp_path / "positions"
    listed.write_text(f"c\t1\t4\n{line}\n")
    with pytest.raises(FormatError, match=r"line 2: neither an interval nor a position"):
        ours(path, positions=listed)


def test_tags_of_any_type_are_found_behind_a_double(make_bam, tmp_path: Path) -> None:
    line = _line("r", 0, "c", 5, "10M", 0, 0, "J") + "\tXD:d:1.25\tNM:i:3\tRG:Z:g1"
    path = make_bam("double.bam", {"c": 100}, [line])
    assert ours(path, extra=("XD", "NM", "RG")) == samtools(path, options=["--output-extra", "XD,NM,RG"])
    assert ours(path, exclude_read_groups=("g1",)) == ""


def test_files_are_told_apart_by_contig_names(make_bam) -> None:
    one = make_bam("one.bam", {"c": 50, "d": 50}, [_line("a", 0, "c", 5, "5M", 0, 0, "J")])
    two = make_bam("two.bam", {"d": 50, "c": 50}, [_line("b", 0, "c", 5, "5M", 0, 0, "J")])
    assert {line.split("\t")[0] for line in ours(one, two).splitlines()} == {"c"}
    assert all(line.split("\t")[6] == "1" for line in ours(one, two).splitlines())
    other = make_bam("other.bam", {"e": 50}, [_line("b", 0, "e", 5, "5M", 0, 0, "J")])
    assert [line.split("\t")[0] for line in ours(one, other).splitlines()] == ["c"] * 5 + ["e"] * 5


def test_reads_left_out_by_the_depth_limit_are_counted_and_told(make_bam, caplog) -> None:
    path = make_bam("deep.bam", {"c": 50}, [_line(f"r{n}", 0, "c", 5, "5M", 0, 0, "J") for n in range(9)])
    assert ours(path, max_depth=4).splitlines()[0].split("\t")[3] == "4"
    assert "5 reads were left out where 4 of a file were open" in caplog.text


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (-0.0, "-0"), (1.0, "1"), (-2.5, "-2.5"), (1e-5, "1e-05"), (123456.7, "123457"), (1e7, "1e+07"),
     (0.1, "0.1"), (0.00123456, "0.00123456"), (99.99999, "100"), (3.14159274, "3.14159")],
)  # fmt: skip
def test_floats_are_written_as_in_samtools(make_bam, value: float, expected: str) -> None:
    line = _line("a", 0, "c", 5, "1M", 0, 0, "J") + f"\tXF:f:{value!r}"
    path = make_bam("float.bam", {"c": 50}, [line])
    found = ours(path, extra=("XF",))
    assert found == samtools(path, options=["--output-extra", "XF"])
    assert found.rstrip().split("\t")[6] == float_text(float(np.float32(value))) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"extra": ("TLEN",)},
        {"separator": ""},
        {"empty": "ab"},
        {"baq": True},
        {"separator": "é"},
        {"extra": ("Né",)},
        {"baq": True, "reference": "r.fa", "extra": ("BQ",)},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(UsageError):
        TextOptions(**options)
