"""The look at mate fields finds nothing in good records, and each field that is wrong."""

import random
from collections.abc import Callable
from pathlib import Path
from struct import pack

import pytest
from mate_fields import problems
from stages import as_records, load, to_bam

_DRAW = random.Random(6)
ONE, TWO = ("".join(_DRAW.choices("ACGT", k=length)) for length in (400, 300))
TWO = f"{TWO[:99]}N{TWO[100:]}"
OTHER = {"A": "C", "C": "G", "G": "T", "T": "A"}
CHANGED = ONE[291]
HITS = "X0:i:1 X1:i:0 XM:i:0 XO:i:0 XG:i:0"
UNIQUE = f"XT:A:U NM:i:0 {HITS}"

# name, flag, contig, position, mapping quality, CIGAR, mate's contig, its position, length of the template, bases, tags
GOOD = [
    ("pair", 99, "one", 101, 60, "30M", "=", 251, 200, ONE[100:130], f"{UNIQUE} SM:i:37 AM:i:25 MD:Z:30"),
    (
        *("pair", 147, "one", 251, 60, "20M3D27M", "=", 101, -200),
        ONE[250:270] + ONE[273:291] + OTHER[CHANGED] + ONE[292:300],
        f"XT:A:R NM:i:4 SM:i:25 AM:i:25 X0:i:2 X1:i:0 XM:i:1 XO:i:1 XG:i:3 MD:Z:20^{ONE[270:273]}18{CHANGED}8 "
        "XA:Z:two,-11,20M3D27M,4;",
    ),
    (
        *("rescued", 83, "two", 200, 20, "5S30M", "=", 150, -80, "A" * 5 + TWO[199:229]),
        "XT:A:M NM:i:0 SM:i:10 AM:i:10 XM:i:0 XO:i:0 XG:i:0 MD:Z:30",
    ),
    ("rescued", 163, "two", 150, 20, "30M", "=", 200, 80, TWO[149:179], f"{UNIQUE} SM:i:30 AM:i:10 MD:Z:30"),
    ("apart", 113, "one", 11, 37, "30M", "two", 80, 0, ONE[10:40], f"{UNIQUE} SM:i:37 AM:i:20 MD:Z:30"),
    (
        *("apart", 177, "two", 80, 20, "40M", "one", 11, 0, TWO[79:99] + "A" + TWO[100:119]),
        f"{UNIQUE} SM:i:20 AM:i:20 MD:Z:40",
    ),
    ("lonely", 121, "one", 51, 37, "30M", "=", 51, 0, ONE[50:80], f"{UNIQUE} SM:i:37 AM:i:0 MD:Z:30"),
    ("lonely", 181, "one", 51, 0, "*", "=", 51, 0, "ACGTACGT", ""),
    ("nowhere", 77, "*", 0, 0, "*", "*", 0, 0, "ACGTACGT", ""),
    ("nowhere", 141, "*", 0, 0, "*", "*", 0, 0, "ACGTACGT", ""),
    ("single", 16, "one", 301, 37, "30M", "*", 0, 0, ONE[300:330], f"{UNIQUE} MD:Z:30 XA:Z:two,+6,30M,2;one,-9,30M,1;"),
    ("alone", 4, "*", 0, 0, "*", "*", 0, 0, "ACGTACGT", ""),
]


def made(records: list[tuple[object, ...]], folder: Path) -> tuple[Path, Path]:
    fasta = folder / "genome.fa"
    fasta.write_text(f">one\n{ONE}\n>two\n{TWO}\n")
    lines = [f"@SQ\tSN:one\tLN:{len(ONE)}", f"@SQ\tSN:two\tLN:{len(TWO)}", "@RG\tID:lib"]
    for *fields, tags in records:
        read_group = [] if "RG" in str(tags) else ["RG:Z:lib"]
        lines.append("\t".join([*map(str, fields), "*", *read_group, *str(tags).split()]))
    return to_bam(lines, folder / "records.bam"), fasta


