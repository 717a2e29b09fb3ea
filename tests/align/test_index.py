"""Indexes: built as bwa builds them, found where bwa finds them, and refused when a part is not of the whole."""

import gzip
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import bwa
import numpy as np
import pytest
from raw_index import both_strands, packed, suffix_rows, write_index

from colonnade.align import build
from colonnade.align import index as module
from colonnade.align.bwa_files import SUFFIXES
from colonnade.align.fm_kernels import step
from colonnade.align.index import build_index, ensure_index, find_prefix, open_index
from colonnade.errors import FormatError, IndexMismatchError, InputError, OutputError, UsageError

RNG = np.random.default_rng(11)
CONTIGS = {name: "".join(RNG.choice(list("ACGT"), size)) for name, size in (("one", 301), ("two", 64), ("three", 5))}
MADE = {f"ref.fa{suffix}" for suffix in (*SUFFIXES, ".colonnade")}


def fasta_bytes(contigs: dict[str, str], width: int = 60) -> bytes:
    lines = []
    for name, bases in contigs.items():
        lines += [f">{name} of the test", *(bases[k : k + width] for k in range(0, len(bases), width))]
    return "\n".join([*lines, ""]).encode()


@pytest.fixture
def fasta(tmp_path: Path, monkeypatch) -> Path:
    """A FASTA file in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "ref.fa").write_bytes(fasta_bytes(CONTIGS))
    return Path("ref.fa")


@pytest.fixture
def indexed(fasta: Path) -> Path:
    """A FASTA file with bwa's files, made the slow way."""
    return write_index(fasta, CONTIGS)


def names(folder: Path = Path()) -> set[str]:
    return {path.name for path in folder.iterdir()}


def with_holes() -> dict[str, str]:
    letters = list("ACGT" * 6 + "NNRacgtn")
    contigs = {f"c{size}": "".join(RNG.choice(letters, size)) for size in (1, 17, 400, 5000)}
    return {**contigs, "gaps": "N" * 200 + "".join(RNG.choice(list("ACGT"), 300)) + "N" * 100, "all": "n" * 50}


@bwa.needs_bwa
@pytest.mark.parametrize("contigs", [CONTIGS, with_holes(), {"a": "A"}, {"a": "ACGT" * 32}])
@pytest.mark.parametrize("long", [100, 1_000_000])
def test_files_are_those_of_bwa_byte_for_byte(fasta: Path, monkeypatch, contigs: dict[str, str], long: int) -> None:
    monkeypatch.setattr(build, "_LONG", long)
    fasta.write_bytes(fasta_bytes(contigs))
    shutil.copy(fasta, "partner.fa")
    bwa.index(Path("partner.fa"))
    build_index(fasta)
    for suffix in SUFFIXES:
        assert Path(f"ref.fa{suffix}").read_bytes() == Path(f"partner.fa{suffix}").read_bytes(), suffix


@bwa.needs_bwa
@pytest.mark.parametrize(
    "change",
    [
        gzip.compress,
        lambda data: data.rstrip(b"\n"),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n>", b"\n\n\n>"),
        lambda data: data.lower(),
    ],
)
def test_files_are_those_of_bwa_however_the_fasta_is_written(fasta: Path, change) -> None:
    fasta.write_bytes(change(fasta_bytes(with_holes())))
    shutil.copy(fasta, "partner.fa")
    bwa.index(Path("partner.fa"))
    build_index(fasta)
    for suffix in SUFFIXES:
        assert Path(f"ref.fa{suffix}").read_bytes() == Path(f"partner.fa{suffix}").read_bytes(), suffix


def test_slowly_made_files_are_those_of_bwa(fasta: Path) -> None:
    build_index(fasta)
    write_index(Path("slow"), CONTIGS)
    for suffix in (".bwt", ".sa", ".pac", ".amb"):
        assert Path(f"ref.fa{suffix}").read_bytes() == Path(f"slow{suffix}").read_bytes(), suffix


def test_only_the_index_is_left(fasta: Path) -> None:
    build_index(fasta)
    assert names() == {"ref.fa", *MADE}


