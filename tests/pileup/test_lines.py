"""What makes text travels: it is the same elsewhere, takes only what it needs along, and tells what is missing there."""

import pickle
import random
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
import pytest
from pickled import Pickled

from colonnade.errors import InputError
from colonnade.formats.alignments import open_all
from colonnade.formats.fasta import Fasta
from colonnade.pileup.lines import FastaRecipe, Part, Renderer
from colonnade.pileup.options import TextOptions
from colonnade.pileup.positions import Positions
from colonnade.pileup.sections import Rules, Section, read_sections, split_section
from colonnade.pileup.text import write_text
from colonnade.pileup.text_kernels import Style
from colonnade.records.filters import ReadFilter
from colonnade.regions import Region
from colonnade.run.executor import Executor, Threads
from colonnade.run.resource import Resource

STYLE = Style(0, 2, 2, True, False)


def text_by(executor: Executor | None, paths: list[Path], **options: object) -> bytes:
    pieces: list[bytes] = []
    memory = int(options.pop("memory", 1 << 30))
    write_text(paths, lambda p: pieces.append(bytes(p)), TextOptions(**options), memory=memory, executor=executor)
    return b"".join(pieces)


@pytest.fixture
def deep(make_bam) -> Path:
    """400 pairs with tags, spliced reads among them, in 300 columns; none elsewhere but one at the end of another contig."""
    choice = random.Random(8)
    lines = []
    for number in range(400):
        start, size = choice.randrange(1, 200), choice.randrange(30, 100)
        cigar = choice.choice(["30M", "10M2D20M", "5S20M3I2M", "12M60N18M"])
        bases, qualities = "".join(choice.choices("ACGT", k=30)), "".join(choice.choices("#5?I", k=30))
        for flag, at, mate, sign in ((99, start, start + size, ""), (147, start + size, start, "-")):
            tags = f"NM:i:{number % 7}\tRG:Z:g{number % 3}"
            lines.append(
                f"r{number}\t{flag}\tc\t{at}\t60\t{cigar}\t=\t{mate}\t{sign}{size + 30}\t{bases}\t{qualities}\t{tags}"
            )
    lines.append("last\t0\td\t9990\t60\t5M\t*\t0\t0\tACGTA\tIIIII")
    return make_bam("deep.bam", {"c": 5000, "none": 50, "d": 10_000}, lines)


@pytest.fixture
def reference(make_fasta) -> Path:
    choice = random.Random(9)
    lengths = {"c": 5000, "none": 50, "d": 10_000}
    return make_fasta("ref.fa", {contig: "".join(choice.choices("ACGTN", k=n)) for contig, n in lengths.items()})


@pytest.fixture
def some_sections(deep: Path) -> Iterator[list[Section]]:
    """Columns of the deep contig, at most 50 each, with what was read for all of them."""
    rules = Rules(ReadFilter(min_mapq=0, min_baseq=0), as_htslib=True, resolve_mates=True, whole=True)
    with open_all([deep]) as files:
        (section,) = read_sections(files, Region("c", 0, 5000), rules)
        yield list(split_section(section, reads=1 << 30, columns=50))


# The same text


@pytest.mark.parametrize("memory", [1 << 12, 1 << 30])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_depth": 50, "min_baseq": 30},
        {"resolve_mates": False, "max_depth": 0, "region": "c:100-150"},
        {"all_positions": 2, "mapq": True, "query_positions": True, "extra": ("QNAME", "RNAME", "RNEXT", "NM", "RG")},
    ],
)
def test_text_of_deep_columns_is_the_same_made_elsewhere(deep: Path, reference: Path, memory: int, options) -> None:
    here = text_by(None, [deep, deep], reference=reference, **options)
    assert here.count(b"\n") > 40
    assert text_by(Pickled(2), [deep, deep], reference=reference, memory=memory, **options) == here


def test_positions_go_along_with_the_columns_that_they_are_about(deep: Path, tmp_path: Path) -> None:
    listed = tmp_path / "listed.bed"
    listed.write_text("c\t20\t40\nc\t30\t35\nc\t120\t121\nd\t9990\t9992\nnone\t1\t2\n")
    for everywhere in (0, 1, 2):
        options = {"positions": listed, "all_positions": everywhere}
        here = text_by(None, [deep], **options)
        assert here
        assert text_by(Pickled(), [deep], memory=1 << 12, **options) == here


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {}),
        (["-A", "-Q0", "-d", "3"], {"count_orphans": True, "min_baseq": 0, "max_depth": 3}),
        (
            ["-x", "-a", "-s", "-r17:1-2000"],
            {"resolve_mates": False, "all_positions": 1, "mapq": True, "region": "17:1-2,000"},
        ),
        (["--output-extra", "QNAME,RNEXT,NM,RG"], {"extra": ("QNAME", "RNEXT", "NM", "RG")}),
        (None, {"baq": True}),
    ],
)
def test_text_of_real_data_made_elsewhere_is_that_of_samtools(shared_data: Path, tmp_path, words, options) -> None:
    folder = shared_data / "samtools_mpileup"
    reference = Path(shutil.copyfile(folder / "mpileup.ref.fa", tmp_path / "ref.fa"))
    paths = [
        folder / f"mpileup.{number}.bam" for number in ((1,) if "region" in options else (1, 2, 3))
    ]  # 1 has an index
    flags = ["-B", *words] if words is not None else []
    pysam.samtools.mpileup(
        *flags, "-f", str(reference), "-o", str(tmp_path / "theirs"), *map(str, paths), catch_stdout=False
    )
    theirs = (tmp_path / "theirs").read_bytes()
    assert theirs
    assert text_by(Pickled(), paths, reference=reference, memory=1 << 23, **options) == theirs


