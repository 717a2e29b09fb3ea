"""Both mates of a pair come in one batch, one behind the other, and a mate that is alone never goes unnoticed."""

import struct
from collections.abc import Iterator
from itertools import islice, pairwise, repeat
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.align.mates import Mates, TwoFiles
from colonnade.align.options import AlignOptions
from colonnade.align.record_kernels import FIRST, KEPT, LAST, PAIRED, PASSED
from colonnade.errors import InputError
from colonnade.formats.packer import Records

SINGLE, R1, R2 = 0x4, 0x45, 0x85
DUPLICATE, KEPT_R1, KEPT_R2 = 0x400, 0x8041, 0x8081
ORPHAN_1, ORPHAN_2 = 0x44, 0x84


class Read(NamedTuple):
    """Name, flag, and what tells it from others of these."""

    name: str
    flag: int
    number: int = 0


def encoded(read: Read) -> bytes:
    body = struct.pack("<iiBBHHHiiii", -1, -1, len(read.name) + 1, 0, 4680, 0, read.flag, 0, -1, -1, 0)
    body += read.name.encode() + b"\0" + b"NRi" + struct.pack("<i", read.number)
    return struct.pack("<i", len(body)) + body


def decoded(batch: Records) -> list[Read]:
    assert batch.offsets[0] == 0
    assert batch.offsets[-1] == len(batch.data)
    records = [batch.data[start:end].tobytes() for start, end in pairwise(batch.offsets)]
    return [
        Read(
            record[36:].split(b"\0")[0].decode(),
            *struct.unpack_from("<H", record, 18),
            *struct.unpack("<i", record[-4:]),
        )
        for record in records
    ]


def batches(reads: list[Read], sizes: Iterator[int]) -> Iterator[Records]:
    """The reads, so many in each batch."""
    waiting = iter(reads)
    while parts := [encoded(read) for read in islice(waiting, next(sizes))]:
        yield Records(np.frombuffer(b"".join(parts), np.uint8).copy(), np.cumsum([0, *map(len, parts)], dtype=np.int64))


def paired(
    reads: list[Read], *, size: int = 100, interleaved: bool = False, **options: Any
) -> tuple[list[list[Read]], int]:
    """The batches, and how many orphans there were."""
    mates = Mates("reads.bam", AlignOptions(**options), is_interleaved=interleaved)
    made = [decoded(batch) for batch in mates.paired(batches(reads, repeat(size)))]
    assert all(made)
    return made, mates.orphans


def flat(*arguments: Any, **options: Any) -> list[Read]:
    return [read for batch in paired(*arguments, **options)[0] for read in batch]


def the_error(reads: list[Read], **options: Any) -> str:
    said = set()
    for size in (1, 2, 3, 100):
        with pytest.raises(InputError) as caught:
            paired(reads, size=size, **options)
        said.add(str(caught.value))
    return next(iter(said)) if len(said) == 1 else "\n".join(sorted(said))


ALL = [
    Read("a", R1),
    Read("a", R2),
    Read("s", SINGLE),
    Read("b", R2),
    Read("b", R1),
    Read("a", SINGLE),
    Read("b", KEPT_R1),
]


@pytest.mark.parametrize("size", range(1, 9))
def test_pairs_in_either_order_and_singles_come_as_they_are(size: int):
    made, orphans = paired(ALL, size=size)
    assert [read for batch in made for read in batch] == ALL
    assert orphans == 0
    for batch in made:
        ends = [read.flag & (FIRST | LAST) for read in batch if read.flag & PAIRED and not read.flag & KEPT]
        assert all(sorted(two) == [FIRST, LAST] for two in zip(ends[::2], ends[1::2], strict=True))


A1, A2, B1, B2, S = Read("a", R1), Read("a", R2), Read("b", R1), Read("b", R2), Read("s", SINGLE)


