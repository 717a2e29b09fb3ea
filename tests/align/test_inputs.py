"""A table of inputs names files and read groups, or one line says what is wrong with it."""

from pathlib import Path

import pytest

from colonnade.align.inputs import ReadFiles, check_inputs, read_inputs
from colonnade.errors import FormatError, UsageError

HEADER = "read_group\tpath_1\tpath_2\n"


def table(folder: Path, text: str) -> Path:
    path = folder / "inputs.tsv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    return path


def test_each_line_is_an_input(tmp_path: Path):
    lines = "a\tx.fq\ty.fq\n\tz.bam\t\n@RG\\tID:c\\tSM:s\t-\n"
    assert read_inputs(table(tmp_path, HEADER + lines)) == (
        ReadFiles("x.fq", "y.fq", "a"),
        ReadFiles("z.bam"),
        ReadFiles("-", None, "@RG\\tID:c\\tSM:s"),
    )


def test_second_path_may_be_left_out_of_the_header(tmp_path: Path):
    assert read_inputs(table(tmp_path, "read_group\tpath_1\na\tx.fq\n")) == (ReadFiles("x.fq", None, "a"),)


def test_line_ends_empty_lines_and_a_byte_order_mark_do_not_matter(tmp_path: Path):
    text = "\ufeff" + HEADER.replace("\n", "\r\n") + "\r\na\tx.fq\ty.fq\r\n\n"
    assert read_inputs(table(tmp_path, text)) == (ReadFiles("x.fq", "y.fq", "a"),)


def test_names_of_files_need_not_be_text(tmp_path: Path):
    (given,) = read_inputs(table(tmp_path, f"{HEADER}a\tx\udcff.fq\n"))
    assert given.paths == ("x\udcff.fq",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", r"line 1: wrong header; found ''; expected read_group\tpath_1\tpath_2"),
        ("a\tx.fq\n", r"line 1: wrong header; found 'a\tx.fq'"),
        ("path_1\tread_group\n", "line 1: wrong header"),
        (HEADER, "no inputs; found a header alone"),
        (HEADER + "x.fq\n", "line 2: no input; found 1 fields"),
        (HEADER + "a\tx\ty\tz\n", "line 2: no input; found 4 fields"),
        ("read_group\tpath_1\na\tx\ty\n", "line 2: no input; found 3 fields"),
        (HEADER + "\na\t\ty\n", "line 3: no input; found no path"),
        (
            HEADER + "@RG\\tSM:s\tx\n",
            r"line 2: not a read group; found '@RG\\tSM:s'; expected an ID, or a line such as",
        ),
        (HEADER + "a\tx\0\n", "line 2: not a text file; found a NUL byte"),
    ],
)
def test_every_fault_is_one_line_with_its_place(tmp_path: Path, text: str, expected: str):
    path = table(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        read_inputs(path)
    assert str(caught.value).startswith(f"{path}: {expected}")


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([], "no reads; expected one file or more"),
        ([ReadFiles("-"), ReadFiles("a"), ReadFiles("-")], "a file of reads is named twice; found standard input"),
        ([ReadFiles("-", "-")], "a file of reads is named twice; found standard input"),
        ([ReadFiles("a", "b"), ReadFiles("b")], "a file of reads is named twice; found b"),
        ([ReadFiles(Path("a"), "a")], "a file of reads is named twice; found a"),
    ],
)
def test_each_file_is_named_once(inputs: list[ReadFiles], expected: str):
    with pytest.raises(UsageError, match=expected):
        check_inputs(inputs)


def test_two_names_of_a_file_are_one_file(tmp_path: Path):
    (tmp_path / "a.fq").write_text("")
    (tmp_path / "link.fq").symlink_to("a.fq")
    for other in (tmp_path / "link.fq", tmp_path / "." / ".." / tmp_path.name / "a.fq"):
        with pytest.raises(UsageError, match="a file of reads is named twice"):
            check_inputs([ReadFiles(tmp_path / "a.fq", other)])