# What travels


def test_a_section_takes_along_only_its_own_reads(some_sections: list[Section]) -> None:
    everything = some_sections[0].batches[0].data.nbytes
    for section in some_sections:
        (batch,) = section.batches
        (sent,) = pickle.loads(pickle.dumps(section)).batches
        starts, ends = batch.records["start"], batch.records["end"]
        across = (starts < section.region.end) & (ends > section.region.start)
        assert sent.records["ordinal"].tolist() == batch.records["ordinal"][across].tolist()
        assert sent.data.nbytes <= everything * len(sent) / 700
    assert len(some_sections) > 3


def test_arrays_of_sections_and_of_lines_need_no_copy_in_a_pickle(some_sections: list[Section]) -> None:
    renderer = Renderer("deep.bam", STYLE, (), (_no_names(),), None, 1 << 20)
    for thing in (some_sections[1], renderer(Part(some_sections[1]))):
        buffers: list[pickle.PickleBuffer] = []
        assert len(pickle.dumps(thing, 5, buffer_callback=buffers.append)) < 2000
        assert buffers


def test_the_function_is_small_whatever_the_input_is(reference: Path) -> None:
    with closing(Fasta(reference)) as fasta:
        resource = Resource(FastaRecipe.of(fasta))
    renderer = Renderer("deep.bam", STYLE, (), (_no_names(),), resource, 1 << 20)
    assert len(pickle.dumps(renderer)) < 2000
    assert pickle.loads(pickle.dumps(renderer)).reference.get().lengths["c"] == 5000


def test_intervals_within_a_region_answer_for_it_as_all_do() -> None:
    positions = Positions({"c": [(0, 3), (2, 40), (5, 6), (45, 45), (50, 60), (58, 61)]})
    for start in range(0, 64, 3):
        for end in range(start + 1, 66, 4):
            region = Region("c", start, end)
            assert np.array_equal(positions.within(region).mask(region), positions.mask(region))
    far = pickle.loads(pickle.dumps(positions.within(Region("c", 41, 45))))
    assert not far.mask(Region("c", 41, 45)).any()
    assert not positions.within(Region("other", 0, 9)).mask(Region("other", 0, 9)).any()


# What is missing elsewhere


class Elsewhere:
    """An executor whose workers see what has become of files since they were opened."""

    slots = threads = 1
    is_remote = True
    status = ""

    def __init__(self, change) -> None:
        self._change = change

    def map(self, function, tasks, *, label=None):
        self._change()
        return Pickled().map(function, tasks, label=label)


def _change(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"A", b"C", 1) + b" ")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("ref.fa", Path.unlink, "cannot be read by this worker"),
        ("ref.fa.fai", Path.unlink, "cannot be read by this worker"),
        ("ref.fa", _change, "another file than the one that the run began with"),
        ("ref.fa.fai", _change, "another file than the one that the run began with"),
    ],
)
def test_a_reference_that_is_missing_or_another_one_elsewhere_is_told(
    deep: Path, reference: Path, name: str, change, said: str
) -> None:
    path = reference.with_name(name)
    with pytest.raises(InputError, match=said) as caught:
        text_by(Elsewhere(lambda: change(path)), [deep], reference=reference)
    assert caught.value.path == str(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_reference_named_from_the_working_directory_is_found_from_another(
    deep: Path, reference: Path, monkeypatch, tmp_path_factory
) -> None:
    monkeypatch.chdir(reference.parent)
    here = text_by(Threads(1), [deep], reference="ref.fa")
    away = tmp_path_factory.mktemp("away")
    assert text_by(Elsewhere(lambda: monkeypatch.chdir(away)), [deep], reference="ref.fa") == here


def test_parts_are_named_by_their_columns(some_sections: list[Section]) -> None:
    part = Part(replace(some_sections[0], region=Region("c", 10, 20)))
    assert str(part) == "c:11-20"


def _no_names():
    return np.zeros(1, np.uint8), np.zeros(0, np.int64)
