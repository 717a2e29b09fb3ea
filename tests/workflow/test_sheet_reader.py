"""What a sheet of samples says, and what is said of a wrong one."""

import os
import re
from datetime import date
from pathlib import Path

import pytest

from colonnade.align.inputs import ReadFiles
from colonnade.errors import FormatError
from colonnade.workflow.sheet import Sheet, SheetSample
from colonnade.workflow.sheet_reader import read_sheet

FILES = ("a1.fq", "a2.fq", "b1.fq", "b2.fq", "u.bam", "x.bam", "y.bam")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        Path(name).write_text(name)


def read(*lines: str) -> Sheet:
    """A sheet with spaces for tabs."""
    Path("sheet.tsv").write_text("\n".join(line.replace(" ", "\t") for line in lines) + "\n")
    return read_sheet("sheet.tsv")


def test_pairs_single_reads_and_alignments_are_told_apart() -> None:
    sheet = read("sample reads_1 reads_2 reads bam", "a a1.fq a2.fq", "b b1.fq", "u   u.bam", "x    x.bam")
    assert sheet.samples == (
        SheetSample("a", reads=(ReadFiles("a1.fq", "a2.fq", "@RG\tID:a\tSM:a"),)),
        SheetSample("b", reads=(ReadFiles("b1.fq", None, "@RG\tID:b\tSM:b"),)),
        SheetSample("u", reads=(ReadFiles("u.bam", None, "@RG\tID:u\tSM:u"),)),
        SheetSample("x", alignments=("x.bam",)),
    )


def test_a_sample_on_several_lines_has_several_files() -> None:
    sheet = read("sample reads bam library", "a a1.fq  one", "a  x.bam", "a a2.fq  two", "a  y.bam")
    (sample,) = sheet.samples
    assert sample.alignments == ("x.bam", "y.bam")
    assert [reads.read_group for reads in sample.reads] == ["@RG\tID:a.1\tSM:a\tLB:one", "@RG\tID:a.2\tSM:a\tLB:two"]


def test_files_are_seen_from_the_folder_of_the_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read("sample bam", "x x.bam", f"y {tmp_path}/y.bam")
    monkeypatch.chdir("/")
    first, second = read_sheet(tmp_path / "sheet.tsv").samples
    assert first.alignments == (str(tmp_path / "x.bam"),)
    assert second.alignments == (str(tmp_path / "y.bam"),)


@pytest.mark.parametrize(
    "text",
    [
        "sample,fastq_1,fastq_2\na,a1.fq,a2.fq\n",
        'sample,fastq_1,fastq_2\r\n"a","a1.fq", a2.fq\r\n\r\n',
        "\ufefffastq_2,sample,fastq_1\na2.fq,a,a1.fq",
        "sample\tfastq_1\tfastq_2\n\t\t\na\ta1.fq\ta2.fq\n",
        "sample,fastq_1,fastq_2,,\na,a1.fq,a2.fq,,\n,,,,\n",
        "sample\tfastq_1\tfastq_2\na\ta1.fq\ta2.fq\t\t\n",
        "\r\n\nsample,fastq_1,fastq_2\na,a1.fq,a2.fq\n",
        "\n\t\t\nsample\tfastq_1\tfastq_2\na\ta1.fq\ta2.fq\n",
    ],
)
def test_sheets_as_other_programs_write_them_are_read(text: str) -> None:
    Path("sheet.csv").write_text(text, newline="")
    assert read_sheet("sheet.csv").samples[0].reads == (ReadFiles("a1.fq", "a2.fq", "@RG\tID:a\tSM:a"),)


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (("30", "4.5", "-1"), "cba"),
        (("2024-03-01", "2023-12-31", "2024-02-29"), "bca"),
        (("1", "1", "0"), "cab"),
        (("", "", ""), "abc"),
    ],
)
def test_samples_of_a_group_are_in_the_order_of_time(times: tuple[str, ...], order: str) -> None:
    files = ("a1.fq", "b1.fq", "u.bam")
    sheet = read(
        "sample time reads", *(f"{name} {time} {file}" for name, time, file in zip("abc", times, files, strict=True))
    )
    assert "".join(sample.name for sample in sheet.groups["all"]) == order


def test_days_are_read_as_such() -> None:
    assert read("sample time reads", "a 2024-01-31 a1.fq").samples[0].time == date(2024, 1, 31)


def test_groups_are_in_the_order_of_the_sheet() -> None:
    sheet = read("sample group bam", "a two x.bam", "b one y.bam", "c two u.bam", "d  a1.fq")
    assert {name: [sample.name for sample in group] for name, group in sheet.groups.items()} == {
        "two": ["a", "c"],
        "one": ["b"],
        "all": ["d"],
    }


