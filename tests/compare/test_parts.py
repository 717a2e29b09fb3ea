"""Parts of a comparison, merged, are the same files as one run writes; what does not fit together is refused."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from genomes import files_of
from pickled import Pickled

from colonnade.compare import engine, merging
from colonnade.compare.engine import compare_part, compare_to_files, merge_parts
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Part, Question
from colonnade.errors import ColonnadeError, FormatError, InputError, UsageError
from colonnade.formats.frames import Frames
from colonnade.run.executor import Threads

MakeFolder = Callable[[str], Path]
HOW = (
    {"threads": 1, "memory": 1 << 20},
    {"threads": 2, "memory": 1 << 16},
    {"executor": Pickled(2), "memory": 1 << 22},
    {"executor": Threads(2), "memory": 1 << 30},
)


def make_parts(question: Question, folder: Path, n: int) -> list[Path]:
    """All parts, each made in another way."""
    return [
        compare_part(question, folder / "x", Part(number, n), **HOW[number % len(HOW)]) for number in range(1, n + 1)
    ]


@pytest.fixture(scope="session")
def three(genome: Question, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_parts(genome, tmp_path_factory.mktemp("three"), 3)


@pytest.mark.parametrize("n", [1, 2, 4, 5, 12])
def test_any_number_of_parts_in_any_order_gives_the_files_of_one_run(
    genome: Question, in_one_run: dict[str, bytes], folder: MakeFolder, n: int
) -> None:
    parts = make_parts(genome, folder("parts"), n)
    assert [path.name for path in parts] == [f"x.part{number}of{n}" for number in range(1, n + 1)]
    merged = folder("merged")
    before = files_of(parts[0].parent)
    merge_parts([*parts[1::2], *reversed(parts[::2])], merged / "x", vcf=merged / "x.vcf")
    assert files_of(merged) == in_one_run
    assert files_of(parts[0].parent) == before


@pytest.mark.parametrize("kind", ["tsv.gz", "parquet"])
def test_every_kind_of_file_is_the_same(genome: Question, three: list[Path], folder: MakeFolder, kind: str) -> None:
    whole, merged = folder("whole"), folder("merged")
    compare_to_files(genome, whole / "x", kind=kind, vcf=whole / "x.bcf")
    merge_parts(three, merged / "x", kind=kind, vcf=merged / "x.bcf")
    assert files_of(merged) == files_of(whole)


@pytest.mark.parametrize("n", [1, 3])
def test_parts_of_one_window_are_empty_but_one(shared_data: Path, folder: MakeFolder, n: int) -> None:
    data = shared_data / "hiv_caprisa"
    samples = {"wk4": data / "CAP188_wk4.cons.bwamem.bam", "other": data / "CAP217_wk4390.cons.bwamem.bam"}
    question = Question(
        samples, data / "CAP188_wk4_consensus.fasta", options=CompareOptions(min_distance=0.05, window=100)
    )
    whole, merged = folder("whole"), folder("merged")
    compare_to_files(question, whole / "x")
    parts = make_parts(question, folder("parts"), n)
    assert [len(head_of(path)["part"]["regions"]) for path in parts].count(0) == n - 1
    merge_parts(parts, merged / "x")
    assert files_of(merged) == files_of(whole)


def test_parts_of_a_tumour_and_its_normal_merge_to_one_run(shared_data: Path, folder: MakeFolder) -> None:
    data = shared_data / "amplicon_braf_tumour_normal"
    bams, fasta = sorted(data.glob("*.bam"))[:2], data / "ref_Npadded.fa.gz"
    options = CompareOptions(min_distance=0.05)
    question = Question({"a": bams[0], "b": bams[1]}, fasta, regions=["chr7:140,400,001-140,500,000"], options=options)
    whole, merged = folder("whole"), folder("merged")
    compare_to_files(question, whole / "x")
    merge_parts(make_parts(question, folder("parts"), 2), merged / "x")
    assert files_of(merged) == files_of(whole)


def test_regions_of_a_file_and_a_mask_are_parts_of_the_question(genome: Question, folder: MakeFolder) -> None:
    home, whole, merged = folder("home"), folder("whole"), folder("merged")
    bed, mask = home / "regions.bed", home / "mask.bed"
    bed.write_text("two\t100\t30000\none\t50\t20000\none\t30000\t60000\n")
    mask.write_text("one\t1000\t5000\n")
    options = replace(genome.options, read_filter=replace(genome.options.read_filter, mask=mask, min_mapq=30))
    question = replace(genome, bed=bed, options=options)
    compare_to_files(question, whole / "x")
    parts = make_parts(question, folder("parts"), 3)
    merge_parts(parts, merged / "x")
    assert files_of(merged) == files_of(whole)
    mask.write_text("one\t1000\t5001\n")
    again = compare_part(question, folder("again") / "x", Part(2, 3))
    with pytest.raises(InputError, match="part2of3: read_filter mask 1: a part of another question than"):
        merge_parts([parts[0], again, parts[2]], merged / "y")
    mask.write_text("one\t1000\t5000\n")
    bed.write_text("two\t100\t30001\none\t50\t20000\none\t30000\t60000\n")
    again = compare_part(question, again.parent / "y", Part(2, 3))
    with pytest.raises(InputError, match=r"part2of3: inputs .*regions.bed: a part of another"):
        merge_parts([parts[0], again, parts[2]], merged / "y")


def test_merging_needs_none_of_the_inputs(genome: Question, folder: MakeFolder) -> None:
    home, merged = folder("home"), folder("merged")
    for path in (
        *genome.samples.values(),
        Path(f"{genome.samples['early']}.bai"),
        Path(f"{genome.samples['late']}.bai"),
    ):
        shutil.copy(path, home)
    shutil.copy(genome.reference, home)
    samples = {name: home / Path(path).name for name, path in genome.samples.items()}
    question = replace(genome, samples=samples, reference=home / Path(genome.reference).name)
    whole = folder("whole")
    compare_to_files(question, whole / "x", vcf=whole / "x.bcf")
    parts = make_parts(question, folder("parts"), 2)
    shutil.rmtree(home)
    merge_parts(parts, merged / "x", vcf=merged / "x.bcf")
    assert files_of(merged) == files_of(whole)


# Tables


def test_parts_are_merged_to_the_tables_that_they_were_made_for(
    genome: Question, in_one_run: dict[str, bytes], folder: MakeFolder
) -> None:
    parts, merged = folder("parts"), folder("merged")
    paths = [
        compare_part(genome, parts / "x", Part(1, 2), tables=["windows", "dist"]),
        compare_part(genome, parts / "x", Part(2, 2), tables=["dist", "windows"]),
    ]
    merge_parts(paths, merged / "x")
    found = files_of(merged)
    facts, facts_of_all = (json.loads(files["x.run.json"]) for files in (found, in_one_run))
    assert facts == {**facts_of_all, "rows": {name: facts_of_all["rows"][name] for name in ("dist", "windows")}}
    assert {**found, "x.run.json": b""} == {"x.run.json": b""} | {
        name: in_one_run[name] for name in ("x.dist.tsv", "x.windows.tsv")
    }
    merge_parts(paths, merged / "y", tables=["depth"])
    assert (merged / "y.depth.tsv").read_bytes() == in_one_run["x.depth.tsv"]
    for more, absent in (({"tables": ["comp"]}, "comp"), ({"vcf": merged / "z.vcf"}, "comp, evidence")):
        with pytest.raises(UsageError, match=f"found dist, windows; expected also {absent}"):
            merge_parts(paths, merged / "z", **more)
    assert not list(merged.glob("z*"))


def test_parts_are_open_one_at_a_time(three: list[Path], tmp_path: Path) -> None:
    """A job array may have made more of them than a process can have open files."""
    most = 0

    def count(_done: int, _total: int) -> None:
        nonlocal most
        open_files = {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
        most = max(most, len(open_files & {str(path.resolve()) for path in three}))

    merge_parts(three, tmp_path / "x", progress=count)
    assert most == 1


def test_no_more_parts_are_made_than_can_be_counted() -> None:
    with pytest.raises(UsageError, match=r"part is out of range; found 1/100001; expected .* 100000 at most"):
        Part(1, 100_001)


# What does not fit together


def test_missing_parts_are_listed(three: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^parts are missing; found 1 of 3; expected also 1, 3$"):
        merge_parts(three[1:2], tmp_path / "x")
    with pytest.raises(UsageError, match="no parts"):
        merge_parts([], tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_many_missing_parts_are_counted(genome: Question, tmp_path: Path) -> None:
    part = compare_part(genome, tmp_path / "x", Part(40, 40))
    with pytest.raises(InputError, match=r"also 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 29 more$"):
        merge_parts([part], tmp_path / "x")


def test_a_part_that_is_there_twice_is_named(three: list[Path], tmp_path: Path) -> None:
    copy = Path(shutil.copy(three[1], tmp_path / "copy"))
    with pytest.raises(InputError, match=f"{copy}: part 2 is there twice; found it in {three[1]}, too"):
        merge_parts([*three, copy], tmp_path / "x")


@pytest.mark.parametrize(
    ("change", "place", "found", "expected"),
    [
        ({"options": {"seed": 2}}, "options seed", "2", "1"),
        ({"options": {"quantiles": (0.1, 0.9)}}, "options quantiles", r"\[0.1, 0.9\]", r"\[0.005"),
        ({"regions": ("one",)}, "regions", r'\["one"\]', r"\[\]"),
        ({"pairs": None}, "comparisons", r'\[\["early", "late"\]\]', r'\[\["early"'),
    ],
)
def test_parts_of_different_questions_are_told_with_what_differs(
    genome: Question, three: list[Path], tmp_path: Path, change: dict, place: str, found: str, expected: str
) -> None:
    change = {name: replace(genome.options, **of) if name == "options" else of for name, of in change.items()}
    other = compare_part(replace(genome, **change), tmp_path / "x", Part(2, 3))
    with pytest.raises(
        InputError, match=rf"{other}: {place}: a part of another question .*; found {found}; expected {expected}"
    ):
        merge_parts([three[0], other, three[2]], tmp_path / "x")


def test_parts_of_another_plan_or_of_other_files_are_refused(
    genome: Question, three: list[Path], tmp_path: Path
) -> None:
    other = compare_part(genome, tmp_path / "x", Part(2, 2))
    with pytest.raises(InputError, match=r"part of: a part of another question than .*; found 2; expected 3"):
        merge_parts([three[0], other], tmp_path / "x")
    other = rewritten(three[1], tmp_path / "y", lambda head: head["inputs"].update({str(genome.reference): "1 bytes"}))
    with pytest.raises(InputError, match=rf"inputs {genome.reference}: a part of another question"):
        merge_parts([three[0], other, three[2]], tmp_path / "x")


def test_parts_of_another_version_are_refused(three: list[Path], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(merging, "__version__", "9")
    with pytest.raises(InputError, match=r"made by another version of colonnade; found .*; expected 9"):
        merge_parts(three, tmp_path / "x")


def test_files_that_are_no_parts_are_refused(genome: Question, three: list[Path], tmp_path: Path) -> None:
    def refused(path: Path, message: str, kind: type[ColonnadeError] = FormatError) -> None:
        with pytest.raises(kind, match=f"{path}: {message}"):
            merge_parts([three[0], path, three[2]], tmp_path / "x")

    refused(Path(genome.reference), "not a file of colonnade's working results")
    cut = tmp_path / "cut"
    cut.write_bytes(three[1].read_bytes()[:-40])
    refused(cut, "not complete; found [0-9]+ good pieces and no end")
    refused(Path(shutil.copy(cut, tmp_path / "x.part2of3.unfinished")), "a part that is not finished", InputError)
    for number, facts in enumerate(({"job": "align"}, {"job": "compare", "part": None}, {})):
        other = tmp_path / str(number)
        with Frames.create(other, facts) as file:
            file.complete()
        refused(other, "not a part of a comparison")


def test_parts_with_a_head_or_ranges_that_do_not_fit_are_refused(three: list[Path], tmp_path: Path) -> None:
    def without_options(head: dict) -> None:
        del head["facts"]["options"]["seed"], head["facts"]["options"]["quantiles"]

    damaged = [rewritten(path, tmp_path / f"damaged{number}", without_options) for number, path in enumerate(three)]
    with pytest.raises(FormatError, match=f"{damaged[0]}: its head cannot be read; found 'quantiles'"):
        merge_parts(damaged, tmp_path / "x")
    fewer = rewritten(three[1], tmp_path / "fewer", lambda _: None, drop=slice(-1, None))
    with pytest.raises(FormatError, match=f"{fewer}: a part without some of its ranges; expected "):
        merge_parts([three[0], fewer, three[2]], tmp_path / "x")
    gap = rewritten(three[1], tmp_path / "gap", lambda _: None, drop=slice(0, 1))
    with pytest.raises(FormatError, match=f"{gap}: results of other ranges; found "):
        merge_parts([three[0], gap, three[2]], tmp_path / "x")
    assert not list(tmp_path.glob("x*"))


def head_of(part: Path) -> dict:
    with Frames.read(part) as frames:
        return dict(frames.facts)


def rewritten(path: Path, target: Path, change: Callable[[dict], object], drop: slice = slice(0, 0)) -> Path:
    """A copy of a part with another head, or without some of its results."""
    with Frames.read(path) as source:
        head, pieces = json.loads(json.dumps(source.facts)), list(source)
        change(head)
        del pieces[drop]
        with Frames.create(target, head) as file:
            for piece in pieces:
                file.append(piece)
            file.complete()
    return target


# Output


def test_a_part_appears_complete_or_not_at_all(genome: Question, tmp_path: Path, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise UsageError("broken")

    monkeypatch.setattr(engine, "followed", broken)
    with pytest.raises(UsageError, match="broken"):
        compare_part(genome, tmp_path / "x", Part(1, 2))
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_without_force(genome: Question, three: list[Path], tmp_path: Path) -> None:
    part = tmp_path / "x.part1of2"
    part.write_text("mine")
    with pytest.raises(UsageError, match="part1of2: output exists"):
        compare_part(genome, tmp_path / "x", Part(1, 2))
    assert part.read_text() == "mine"
    compare_part(genome, tmp_path / "x", Part(1, 2), force=True)
    assert head_of(part)["part"]["number"] == 1
    sheet = tmp_path / "x.part2of2"
    sheet.write_text("mine")
    with pytest.raises(UsageError, match="output is one of the inputs"):
        compare_part(genome, tmp_path / "x", Part(2, 2), force=True, untouched=[sheet])
    merge_parts(three, tmp_path / "m")
    with pytest.raises(UsageError, match=r"m.dist.tsv: output exists"):
        merge_parts(three, tmp_path / "m")
    with pytest.raises(UsageError, match="output is one of the inputs"):
        merge_parts([*three[:2], shutil.copy(three[2], tmp_path / "z.dist.tsv")], tmp_path / "z", force=True)


@pytest.mark.parametrize(("number", "of"), [(0, 3), (4, 3), (1, 0)])
def test_a_part_is_one_of_all(number: int, of: int) -> None:
    with pytest.raises(UsageError, match=f"part is out of range; found {number}/{of}"):
        Part(number, of)