def changed(record: int, **values: object) -> list[tuple[object, ...]]:
    """The good records, one with other columns, named as above, or other tags; None takes a tag away."""
    fields = list(GOOD[record])
    for name, value in values.items():
        if name in COLUMNS:
            fields[COLUMNS[name]] = value
        else:
            tags = [tag for tag in str(fields[-1]).split() if not tag.startswith(name)]
            fields[-1] = " ".join(tags if value is None else [*tags, f"{name}:{value}"])
    return [*GOOD[:record], tuple(fields), *GOOD[record + 1 :]]


COLUMNS = {
    name: number
    for number, name in enumerate(
        [
            "name",
            "flag",
            "contig",
            "position",
            "quality",
            "cigar",
            "mate_contig",
            "mate_position",
            "template_length",
            "bases",
        ]
    )
}


def test_nothing_is_wrong_with_good_records(tmp_path: Path) -> None:
    assert problems(*made(GOOD, tmp_path)) == []


@pytest.mark.parametrize(
    ("record", "values", "expected"),
    [
        (0, {"flag": 99 | 0x80}, "not one first and one last mate"),
        (0, {"flag": 99 & ~0x40}, "not one first and one last mate"),
        (0, {"name": "other"}, "not one first and one last mate"),
        (0, {"flag": 99 | 0x100}, "bits of the flag"),
        (0, {"flag": 99 | 0x4000}, "bits of the flag"),
        (0, {"flag": 99 | 0x8}, "0x8"),
        (0, {"flag": 99 & ~0x20}, "0x20"),
        (0, {"flag": 99 & ~0x2}, "proper pair"),
        (4, {"flag": 113 | 0x2}, "proper pair"),
        (6, {"flag": 121 | 0x2}, "proper pair"),
        (2, {"position": 110}, "proper pair"),
        (0, {"mate_contig": "two"}, "RNEXT and PNEXT"),
        (0, {"mate_position": 252}, "RNEXT and PNEXT"),
        (9, {"mate_contig": "one", "mate_position": 5}, "RNEXT and PNEXT"),
        (0, {"MC": "Z:50M"}, "MC is not"),
        (6, {"MC": "Z:30M"}, "MC is not"),
        (1, {"MQ": "i:59"}, "MQ is not"),
        (6, {"MQ": "i:37"}, "MQ is not"),
        (0, {"template_length": 199}, "TLEN"),
        (1, {"template_length": 200}, "TLEN"),
        (4, {"template_length": 9}, "TLEN"),
        (7, {"template_length": 1}, "TLEN"),
        (7, {"quality": 3}, "mapping quality"),
        (7, {"cigar": "8M"}, "CIGAR of an unaligned read"),
        (7, {"flag": 181 | 0x2}, "unaligned read in a proper pair"),
        (7, {"flag": 181 & ~0x10}, "mate's strand"),
        (7, {"position": 52}, "not where the mate is"),
        (8, {"contig": "one", "position": 5}, "not where the mate is"),
        (8, {"flag": 77 | 0x10}, "strand of a read without a place"),
        *(
            (7, {tag: value}, "tags of a place")
            for tag, value in (("XT", "A:U"), ("NM", "i:0"), ("MD", "Z:8"), ("XA", "Z:x"))
        ),
        *((9, {tag: "i:0"}, "tags of a place") for tag in ("X0", "X1", "XM", "XO", "XG", "SM", "AM", "XN")),
        *((10, {"flag": 16 | bit}, "bits of a mate") for bit in (0x2, 0x8, 0x20, 0x40, 0x80)),
        (10, {"mate_contig": "=", "mate_position": 5}, "mate fields"),
        (10, {"template_length": 5}, "mate fields"),
        (10, {"SM": "i:37"}, "SM or AM"),
        (11, {"AM": "i:37"}, "SM or AM"),
        (11, {"contig": "one", "position": 5}, "has a place"),
        (5, {"position": 270}, "not within the contig"),
        *((0, {tag: None}, f"without {tag}") for tag in ("XT", "NM", "MD", "XM", "XO", "XG")),
        *((3, {tag: None}, "without SM or AM") for tag in ("SM", "AM")),
        (1, {"MD": f"Z:20^{ONE[270:273]}18{CHANGED}7"}, "does not fit"),
        (1, {"MD": f"Z:20^{ONE[270:273]}18{OTHER[OTHER[CHANGED]]}8"}, "does not fit"),
        (1, {"MD": f"Z:20^{OTHER[ONE[270]]}{ONE[271:273]}18{CHANGED}8"}, "does not fit"),
        (1, {"MD": "Z:47"}, "does not fit"),
        (0, {"MD": "Z:0030"}, "not as it should be written"),
        (0, {"position": 102}, "does not fit"),
        (1, {"NM": "i:3"}, "NM"),
        (5, {"NM": "i:1"}, "NM"),
        (0, {"XT": "A:X"}, "none of U, R, M, N"),
        (0, {"XT": "A:R"}, "X0 does not fit"),
        (0, {"X0": "i:2"}, "X0 does not fit"),
        (0, {"X0": None, "X1": None}, "X0 does not fit"),
        (2, {"X0": "i:1"}, "X0 does not fit"),
        (2, {"X1": "i:1"}, "X1 without X0"),
        (1, {"XG": "i:0"}, "XG is less"),
        (0, {"AM": "i:26"}, "AM"),
        (6, {"AM": "i:37"}, "AM"),
        *(
            (10, {"XA": f"Z:{text}"}, problem)
            for text, problem in (
                ("two,6,30M,2;", "well formed"),
                ("two,+6,30M,2", "well formed"),
                ("two,+6,30,2;", "well formed"),
                ("two,+6,29M,2;", "different lengths"),
                ("three,+6,30M,2;", "not within a contig"),
                ("two,+272,30M,2;", "not within a contig"),
                ("two,+0,30M,2;", "not within a contig"),
                ("one,-301,30M,2;", "own place"),
            )
        ),
    ],
)
def test_a_wrong_field_is_found(record: int, values: dict[str, object], expected: str, tmp_path: Path) -> None:
    found = problems(*made(changed(record, **values), tmp_path))
    name = values.get("name", GOOD[record][0])
    assert any(expected in problem for problem in found if problem.startswith(str(name))), found