def test_a_prefix_names_the_files(fasta: Path) -> None:
    Path("made").mkdir()
    index = build_index(fasta, prefix="made/genome")
    assert index.prefix == "made/genome"
    assert names(Path("made")) == {f"genome{suffix}" for suffix in (*SUFFIXES, ".colonnade")}
    assert open_index("made/genome").contigs.names == [*CONTIGS]


def test_names_and_folders_may_be_long_and_odd(fasta: Path) -> None:
    folder = Path("a" * 200, "b" * 200, "c" * 200, "d" * 200, "e" * 200, "ö and blank")
    folder.mkdir(parents=True)
    shutil.copy(fasta, folder / "ref;.fa")
    assert build_index(folder / "ref;.fa").contigs.length == 370


def test_stages_are_logged(fasta: Path, caplog) -> None:
    fasta.write_bytes(fasta_bytes({"a": "ACGTNNNACGT", "b": "CCGT"}))
    caplog.set_level(logging.INFO)
    build_index(fasta)
    assert caplog.messages == [
        "indexing ref.fa: 2 contigs, 15 bases",
        "packing the bases",
        "sorting the suffixes of both strands, which takes longest",
        "sampling the suffix array",
        "3 bases are not A, C, G or T; the index has random ones there, as bwa's",
        "preparing ref.fa.bwt for searching: ref.fa.colonnade",
    ]


def test_progress_is_told_while_suffixes_are_sorted(fasta: Path, monkeypatch) -> None:
    program = "import sys; sys.stderr.write('[x] 10 iterations done. 700 characters processed.\\n')"
    monkeypatch.setattr(build, "_PROGRAM", f"{program}; open('index.dict', 'w')")
    told: list[tuple[int, int]] = []
    build.run_bwa(str(fasta), Path(), bases=500, progress=lambda *numbers: told.append(numbers))
    assert set(told) == {(700, 1000)}


def test_an_index_is_replaced_by_force_only(fasta: Path) -> None:
    build_index(fasta)
    fasta.write_bytes(fasta_bytes({"new": "ACGTACCA"}))
    with pytest.raises(UsageError, match=r"ref\.fa\.bwt: index exists; use it, or replace it with --force"):
        build_index(fasta)
    assert open_index(fasta).contigs.names == [*CONTIGS]
    index = build_index(fasta, force=True)
    assert index.contigs.names == ["new"]
    assert index.fm.length == 16
    assert names() == {"ref.fa", *MADE}


def test_an_index_under_the_other_name_is_the_one_that_is_replaced(indexed: Path) -> None:
    for suffix in SUFFIXES:
        Path(f"ref.fa{suffix}").rename(f"ref.fa.64{suffix}")
    indexed.write_bytes(fasta_bytes({"new": "ACGTACCA"}))
    with pytest.raises(UsageError, match=r"ref\.fa\.64\.bwt: index exists"):
        build_index(indexed)
    assert build_index(indexed, force=True).prefix == "ref.fa.64"
    assert open_index("ref.fa").contigs.names == ["new"]


def test_a_fasta_that_makes_no_sense_leaves_the_old_index(indexed: Path) -> None:
    indexed.write_bytes(b">a\nAC\n>a\nAC\n")
    before = names()
    with pytest.raises(InputError, match="contig a is there twice"):
        build_index(indexed, force=True)
    assert names() == before
    assert open_index(indexed).contigs.names == [*CONTIGS]


def test_a_failure_of_bwa_is_one_line_and_leaves_nothing(fasta: Path, monkeypatch) -> None:
    monkeypatch.setattr(build, "_PROGRAM", "import sys; sys.exit('one\\ndisk full')")
    with pytest.raises(OutputError, match=r"^ref\.fa: bwa cannot index it; found disk full$"):
        build_index(fasta)
    assert names() == {"ref.fa"}
    monkeypatch.setattr(build, "_PROGRAM", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(OutputError, match=r"^ref\.fa: bwa cannot index it; found exit code -9$"):
        build_index(fasta)
    assert names() == {"ref.fa"}


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ({**CONTIGS, "two": 63}, "two: .*; found 64 bases; expected 63; "),
        ({**CONTIGS, "four": 7}, "four: .*; found 0 bases; expected 7; "),
        ({"one": 301, "two": 64}, "three: .*; found 5 bases; expected 0; "),
    ],
)
def test_a_fasta_that_changes_meanwhile_is_refused(fasta: Path, monkeypatch, before, message: str) -> None:
    lengths = {name: bases if isinstance(bases, int) else len(bases) for name, bases in before.items()}
    monkeypatch.setattr(module, "contig_lengths", lambda path: lengths)
    with pytest.raises(FormatError, match=rf"ref\.fa: {message}"):
        build_index(fasta)
    assert names() == {"ref.fa"}