def test_a_file_may_be_in_two_groups() -> None:
    assert len(read("sample group bam", "n1 p1 x.bam", "n2 p2 x.bam").samples) == 2


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["sample fastq", "a a1.fq"], "line 1, column 2: unknown column; found 'fastq'"),
        (["sample reads_1 fastq_1", "a a1.fq"], "line 1, column 3: column is there twice; found 'fastq_1'"),
        (["a a1.fq a2.fq"], "line 1, column 1: unknown column; found 'a'"),
        (["sample time", "a 1"], "line 1: a column is missing; found sample, time; expected reads_1 or reads or bam"),
        (["reads", "a1.fq"], "line 1: a column is missing; found reads; expected sample"),
        (["sample bam"], "no samples; found a header alone"),
        (["sample bam", "a x.bam y.bam"], "line 2: too many fields; found 3; expected 2, as in line 1"),
        (["sample bam", "a none.bam"], "line 2, column bam: no such file: none.bam"),
        (["sample bam", "a ."], "line 2, column bam: no such file: .; found a folder"),
        (["sample fastq_1", "a no.fq"], "line 2, column fastq_1: no such file: no.fq"),
        (["sample bam", "a"], "line 2, column sample: no file; expected one in bam"),
        (["sample bam", " x.bam"], "line 2, column sample: not a name; found none"),
        (
            ["sample reads bam", "a a1.fq x.bam"],
            "line 2, column bam: files of two kinds in one line; found bam besides reads",
        ),
        (
            ["sample reads reads_2", "a a1.fq a2.fq"],
            "line 2, column reads_2: mates of no reads; expected the reads in reads_1",
        ),
        (
            ["sample reads_1 reads_2", "a  a2.fq"],
            "line 2, column reads_2: mates of no reads; expected the reads in reads_1",
        ),
        (["sample bam", "REF x.bam"], "line 2, column sample: not a name; found REF"),
        (["sample bam", "a/b x.bam"], "line 2, column sample: not a name; found 'a/b'; expected letters"),
        (["sample bam", "-a x.bam"], "line 2, column sample: not a name; found '-a'"),
        (["sample bam", ".. x.bam"], "line 2, column sample: not a name; found '..'"),
        (["sample bam", "caf\u00e9 x.bam"], r"line 2, column sample: not a name; found 'caf\xe9'"),
        (["sample bam", f"{'a' * 101} x.bam"], "line 2, column sample: not a name"),
        (["sample bam group", "a x.bam ../up"], "line 2, column group: not a name; found '../up'"),
        (["sample reads library", "a a1.fq a:b"], "line 2, column library: not a name; found 'a:b'"),
        (
            ["sample bam time", "a x.bam soon"],
            "line 2, column time: not a time; found 'soon'; expected a number, or a day",
        ),
        (["sample bam time", "a x.bam nan"], "line 2, column time: not a time; found 'nan'"),
        (
            ["sample bam time", "a x.bam 1", "b y.bam"],
            "line 3, column time: times of a group are numbers, or days, or not told; found none; expected as in line 2, '1'",
        ),
        (
            ["sample bam time", "a x.bam 1", "b y.bam 2024-01-01"],
            "line 3, column time: times of a group are numbers, or days, or not told; found '2024-01-01'",
        ),
        (
            ["sample bam time", "a x.bam 1", "a y.bam 2"],
            "line 3, column time: another time of the same sample; found '2'; expected '1', as in line 2",
        ),
        (
            ["sample bam group", "a x.bam p", "a y.bam q"],
            "line 3, column group: another group of the same sample; found 'q'; expected 'p', as in line 2",
        ),
        (
            ["sample bam", "a x.bam", "b ./x.bam"],
            "line 3, column bam: file is named twice; found it in line 2, column bam, too; expected each once",
        ),
        (
            ["sample group bam", "a all x.bam", "b  x.bam"],
            "line 3, column bam: file is named twice; found it in line 2, column bam, too",
        ),
        (["sample bam", "a x.bam", "A y.bam"], "line 3, column sample: a name in another case; found 'A'"),
        (["sample group bam", "a p x.bam", "b P y.bam"], "line 3, column group: a name in another case; found 'P'"),
        (
            ["sample reads_1 reads_2", "a a1.fq a1.fq"],
            "line 2, column reads_2: file is named twice; found it in line 2, column reads_1, too",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_column(lines: list[str], said: str) -> None:
    with pytest.raises(FormatError, match=rf"^sheet\.tsv: {re.escape(said)}") as error:
        read(*lines)
    assert "\n" not in str(error.value)


def test_what_is_wrong_is_one_line_whatever_a_file_is_called() -> None:
    Path("sheet.tsv").write_text('sample\tbam\na\t"x\n\x1b[31m\u202e.bam"\n')
    with pytest.raises(FormatError, match=re.escape(r"no such file: x\n\x1b[31m\u202e.bam")):
        read_sheet("sheet.tsv")


def test_an_empty_sheet_lacks_its_first_line() -> None:
    Path("sheet.tsv").touch()
    with pytest.raises(FormatError, match=r"^sheet\.tsv: line 1: a column is missing; found no text; expected sample"):
        read_sheet("sheet.tsv")


@pytest.mark.parametrize("data", [b"sample\tbam\n\xff\xfe\tx.bam\n", b"BAM\1\0\0\0", b"", b"\x1f\x8b\x08\x00\xff"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    Path("sheet.tsv").write_bytes(data)
    with pytest.raises(FormatError, match=r"^sheet\.tsv: "):
        read_sheet("sheet.tsv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all files")
def test_a_file_that_may_not_be_read_is_told_of() -> None:
    Path("x.bam").chmod(0)
    with pytest.raises(FormatError, match=r"line 2, column bam: file may not be read: x\.bam"):
        read("sample bam", "a x.bam")
