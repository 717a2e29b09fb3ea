"""The page for users of pysam: each of its tables and blocks is run, and what pysam and colonnade give is compared."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

import colonnade as cn

PAGE = (Path(__file__).parents[2] / "docs" / "pysam.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LENGTH = 500
CIGARS = ("40M", "18M2I20M", "15M3D25M", "10S30M", "20M50N20M", "12M1D8M3I19M")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Holds reads.bam, 60 pairs that overlap with indels and skips, and ref.fa."""
    folder = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(1)
    reference = "".join(rng.choice(list("ACGT"), LENGTH))
    (folder / "ref.fa").write_text("".join(f">{contig}\n{reference}\n" for contig in ("chr1", "chr2")))
    pysam.faidx(str(folder / "ref.fa"))
    header = pysam.AlignmentHeader.from_references(["chr1", "chr2"], [LENGTH] * 2)
    records = []
    for number in range(60):
        starts = rng.integers(0, 300) + rng.integers(0, 40, 2)
        common = (0 if number % 5 == 0 else 2) | (0x400 if number % 11 == 0 else 0) | (0x100 if number % 13 == 0 else 0)
        flags = (0x51, 0xA1) if number % 4 == 0 else (0x61, 0x91)
        for mate, flag in enumerate(flags):
            record = aligned(rng, header, 0, int(starts[mate]), str(rng.choice(CIGARS)), reference)
            record.query_name, record.flag, record.next_reference_id = f"t{number}", flag | common, 0
            record.next_reference_start = int(starts[1 - mate])
            record.template_length = int(starts[1 - mate] - starts[mate])
            records.append(record)
    other = aligned(rng, header, 1, 10, "5M", reference)
    other.query_name = "other"
    records.append(other)
    records.sort(key=lambda record: (record.reference_id, record.reference_start))
    with pysam.AlignmentFile(str(folder / "reads.bam"), "wb", header=header) as file:
        for record in records:
            file.write(record)
    pysam.index(str(folder / "reads.bam"))
    return folder


def aligned(
    rng: np.random.Generator, header: pysam.AlignmentHeader, contig: int, start: int, cigar: str, reference: str
) -> pysam.AlignedSegment:
    """A record whose aligned bases are mostly those of the reference."""
    record = pysam.AlignedSegment(header)
    record.reference_id, record.reference_start, record.cigarstring = contig, start, cigar
    record.mapping_quality = int(rng.choice([0, 20, 60]))
    size = record.infer_query_length()
    record.query_sequence = "A" * size
    bases = rng.choice(list("ACGT"), size)
    for query, position in record.get_aligned_pairs(matches_only=True):
        if rng.random() > 0.05:
            bases[query] = reference[position]
    record.query_sequence = "".join(bases)
    record.query_qualities = pysam.qualitystring_to_array("".join(rng.choice(list("!5:?I"), size)))
    return record


@pytest.fixture
def page(folder: Path, monkeypatch) -> dict[str, Any]:
    """The names that the first block of the page makes."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(BLOCKS[0], names)
    return names


def plain(value: Any) -> Any:
    """The same in lists, numbers and text."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, set):
        return {plain(item) for item in value}
    if isinstance(value, list | tuple | np.ndarray) or hasattr(value, "tolist"):
        value = value.tolist() if hasattr(value, "tolist") else value
        return tuple(map(plain, value)) if isinstance(value, list | tuple) else value
    return value.decode() if isinstance(value, bytes) else value


def rows(heading: str) -> list[list[str]]:
    """The cells of the table with this heading, without the marks of code."""
    lines = PAGE.split(heading)[1].splitlines()[2:]
    table = lines[: lines.index("")]
    assert len(table) > 5
    return [[cell.strip(" `") for cell in line.removeprefix("|").removesuffix("|").split("|")] for line in table]


@pytest.mark.parametrize("number", range(1, len(BLOCKS)))
def test_both_sides_of_a_block_are_equal(page: dict[str, Any], number: int) -> None:
    for block in BLOCKS[1 : number + 1][-2:]:  # some go on from the one before
        exec(block, page)
    assert plain(page["ours"]) == plain(page["theirs"])
    assert len(page["ours"]) > 0


def test_an_insertion_behind_a_skip_is_found_and_has_its_own_letters(page: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "behind.bam"
    header = pysam.AlignmentHeader.from_references(["chr1"], [LENGTH])
    text = "r\t0\tchr1\t111\t60\t4M2N1I3M\t*\t0\t0\tACGTCAAA\tIIIIIIII"
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        file.write(pysam.AlignedSegment.fromstring(text, header))
    pysam.index(str(path))
    letters, *names = [block for block in BLOCKS if "inserted(" in block or "read.indel}" in block or '["at"]' in block]
    with pysam.AlignmentFile(str(path)) as file:
        page["file"] = file
        exec(letters, page)
        assert (page["ours"], page["theirs"]) == (["1C"], ["1A"])
        for block in names:
            exec(block, page)
            assert page["ours"] == page["theirs"] == {"r"}
    assert len(names) == 2


@pytest.mark.parametrize("row", rows("| `AlignmentFile.pileup` |"), ids=lambda row: row[0])
def test_options_mean_the_same(page: dict[str, Any], row: list[str]) -> None:
    theirs, ours, conditions = (eval(f"dict({cell})", page) for cell in row)
    expected = columns_of(page, theirs)
    options = {"max_depth": 8000, **ours}
    read_filter = cn.ReadFilter(**{"min_mapq": 0, "min_baseq": 13, "drop_orphans": True, **conditions})
    pileup = cn.pileup(page["file"], page["region"], compat="htslib", read_filter=read_filter, **options)
    found = [(column.position, column.names, column.qualities) for column in pileup]
    assert plain(found) == plain(expected)
    assert (expected == columns_of(page, {})) == (row[0] == "compute_baq=False")


def columns_of(page: dict[str, Any], options: dict[str, Any]) -> list[tuple]:
    return [
        (column.reference_pos, column.get_query_names(), column.get_query_qualities())
        for column in page["file"].pileup("chr1", 100, 200, truncate=True, **options)
        if column.get_num_aligned()
    ]


ASKED = {"stepper": "nofilter", "truncate": True, "min_base_quality": 0}


@pytest.mark.parametrize("row", rows("| `column` of pysam |"), ids=lambda row: row[0])
def test_columns_say_the_same(page: dict[str, Any], row: list[str]) -> None:
    theirs = [eval(row[0], {**page, "column": column}) for column in page["file"].pileup("chr1", 100, 200, **ASKED)]
    ours = [
        eval(row[1], {**page, "column": column}) for column in cn.pileup("reads.bam", page["region"], compat="htslib")
    ]
    assert plain(ours) == plain(theirs)
    assert len(ours) == 100


@pytest.mark.parametrize("row", rows("| `read` of pysam |"), ids=lambda row: row[0])
def test_reads_say_the_same(page: dict[str, Any], row: list[str]) -> None:
    theirs = [
        eval(row[0], {**page, "read": read})
        for column in page["file"].pileup("chr1", 100, 200, **ASKED)
        for read in column.pileups
    ]
    ours = [
        eval(row[1], {**page, "read": read})
        for column in cn.pileup("reads.bam", page["region"], compat="htslib")
        for read in column
    ]
    assert plain(ours) == plain(theirs)
    assert len(set(ours)) > 1