@pytest.mark.parametrize(
    ("reads", "name", "found"),
    [
        ([A1, B1, B2], "a", "read b behind it"),
        ([B1, B2, A2, S], "a", "read s behind it"),
        ([A1, A2, B2], "b", "the end of the file behind it"),
        ([A1], "a", "the end of the file behind it"),
        ([A1, S, A2], "a", "read s behind it"),
        ([A1, A1, A2], "a", "another read of its name, but not the other end"),
        ([A2, A2], "a", "another read of its name, but not the other end"),
        ([A1, A2, A1], "a", "the end of the file behind it"),
        ([A1, Read("a", SINGLE)], "a", "a single read of its name"),
        ([A1, Read("a", KEPT_R2)], "a", "a record of its name that is aligned"),
        ([A1, Read("ab", R2)], "a", "read ab behind it"),
        ([Read("ab", R1), A2], "ab", "read a behind it"),
        ([A1, Read("a", 0x5)], "a", "another read of its name, but not the other end"),
        ([A2, Read("a", 0xC5)], "a", "another read of its name, but not the other end"),
    ],
)
def test_mate_that_is_alone_is_named(reads: list[Read], name: str, found: str):
    said = the_error(reads)
    assert said == (
        f"reads.bam: read {name}: a read without its mate; found {found}; expected its mate; "
        "bring mates together with samtools collate, or go on with --orphans drop or --orphans single"
    )


@pytest.mark.parametrize(("flag", "which"), [(0x5, "neither first nor last"), (0xC5, "both first and last")])
def test_paired_read_must_be_one_end(flag: int, which: str):
    for reads in ([Read("a", flag), Read("a", flag)], [Read("a", flag), A1, A2], [B1, B2, Read("a", flag)]):
        assert the_error(reads).startswith(
            f"reads.bam: read a: a paired read is {which}; expected one of the flags 0x40 and 0x80; bring"
        )
        assert flat(reads, orphans="single")[reads.index(Read("a", flag))] == Read("a", ORPHAN_1)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_orphans_are_dropped_or_become_single(size: int):
    reads = [B2, A1, A2, A1, S, B1, A2, A1, B2]
    assert paired(reads, size=size, orphans="drop")[1] == 4
    assert flat(reads, size=size, orphans="drop") == [A1, A2, S, A2, A1]
    one, two = Read("a", ORPHAN_1), Read("b", ORPHAN_2)
    assert flat(reads, size=size, orphans="single") == [two, A1, A2, one, S, Read("b", ORPHAN_1), A2, A1, two]
    assert paired([A1] * 5, size=size, orphans="drop") == ([], 5)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_interleaved_reads_of_one_name_are_first_and_last(size: int):
    a, b = Read("a", SINGLE), Read("b", SINGLE)
    assert flat([a, a, b, b], size=size, interleaved=True) == [A1, A2, B1, B2]
    assert flat([a, a, a, a], size=size, interleaved=True) == [A1, A2, A1, A2]
    assert flat([a, b, b, a], size=size, interleaved=True, orphans="drop") == [B1, B2]
    orphan = Read("a", ORPHAN_1)
    assert flat([a, b, b, a], size=size, interleaved=True, orphans="single") == [orphan, B1, B2, orphan]


def test_interleaved_read_that_is_alone_is_named():
    a, b = Read("a", SINGLE), Read("b", SINGLE)
    expected = "read b: a read without its mate; found {} behind it; expected its mate; go on with --orphans"
    assert expected.format("the end of the file") in the_error([a, a, b], interleaved=True)
    assert expected.format("read a") in the_error([b, a, a], interleaved=True)


def test_duplicates_and_their_mates_are_passed_if_asked_for():
    kept = Read("k", KEPT_R1 | DUPLICATE)
    reads = [
        Read("a", R1 | DUPLICATE),
        A2,
        B1,
        Read("b", R2 | DUPLICATE),
        Read("s", SINGLE | DUPLICATE),
        S,
        kept,
        A1,
        A2,
    ]
    assert flat(reads) == reads
    marked = [read._replace(flag=read.flag | PASSED) for read in reads[:5]]
    assert flat(reads, skip_duplicates=True) == [*marked, *reads[5:]]
    assert flat(reads[:1], skip_duplicates=True, orphans="single") == [Read("a", ORPHAN_1 | DUPLICATE | PASSED)]


