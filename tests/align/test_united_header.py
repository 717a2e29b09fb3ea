"""Header lines of several inputs come together without losing what they say, and every name keeps its meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.align.united_header import UnitedHeader
from colonnade.errors import InputError


def united(*texts: str) -> tuple[str, list[dict[str, str]]]:
    header = UnitedHeader()
    renamed = [header.add(text, f"{number}.bam") for number, text in enumerate(texts, 1)]
    return header.text, renamed


def program(name: str, says: str, before: str = "") -> str:
    return f"@PG\tID:{name}\tCL:{says}{f'{chr(9)}PP:{before}' if before else ''}\n"


def test_lines_of_one_input_stay_as_they_are():
    text = "@RG\tID:a\n@RG\tID:a\n@CO\tx\n@CO\tx\n" + program("b", "x", "c") + program("c", "x", "b") + "@xy\tzz:1\n"
    assert united(text) == (text, [{}])


def test_equal_lines_of_several_inputs_come_once():
    text = "@RG\tID:a\tSM:s\n@CO\tx\n" + program("bwa", "x") + program("sort", "y", "bwa")
    assert united(text, text, text + "@CO\tz\n") == (text + "@CO\tz\n", [{}, {}, {}])


def test_read_groups_of_one_name_must_be_one():
    expected = r"3\.bam: read group a is not that of another input; found '@RG\\tID:a'; .*, as in 1\.bam; give each"
    with pytest.raises(InputError, match=expected):
        united("@RG\tID:a\tSM:s\n", "@RG\tID:c\n", "@RG\tID:b\n@RG\tID:a\n")


def test_programs_of_one_name_get_others_and_their_chains_follow():
    first = program("bwa", "x") + program("sort", "y", "bwa")
    second = program("sort", "y", "bwa") + program("bwa", "z") + "@RG\tID:a\tPG:bwa\n"
    expected = first + program("sort.1", "y", "bwa.1") + program("bwa.1", "z") + "@RG\tID:a\tPG:bwa.1\n"
    renamed = {"bwa": "bwa.1", "sort": "sort.1"}
    assert united(first, second) == (expected, [{}, renamed])
    assert united(first, second, second, first) == (expected, [{}, renamed, renamed, {}])


def test_a_new_name_is_nobodys():
    first = program("a", "x") + program("a.1", "x")
    second = program("a", "y") + program("a.2", "y")
    assert united(first, second) == (first + program("a.3", "y") + program("a.2", "y"), [{}, {"a": "a.3"}])


def test_long_chains_and_rings_of_programs_pass():
    text = "".join(program(str(n), "x", str(n - 1)) for n in range(5000, 0, -1))
    assert united(text, text)[0] == text
    ring = program("a", "x", "b") + program("b", "x", "a")
    assert united(ring, ring)[0].startswith(ring)


@given(
    st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), unique_by=lambda p: p[0]), max_size=5)
)
def test_each_chain_of_programs_is_found_again(files: list[list[tuple[str, str]]]):
    """Under the new names, each program says what it did, and so do all before it."""
    texts = []
    for programs in files:
        names = ["", *(name for name, _ in programs)]
        texts.append("".join(program(*pair, before) for pair, before in zip(programs, names, strict=False)))
    text, renamed = united(*texts)
    fields = [dict(field.split(":", 1) for field in line.split("\t")[1:]) for line in text.splitlines()]
    made = {field["ID"]: field for field in fields}
    assert len(made) == len(fields)
    for programs, names in zip(files, renamed, strict=True):
        before = None
        for name, says in programs:
            found = made[names.get(name, name)]
            assert (found["CL"], found.get("PP")) == (says, before)
            before = found["ID"]