def test_a_folder_that_cannot_be_written_is_told(fasta: Path, monkeypatch) -> None:
    with pytest.raises(OutputError, match=r"none/ref: index cannot be written; found no folder .*none; .*--prefix"):
        build_index(fasta, prefix="none/ref")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match=r"ref\.fa: index cannot be written; found .* is read-only; .*--prefix"):
        build_index(fasta)


def test_an_error_of_renaming_leaves_no_half_index(indexed: Path, monkeypatch) -> None:
    indexed.write_bytes(fasta_bytes({"new": "ACGTACCA"}))
    replace = os.replace

    def fail(source, target) -> None:
        if str(target).endswith(".sa"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match=r"ref\.fa: index cannot be written; found No space left on device"):
        build_index(indexed, force=True)
    assert find_prefix("ref.fa") is None


def test_an_interrupted_build_leaves_nothing_and_stops_bwa(fasta: Path) -> None:
    program = (
        "import signal\n"
        "from colonnade.align import build\n"
        "from colonnade.align.index import build_index\n"
        # a shell that starts the tests in the background has them ignore interrupts
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "build._PROGRAM = 'import os, signal, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        'sys.stderr.write("Pack FASTA"); sys.stderr.flush(); time.sleep(600)\'\n'
        "build._log.info = lambda *_: print('packing', flush=True)\n"
        "try:\n"
        "    build_index('ref.fa')\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "packing\n"
        process.send_signal(signal.SIGINT)
        try:
            out, _ = process.communicate(timeout=60)  # ends only when the child, which has the same stdout, has ended
        finally:
            process.kill()
    assert out == "interrupted\n"
    assert names() == {"ref.fa"}


def test_two_processes_build_one_index(fasta: Path) -> None:
    program = (
        "import sys, time\n"
        "from colonnade.align import index as module\n"
        "run = module.run_bwa\n"
        "module.run_bwa = lambda *a, **k: (print('built', flush=True), time.sleep(1), run(*a, **k))\n"
        "print(module.ensure_index('ref.fa').contigs.length)\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0].split() for process in processes)
    assert said == [["370"], ["built", "370"]]
    assert names() == {"ref.fa", *MADE}


def test_an_index_is_opened_with_all_its_parts(indexed: Path) -> None:
    index = open_index("ref.fa")
    text = both_strands("".join(CONTIGS.values()))
    assert (index.prefix, index.contigs.names, index.contigs.length) == ("ref.fa", [*CONTIGS], 370)
    assert index.contigs.lengths.tolist() == [*map(len, CONTIGS.values())]
    assert (index.fm.length, suffix_rows(text)[index.fm.primary]) == (740, 0)
    assert [step(index.fm, 741, base) - step(index.fm, 0, base) for base in range(4)] == [*map(text.count, "ACGT")]
    assert index.suffixes.samples.tolist() == [-1, *suffix_rows(text)[::32][1:]]
    assert index.packed.tobytes()[:93] == packed(text[:370])


def test_nothing_is_mapped_or_made_before_it_is_used(indexed: Path) -> None:
    before = names()
    index = open_index("ref.fa")
    assert names() == before
    assert index.fm.blocks is index.fm.blocks
    assert "packed" not in vars(index)


@pytest.mark.parametrize("hint", ["ref.fa", Path("ref.fa")])
def test_the_other_naming_of_bwa_is_found_and_comes_first(indexed: Path, hint) -> None:
    assert find_prefix(hint) == "ref.fa"
    write_index(Path("ref.fa.64"), {"other": "ACGTTTTT"})
    assert find_prefix(hint) == "ref.fa.64"
    assert open_index(hint).contigs.names == ["other"]
    assert open_index("ref.fa.64").contigs.names == ["other"]


def test_no_index_says_how_to_make_one(fasta: Path) -> None:
    with pytest.raises(IndexMismatchError, match=r"^ref\.fa: no index; make one: colonnade index ref\.fa$"):
        open_index(fasta)


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
def test_a_missing_file_is_named(indexed: Path, suffix: str) -> None:
    Path(f"ref.fa{suffix}").unlink()
    with pytest.raises(IndexMismatchError, match=re.escape(f"ref.fa{suffix}: missing from the index; make the index")):
        open_index("ref.fa")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_cut_short_is_named(indexed: Path, suffix: str) -> None:
    path = Path(f"ref.fa{suffix}")
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(FormatError, match=rf"{re.escape(path.name)}: (line \d+: )?the file is cut short; "):
        open_index("ref.fa")


@pytest.mark.parametrize(
    ("suffixes", "wrong"),
    [([".sa"], ".sa"), ([".bwt"], ".bwt"), ([".bwt", ".sa"], ".bwt"), ([".amb"], ".amb"), ([".pac"], ".pac")],
)
def test_a_file_of_another_index_is_named(indexed: Path, suffixes: list[str], wrong: str) -> None:
    write_index(Path("other"), {"one": CONTIGS["one"]})
    for suffix in suffixes:
        shutil.copy(f"other{suffix}", f"ref.fa{suffix}")
    with pytest.raises((IndexMismatchError, FormatError), match=rf"^ref\.fa\{wrong}: "):
        open_index("ref.fa")


def test_bases_of_another_genome_as_long_are_found(indexed: Path) -> None:
    """As of bwa index that was stopped on its way: it writes them first."""
    write_index(Path("other"), {name: bases[::-1] for name, bases in CONTIGS.items()})
    shutil.copy("other.pac", "ref.fa.pac")
    with pytest.raises(
        IndexMismatchError, match=r"^ref\.fa\.pac: not of the same genome as the \.bwt and \.sa files; "
    ):
        open_index("ref.fa")


@pytest.mark.parametrize("position", [-1, 740, 1 << 62])
def test_a_suffix_outside_the_genome_is_found(indexed: Path, position: int) -> None:
    data = bytearray(Path("ref.fa.sa").read_bytes())
    data[56 + 8 * 4 : 56 + 8 * 5] = position.to_bytes(8, "little", signed=True)
    Path("ref.fa.sa").write_bytes(data)
    expected = rf"^ref\.fa\.sa: sample 5: a suffix begins outside the genome; found {position}; expected 0 to 739; "
    with pytest.raises(FormatError, match=expected):
        open_index("ref.fa")


def test_an_index_that_is_absent_is_made_of_a_fasta(fasta: Path) -> None:
    assert ensure_index("ref.fa").contigs.names == [*CONTIGS]
    assert names() == {"ref.fa", *MADE}


def test_an_index_that_is_there_is_opened_whether_or_not_the_fasta_is(indexed: Path, caplog) -> None:
    before = names()
    os.utime("ref.fa", (0, 0))
    assert ensure_index("ref.fa").contigs.names == [*CONTIGS]
    Path("ref.fa").unlink()
    assert ensure_index("ref.fa").contigs.names == [*CONTIGS]
    assert names() == before - {"ref.fa"}
    assert caplog.messages == []


def test_a_fasta_newer_than_its_index_is_warned_of(indexed: Path, caplog) -> None:
    os.utime("ref.fa.bwt", (0, 0))
    ensure_index("ref.fa")
    assert caplog.messages == [
        "ref.fa is newer than its index; if its bases have changed, use: colonnade index --force"
    ]


def test_neither_index_nor_fasta_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IndexMismatchError, match=r"^ref\.fa: no index; make one: colonnade index ref\.fa$"):
        ensure_index("ref.fa")


def test_the_index_takes_a_byte_of_each_base_for_searching_and_half_of_one_for_places(fasta: Path) -> None:
    size = 20_000
    fasta.write_bytes(fasta_bytes({"a": "".join(RNG.choice(list("ACGT"), size))}))
    index = build_index(fasta)
    assert index.fm.blocks.nbytes / size <= 1.05
    assert index.suffixes.samples.nbytes / size <= 0.51
    assert index.packed.nbytes / size <= 0.26
