"""Flags by name and number, and the limits of filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.errors import UsageError
from colonnade.records.filters import DEFAULT_EXCLUDE, Flag, ReadFilter, parse_flags


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("", 0),
        ("0", 0),
        ("4", 4),
        ("1796", 1796),
        ("0x704", 0x704),
        ("0X4", 4),
        ("010", 8),
        ("UNMAP", 4),
        ("unmap,Dup", 0x404),
        ("UNMAP,SECONDARY,QCFAIL,DUP", int(DEFAULT_EXCLUDE)),
        ("UNMAP,0x400,1", 0x405),
        ("4,4", 4),
        ("4095", 0xFFF),
        ("PAIRED,PROPER_PAIR,UNMAP,MUNMAP,REVERSE,MREVERSE,READ1,READ2,SECONDARY,QCFAIL,DUP,SUPPLEMENTARY", 0xFFF),
    ],
)
def test_flags_are_read_as_samtools_reads_them(text: str, flags: int) -> None:
    assert parse_flags(text) == flags


@given(st.sets(st.sampled_from(list(Flag))))
def test_names_and_numbers_mean_the_same(flags: set[Flag]) -> None:
    names = ",".join(flag.name for flag in flags)
    assert parse_flags(names) == parse_flags(str(sum(flags))) == parse_flags(hex(sum(flags)))


@pytest.mark.parametrize(
    "text", ["NOPE", "-1", "4096", "0x1000", "4.0", "UNMAP;DUP", "08", "UNMAP DUP", "0x", "1" * 5000]
)
def test_unknown_flags_are_named(text: str) -> None:
    with pytest.raises(UsageError, match="unknown flag"):
        parse_flags(text)


@pytest.mark.parametrize(
    "options",
    [
        {"min_mapq": -1},
        {"min_mapq": 256},
        {"min_baseq": -1},
        {"min_baseq": 94},
        {"assume_quality": -1},
        {"assume_quality": 94},
    ],
)
def test_options_out_of_range_are_named(options: dict[str, int]) -> None:
    (name,) = options
    with pytest.raises(UsageError, match=f"{name} is out of range; found {options[name]}; expected 0 to"):
        ReadFilter(**options)


def test_limits_themselves_are_allowed() -> None:
    ReadFilter(min_mapq=0, min_baseq=0, assume_quality=0)
    ReadFilter(min_mapq=255, min_baseq=93, assume_quality=93)
