"""The text of ``colonnade pileup`` is that of samtools mpileup, byte for byte."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pysam
import pytest
from samtools_table import (
    NOT_RUN,
    OPTION_SETS,
    REFERENCES,
    TABLE,
    Row,
    Sample,
    UnusableError,
    data_files,
    first_difference,
    make_sample,
    make_table_files,
    run_colonnade,
    run_samtools,
    table_rows,
)

ROWS = table_rows()
FILES = data_files()
SHOWN = 5  # failures of one file

#: Files that no pileup can be made of: why not.
UNUSABLE = {
    **dict.fromkeys(
        (
            "ebola_ubam/G5012.3.testreads.bam",
            "ecoli_k12_pe100/ecoli_1K.unmapped.bam",
            "hiv_caprisa/clip_trimmed/CAP188_wk30.unmapped.bam",
            "hiv_caprisa/clip_trimmed/CAP188_wk4.unmapped.bam",
            "hiv_caprisa/clip_trimmed/CAP217_wk4390.unmapped.bam",
            "samtools_mpileup/ce#unmap.bam",
            "samtools_mpileup/ce#unmap1.bam",
            "samtools_mpileup/htslib/ce#unmap.sam",
            "samtools_mpileup/htslib/ce#unmap1.sam",
            "samtools_mpileup/htslib/xx#blank.sam",
        ),
        "no reads on contigs",
    ),
    "samtools_mpileup/1read.sam": "cannot be read",
}


# samtools' own table


@pytest.fixture(scope="session")
def table_folder(shared_data: Path, tmp_path_factory) -> Path:
    """A copy of the data of samtools' table, with the files that its rows name."""
    folder = tmp_path_factory.mktemp("table") / "mpileup"
    shutil.copytree(TABLE.parent, folder, ignore=shutil.ignore_patterns("htslib", "dat"), copy_function=shutil.copyfile)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    make_table_files(folder)
    return folder


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_text_is_what_samtools_own_table_expects(table_folder: Path, tmp_path: Path, monkeypatch, row: Row) -> None:
    if row.expected in NOT_RUN:
        pytest.skip(NOT_RUN[row.expected])
    monkeypatch.chdir(table_folder)
    ours, theirs, is_as_expected = _arguments(row, table_folder, tmp_path)
    found = _picked(row, run_colonnade(ours, tmp_path / "ours.txt"))
    texts = {}
    written = run_samtools(theirs, tmp_path / "theirs.txt")
    if written is not None:
        texts["samtools"] = _picked(row, written)
    if is_as_expected:
        texts[row.expected] = (table_folder / "expected" / row.expected).read_bytes()
    assert texts
    for name, text in texts.items():
        if difference := first_difference(found, text):
            pytest.fail(f"{row}\n  differs from {name}\n{difference}", pytrace=False)


def test_every_row_of_the_table_is_run_or_has_a_reason_not_to(shared_data: Path) -> None:
    lines = [line for line in TABLE.read_text().splitlines() if line[:2] in ("P ", "F ")]
    assert len(lines) == 99
    assert {row.number for row in ROWS} == {
        number for number, line in enumerate(TABLE.read_text().splitlines(), start=1) if line in lines
    }
    assert len([line for line in lines if "$fmt" in line]) * 2 + len(lines) == len(ROWS)
    assert NOT_RUN.keys() < {row.expected for row in ROWS}


def _arguments(row: Row, folder: Path, scratch: Path) -> tuple[list[str], list[str], bool]:
    """Arguments of our command and of samtools, and whether the output is the one that the row expects."""
    words = _with_inputs(row, folder, scratch)
    reference = str(folder / REFERENCES.get("ce#5b" if "ce#5b" in row.command else "", "mpileup.ref.fa"))
    if row.kind == "cram" and "-f" not in words:  # matching bases become . and , so that the output is another one
        return ["-f", reference, *words], ["-B", "-f", reference, *words], False
    ours = ["--baq", *words] if row.has_baq and "-E" not in words else words
    return ours, words, row.passes