def with_bin(record: bytes) -> bytes:
    return record[:14] + pack("<H", 4682) + record[16:]


def without_cigar(record: bytes) -> bytes:
    size, name_end = len(record) - 8, 36 + record[12]
    return pack("<I", size) + record[4:16] + bytes(2) + record[18:name_end] + record[name_end + 4 :]


@pytest.mark.parametrize(("change", "expected"), [(with_bin, "wrong bin"), (without_cigar, "without CIGAR")])
def test_what_samtools_would_not_write_is_found(
    change: Callable[[bytes], bytes], expected: str, tmp_path: Path
) -> None:
    path, fasta = made(GOOD, tmp_path)
    header, records = load(path)
    as_records(header, [*records[:10], change(records[10]), *records[11:]], path)
    assert [problem for problem in problems(path, fasta) if expected in problem] == [f"single/0: {expected}"]


@pytest.mark.parametrize(
    ("record", "values"), [(0, {"MC": "Z:20M3D27M", "MQ": "i:60"}), (6, {"MC": "Z:*", "MQ": "i:0"})]
)
def test_tags_that_say_what_the_mate_has_are_not_wrong(record: int, values: dict[str, object], tmp_path: Path) -> None:
    assert problems(*made(changed(record, **values), tmp_path)) == []


def test_mates_of_two_read_groups_may_have_one_name(tmp_path: Path) -> None:
    path, fasta = made([*GOOD, *((*record[:-1], "RG:Z:more") for record in GOOD[8:10])], tmp_path)
    assert problems(path, fasta) == []