def model(reads: list[Read], orphans: str) -> list[Read]:
    """By the letter of the contract."""
    made = []
    while reads:
        read, *rest = reads
        ends = {read.flag & 0xC0, rest[0].flag & 0xC0} if rest else set()
        if read.flag & KEPT or not read.flag & PAIRED:
            made.append(read)
        elif (
            rest
            and not rest[0].flag & KEPT
            and rest[0].flag & PAIRED
            and ends == {FIRST, LAST}
            and rest[0].name == read.name
        ):
            made += [read, rest.pop(0)]
        elif orphans == "error":
            raise InputError("")
        elif orphans == "single":
            made.append(read._replace(flag=read.flag & ~PAIRED if read.flag & 0xC0 in (FIRST, LAST) else ORPHAN_1))
        reads = rest
    return made


READS = st.builds(
    Read,
    st.sampled_from(["a", "b", "aa"]),
    st.sampled_from([SINGLE, R1, R1, R2, R2, 0x5, 0xC5, KEPT_R1, KEPT_R2]),
    st.integers(0, 9),
)


@given(st.lists(READS, max_size=14), st.sampled_from(["error", "drop", "single"]), st.data())
def test_any_reads_in_any_batches_are_paired_by_the_contract(reads: list[Read], orphans: Any, data):
    mates = Mates("reads.bam", AlignOptions(orphans=orphans))
    sizes = iter(lambda: data.draw(st.integers(1, 5)), None)
    try:
        expected = model(reads, orphans)
    except InputError:
        with pytest.raises(InputError):
            list(mates.paired(batches(reads, sizes)))
        return
    made = [decoded(batch) for batch in mates.paired(batches(reads, sizes))]
    assert [read for batch in made for read in batch] == expected
    assert mates.orphans == len(reads) - len(model(reads, "drop"))
    for batch in made:
        assert sum(read.flag & (PAIRED | KEPT) == PAIRED for read in batch) % 2 == 0


@given(
    st.lists(st.sampled_from(["a", "b", "name"]), max_size=12),
    st.lists(st.sampled_from(["a", "b", "name"]), max_size=12),
    st.booleans(),
    st.data(),
)
def test_two_files_in_any_batches_come_in_turns(firsts: list[str], others: list[str], is_paired: bool, data):
    lasts = firsts if is_paired else others
    sides = [
        batches(
            [Read(name, SINGLE, number) for number, name in enumerate(names)],
            iter(lambda: data.draw(st.integers(1, 5)), None),
        )
        for names in (firsts, lasts)
    ]
    made = TwoFiles("1.fq", "2.fq").paired(*sides)
    if firsts != lasts:
        with pytest.raises(InputError, match=r"1\.fq: read \d+: the two files do not have the same reads"):
            list(made)
        return
    found = [read for batch in made for read in decoded(batch)]
    assert found == [Read(name, flag, number) for number, name in enumerate(firsts) for flag in (R1, R2)]


@pytest.mark.parametrize(
    ("firsts", "lasts", "place", "found", "expected"),
    [
        ("abc", "abd", "read 3", "c", "d"),
        ("abc", "ab", "read 3", "c", "the end of the file"),
        ("ab", "abc", "read 3", "the end of the file", "c"),
        ("", "a", "read 1", "the end of the file", "a"),
    ],
)
def test_two_files_out_of_step_are_both_named(firsts: str, lasts: str, place: str, found: str, expected: str):
    for size in (1, 2, 5):
        sides = [batches([Read(name, SINGLE) for name in names], repeat(size)) for names in (firsts, lasts)]
        with pytest.raises(InputError) as caught:
            list(TwoFiles("1.fq", "2.fq").paired(*sides))
        assert str(caught.value).startswith(
            f"1.fq: {place}: the two files do not have the same reads in the same order; "
            f"found {found}; expected {expected}, as in 2.fq; pair them again"
        )


@pytest.mark.parametrize("mark", "._")
def test_names_that_differ_in_the_number_of_the_mate_alone_are_told(mark: str):
    sides = [batches([Read(f"x{mark}{number}", SINGLE)], repeat(1)) for number in (1, 2)]
    with pytest.raises(InputError, match="differ in the mate's number alone: take it off all names"):
        list(TwoFiles("1.fq", "2.fq").paired(*sides))