def _with_inputs(row: Row, folder: Path, scratch: Path) -> list[str]:
    """The arguments of mpileup, with lists, patterns and pipes replaced by what they stand for."""
    words = [name for word in row.arguments for name in _matching(word, folder)]
    if "-b" in words:
        at = words.index("-b") + 1
        words[at] = str(scratch / "list.txt")
        Path(words[at]).write_text("".join(f"{name}\n" for name in _matching(row.stages[0][2], folder)))
    if "-G" in words:
        at = words.index("-G") + 1
        words[at] = str(scratch / "groups.txt")
        Path(words[at]).write_text("".join(f"{name}\n" for name in _groups(folder) if name != "ERR013140"))
    if words[-1] == "-":
        words[-1] = str(scratch / "piped.sam")
        pysam.samtools.view("-o", words[-1], *row.stages[0][2:], catch_stdout=False)
    return words


def _matching(word: str, folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(word)) if "[" in word else [word]


def _groups(folder: Path) -> set[str]:
    with pysam.AlignmentFile(str(folder / "mpileup.1.bam")) as file:
        return {read.get_tag("RG") for read in file if read.has_tag("RG")}


def _picked(row: Row, text: bytes | str) -> bytes | str:
    if row.column is None or isinstance(text, str):
        return text
    return b"".join(line.split(b"\t")[row.column] + b"\n" for line in text.splitlines())


# All data


@pytest.fixture(scope="session")
def samples(shared_data: Path, tmp_path_factory) -> dict[str, Sample | str]:
    """Every file of the data, sorted and indexed, or why not."""
    folder = tmp_path_factory.mktemp("samples")
    found: dict[str, Sample | str] = {}
    for name in FILES:
        try:
            found[name] = make_sample(name, folder)
        except UnusableError as error:
            found[name] = str(error)
    return found


@pytest.mark.parametrize("name", FILES)
def test_text_is_that_of_samtools_whatever_the_options(samples: dict, tmp_path: Path, name: str) -> None:
    sample = samples[name]
    if isinstance(sample, str):
        pytest.skip(sample)
    option_sets = sample.option_sets(FILES.index(name))
    failures = list(_differences(sample, _partner(sample, samples), option_sets, tmp_path))
    if failures:
        shown = "\n".join(failures[:SHOWN])
        pytest.fail(f"{len(failures)} of the option sets differ; of {name}:\n{shown}", pytrace=False)


def test_every_option_set_meets_several_large_files_and_small_ones(samples: dict) -> None:
    assert len(OPTION_SETS) == len(set(OPTION_SETS)) >= 40
    usable = {number: samples[name] for number, name in enumerate(FILES) if isinstance(samples[name], Sample)}
    for options in OPTION_SETS:
        met = [sample.is_small for number, sample in usable.items() if options in sample.option_sets(number)]
        assert met.count(False) >= 2
        assert met.count(True) >= 5


def test_files_are_left_out_only_for_a_reason_that_is_known(samples: dict) -> None:
    assert {name: sample for name, sample in samples.items() if isinstance(sample, str)} == UNUSABLE


def _partner(sample: Sample, samples: dict[str, Sample | str]) -> Sample:
    """The next file of the same contigs, in a circle; the file itself where no other has them."""
    same = [other for other in samples.values() if isinstance(other, Sample) and _fit(sample, other)]
    return same[(same.index(sample) + 1) % len(same)]


def _fit(sample: Sample, other: Sample) -> bool:
    same_kind = sample.is_cram or not other.is_cram
    return other.lengths == sample.lengths and same_kind and (other.is_small or not sample.is_small)


def _differences(sample: Sample, partner: Sample, option_sets: list[str], folder: Path) -> Iterator[str]:
    for number, options in enumerate(option_sets):
        arguments = sample.arguments(options, partner)
        if arguments is None:
            continue
        theirs = run_samtools(arguments[1], folder / "theirs.txt")
        if theirs is None:
            yield f"{options!r}\n  samtools fails: {' '.join(arguments[1])}"
            continue
        ours = run_colonnade(arguments[0], folder / "ours.txt", threads=1 + number % 3)
        if difference := first_difference(ours, theirs):
            yield f"{options!r}\n{difference}"
