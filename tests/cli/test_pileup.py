"""``colonnade pileup``: samtools' letters become the right options, and text goes whole or not at all where it should."""

import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from colonnade.cli import main
from colonnade.errors import FormatError, InputError
from colonnade.pileup.options import TextOptions
from colonnade.records.filters import Flag

TEXT = b"chr1\t1\tN\t1\t^]A\tI\n"
DEFAULTS = TextOptions()


class Engine:
    """Stands for ``write_text``: keeps what it was called with, writes some bytes, and fails if told so."""

    def __init__(self) -> None:
        self.calls: list[SimpleNamespace] = []
        self.error: BaseException | None = None
        self.inspect: Callable[[str], object] = lambda path: None

    def __call__(
        self,
        paths,
        write,
        options: TextOptions,
        *,
        threads: int = 1,
        memory: int = 1 << 30,
        executor=None,
        progress=None,
    ) -> None:
        seen = [self.inspect(path) for path in paths]
        self.calls.append(SimpleNamespace(paths=[*paths], options=options, threads=threads, memory=memory, seen=seen))
        write(TEXT)
        if self.error is not None:
            raise self.error
        write(TEXT)


@pytest.fixture
def engine(monkeypatch) -> Engine:
    stand_in = Engine()
    module = ModuleType("colonnade.pileup.text")
    module.write_text = stand_in
    monkeypatch.setitem(sys.modules, "colonnade.pileup.text", module)
    return stand_in


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """The working directory, with files that arguments name."""
    for name in ("a.bam", "b.bam", "a.bam.bai", "ref.fa", "ref.fa.fai", "some.bed"):
        (tmp_path / name).write_text(f"this is {name}\n")
    (tmp_path / "groups.txt").write_bytes(b"one two\tthree\n\n\x0bfour\xff\r\none\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def given(engine: Engine, folder: Path, capsysbinary):
    """Run the command, which must succeed; returns the options that the engine was given."""

    def run(*arguments: str) -> TextOptions:
        assert main(["pileup", *arguments, "a.bam"]) == 0
        assert capsysbinary.readouterr() == (TEXT + TEXT, b"")
        assert engine.calls[-1].paths == ["a.bam"]
        return engine.calls[-1].options

    return run


def give_stdin(monkeypatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


# Options


def test_without_arguments_all_options_have_their_defaults(given) -> None:
    assert given() == DEFAULTS


MAPPING = (
    (["-f", "ref.fa"], {"reference": "ref.fa"}),
    (["--reference", "ref.fa"], {"reference": "ref.fa"}),
    (["--fasta-ref", "ref.fa"], {"reference": "ref.fa"}),
    (["-r", "chr1:1,001-2,000"], {"region": "chr1:1,001-2,000"}),
    (["--region", "chr1"], {"region": "chr1"}),
    (["-l", "some.bed"], {"positions": "some.bed"}),
    (["--positions", "some.bed"], {"positions": "some.bed"}),
    (["-a"], {"all_positions": 1}),
    (["--all-positions"], {"all_positions": 1}),
    (["-aa"], {"all_positions": 2}),
    (["-a", "-a"], {"all_positions": 2}),
    (["-aaa"], {"all_positions": 2}),
    (["-q", "20"], {"min_mapq": 20}),
    (["-q20"], {"min_mapq": 20}),
    (["--min-mapq", "20"], {"min_mapq": 20}),
    (["--min-MQ", "20"], {"min_mapq": 20}),
    (["--min-mq", "20"], {"min_mapq": 20}),
    (["-Q0"], {"min_baseq": 0}),
    (["-Q", "30"], {"min_baseq": 30}),
    (["--min-baseq=30"], {"min_baseq": 30}),
    (["--min-BQ", "30"], {"min_baseq": 30}),
    (["--min-bq", "30"], {"min_baseq": 30}),
    (["-d", "0"], {"max_depth": 0}),
    (["--max-depth", "3"], {"max_depth": 3}),
    (["-A"], {"count_orphans": True}),
    (["--count-orphans"], {"count_orphans": True}),
    (["-x"], {"resolve_mates": False}),
    (["--ignore-overlaps"], {"resolve_mates": False}),
    (["--ignore-overlaps-removal"], {"resolve_mates": False}),
    (["--disable-overlap-removal"], {"resolve_mates": False}),
    (["--rf", "PAIRED,REVERSE"], {"any_flags": Flag.PAIRED | Flag.REVERSE}),
    (["--rf", "0x10"], {"any_flags": Flag.REVERSE}),
    (["--incl-flags", "020"], {"any_flags": Flag.REVERSE}),
    (["--any-flags", "16"], {"any_flags": Flag.REVERSE}),
    (["--ff", "0"], {"exclude_flags": Flag(0)}),
    (["--ff", "0x714"], {"exclude_flags": Flag(0x714)}),
    (["--excl-flags", "DUP"], {"exclude_flags": Flag.DUP}),
    (["--exclude-flags", "unmap"], {"exclude_flags": Flag.UNMAP}),
    (["-G", "groups.txt"], {"exclude_read_groups": ("one", "two", "three", "four\udcff")}),
    (["--exclude-RG", "groups.txt"], {"exclude_read_groups": ("one", "two", "three", "four\udcff")}),
    (["--exclude-rg", "groups.txt"], {"exclude_read_groups": ("one", "two", "three", "four\udcff")}),
    (["--exclude-read-groups", "groups.txt"], {"exclude_read_groups": ("one", "two", "three", "four\udcff")}),
    (["-R"], {}),
    (["--ignore-RG"], {}),
    (["-6"], {"illumina13": True}),
    (["--illumina1.3+"], {"illumina13": True}),
    (["-B"], {}),
    (["--no-BAQ"], {}),
    (["--no-baq"], {}),
    (["--baq", "-f", "ref.fa"], {"baq": True, "reference": "ref.fa"}),
    (["-E", "-f", "ref.fa"], {"baq": True, "redo_baq": True, "reference": "ref.fa"}),
    (["--redo-BAQ", "-f", "ref.fa"], {"baq": True, "redo_baq": True, "reference": "ref.fa"}),
    (["--redo-baq", "--baq", "-f", "ref.fa"], {"baq": True, "redo_baq": True, "reference": "ref.fa"}),
    (["-s"], {"mapq": True}),
    (["--output-MQ"], {"mapq": True}),
    (["--output-mq"], {"mapq": True}),
    (["-O"], {"query_positions": True}),
    (["--output-BP"], {"query_positions": True}),
    (["--output-bp"], {"query_positions": True}),
    (["--output-BP-5"], {"query_positions_5": True}),
    (["--output-bp-5"], {"query_positions_5": True}),
    (["--output-QNAME"], {"extra": ("QNAME",)}),
    (["--output-qname"], {"extra": ("QNAME",)}),
    (["--output-extra", "FLAG,NM,RG"], {"extra": ("FLAG", "NM", "RG")}),
    (["--output-extra", "FLAG,,NM,"], {"extra": ("FLAG", "NM")}),
    (["--output-extra", ""], {}),
    (["--output-extra", "FLAG,QNAME", "--output-QNAME"], {"extra": ("FLAG", "QNAME")}),
    (["--output-QNAME", "--output-extra", "FLAG"], {"extra": ("QNAME", "FLAG")}),
    (["--output-sep", ";"], {"separator": ";"}),
    (["--output-empty", "."], {"empty": "."}),
    (["--no-output-ins"], {"insertions": 1}),
    (["--no-output-ins", "--no-output-ins"], {"insertions": 0}),
    (["--no-output-ins"] * 3, {"insertions": 0}),
    (["--no-output-del"], {"deletions": 1}),
    (["--no-output-del", "--no-output-del"], {"deletions": 0}),
    (["--no-output-ends"], {"ends": False}),
    (["--reverse-del"], {"reverse_deletions": True}),
    (["-ABQ0"], {"count_orphans": True, "min_baseq": 0}),
    (["-xAsO"], {"resolve_mates": False, "count_orphans": True, "mapq": True, "query_positions": True}),
    (["-aaB"], {"all_positions": 2}),
    (["-aBQ0", "-sO"], {"all_positions": 1, "min_baseq": 0, "mapq": True, "query_positions": True}),
    (["-x6q", "5"], {"resolve_mates": False, "illumina13": True, "min_mapq": 5}),
    (["-Bfref.fa", "-rchr1:5-6"], {"reference": "ref.fa", "region": "chr1:5-6"}),
)


@pytest.mark.parametrize(("arguments", "expected"), MAPPING, ids=[" ".join(arguments) for arguments, _ in MAPPING])
def test_arguments_become_options(given, arguments: list[str], expected: dict[str, object]) -> None:
    assert given(*arguments) == replace(DEFAULTS, **expected)


def test_every_option_can_be_set() -> None:
    assert {name for _, expected in MAPPING for name in expected} == {field.name for field in fields(TextOptions)}


def test_an_empty_file_of_read_groups_leaves_none_out(given, folder: Path) -> None:
    (folder / "none.txt").write_text("\n")
    assert given("-G", "none.txt") == DEFAULTS


def test_threads_and_memory_reach_the_engine(given, engine: Engine) -> None:
    given("--threads", "3", "--memory", "64M")
    assert (engine.calls[0].threads, engine.calls[0].memory) == (3, 64 << 20)


def test_options_that_say_more_or_less_are_taken(given) -> None:
    for option in ("--verbose", "--quiet", "--debug", "--force"):
        assert given(option) == DEFAULTS


# Files


def test_files_keep_their_order(engine: Engine, folder: Path, capsysbinary) -> None:
    assert main(["pileup", "b.bam", "a.bam", "b.bam", "-Q0"]) == 0
    assert engine.calls[0].paths == ["b.bam", "a.bam", "b.bam"]


@pytest.mark.parametrize("option", ["-b", "--bam-list"])
def test_a_list_names_the_files(engine: Engine, folder: Path, capsysbinary, option: str) -> None:
    (folder / "list.txt").write_text("b.bam  \r\n\n  \na.bam")
    assert main(["pileup", option, "list.txt"]) == 0
    assert engine.calls[0].paths == ["b.bam", "a.bam"]


def test_stdin_is_read_from_a_file_that_is_gone_afterwards(
    engine: Engine, folder: Path, monkeypatch, capsysbinary
) -> None:
    give_stdin(monkeypatch, b"BAM\x01\xff")
    engine.inspect = lambda path: Path(path).read_bytes()
    assert main(["pileup", "a.bam", "-", "-Q0"]) == 0
    assert engine.calls[0].seen == [b"this is a.bam\n", b"BAM\x01\xff"]
    assert engine.calls[0].paths[0] == "a.bam"
    assert not Path(engine.calls[0].paths[1]).exists()


def test_a_failure_over_stdin_names_it_and_leaves_no_copy(engine: Engine, folder: Path, monkeypatch, capsys) -> None:
    give_stdin(monkeypatch, b"nonsense")
    (folder / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))

    def refuse(path: str) -> None:
        raise FormatError("not a file of alignments", path=path)

    engine.inspect = refuse
    assert main(["pileup", "-"]) == 1
    assert capsys.readouterr().err == "colonnade pileup: error: stdin: not a file of alignments\n"
    assert list((folder / "tmp").iterdir()) == []


# Output


@pytest.mark.parametrize("option", ["-o", "--output"])
def test_a_file_holds_the_bytes_that_stdout_would(engine: Engine, folder: Path, capsysbinary, option: str) -> None:
    assert main(["pileup", "a.bam", option, "out.txt"]) == 0
    assert (folder / "out.txt").read_bytes() == TEXT + TEXT
    assert capsysbinary.readouterr() == (b"", b"")
    assert main(["pileup", "a.bam", option, "-"]) == 0
    assert capsysbinary.readouterr() == (TEXT + TEXT, b"")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("contigs differ", path="b.bam"), 1),
        (OSError(5, "ReadFiles/output error", "a.bam"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_nothing_half_written_is_left(engine: Engine, folder: Path, capsys, error: BaseException, code: int) -> None:
    before = names(folder)
    engine.error = error
    assert main(["pileup", "a.bam", "b.bam", "-o", "out.txt"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("colonnade pileup: error: ")
    assert names(folder) == before


def test_a_failure_leaves_what_is_to_be_replaced_as_it_was(engine: Engine, folder: Path, capsys) -> None:
    (folder / "out.txt").write_text("mine\n")
    engine.error = InputError("contigs differ", path="b.bam")
    assert main(["pileup", "a.bam", "-o", "out.txt", "--force"]) == 1
    assert (folder / "out.txt").read_text() == "mine\n"
    assert ".part" not in " ".join(names(folder))


def test_output_that_exists_is_kept_without_force(fails, engine: Engine, folder: Path, capsys) -> None:
    (folder / "out.txt").write_text("mine\n")
    fails(["a.bam", "-o", "out.txt"], 2, "out.txt: output exists", "--force")
    assert (folder / "out.txt").read_text() == "mine\n"
    assert main(["pileup", "a.bam", "-o", "out.txt", "--force"]) == 0
    assert (folder / "out.txt").read_bytes() == TEXT + TEXT


INPUTS = ("a.bam", "./b.bam", "a.bam.bai", "ref.fa", "ref.fa.fai", "some.bed", "groups.txt")


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_is_never_replaced(fails, folder: Path, name: str) -> None:
    before = (folder / name).read_bytes()
    arguments = ["-f", "ref.fa", "-l", "some.bed", "-G", "groups.txt", "a.bam", "b.bam"]
    fails([*arguments, "-o", name, "--force"], 2, "output is one of the inputs")
    assert (folder / name).read_bytes() == before


def test_a_list_of_files_is_an_input_and_so_are_those_in_it(fails, folder: Path) -> None:
    (folder / "list.txt").write_text("a.bam\n")
    for name in ("list.txt", "a.bam"):
        fails(["-b", "list.txt", "-o", name, "--force"], 2, "output is one of the inputs")


def test_a_missing_folder_is_named(engine: Engine, folder: Path, capsys) -> None:
    assert main(["pileup", "a.bam", "-o", "none/out.txt"]) == 1
    assert capsys.readouterr().err.startswith("colonnade pileup: error: none/out.txt: cannot be written")


# Wrong usage


@pytest.fixture
def fails(engine: Engine, folder: Path, capsys):
    """Run the command, which must fail with one line before the engine is called, and leave no file."""

    def check(arguments: list[str], code: int, *parts: str) -> None:
        before = names(folder)
        calls = len(engine.calls)
        assert main(["pileup", *arguments]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1, err
        assert err.startswith("colonnade pileup: error: ")
        for part in parts:
            assert part in err
        assert names(folder) == before
        assert len(engine.calls) == calls

    return check


def test_questions_without_sense_are_told_in_one_line(fails, folder: Path) -> None:
    (folder / "list.txt").write_text("a.bam\n")
    (folder / "empty.txt").write_text("\n")
    fails([], 2, "no files")
    fails(["-b", "list.txt", "b.bam"], 2, "both in a list and as arguments", "b.bam")
    fails(["-b", "empty.txt"], 1, "empty.txt: no names of files")
    fails(["-b", "absent.txt"], 1, "absent.txt")
    fails(["-G", "absent.txt", "a.bam"], 1, "absent.txt")
    fails(["-", "-"], 2, "stdin is read more than once")
    fails(["-B", "-E", "-f", "ref.fa", "a.bam"], 2, "-B contradicts", "-E")
    fails(["-BE", "-f", "ref.fa", "a.bam"], 2, "-B contradicts", "-E")
    fails(["-B", "--baq", "-f", "ref.fa", "a.bam"], 2, "-B contradicts", "--baq")
    fails(["--baq", "a.bam"], 2, "BAQ needs a reference")
    fails(["-E", "a.bam"], 2, "BAQ needs a reference")
    fails(["--output-extra", "NM,CIGAR", "a.bam"], 2, "unknown column", "CIGAR")
    fails(["--output-sep", "", "a.bam"], 2, "separator is not one letter")
    fails(["--output-empty", "no", "a.bam"], 2, "empty is not one letter")


@pytest.fixture
def is_refused(engine: Engine, folder: Path, capsys):
    """Run the command, which argparse must refuse; returns its lines on stderr."""

    def check(*arguments: str) -> list[str]:
        with pytest.raises(SystemExit) as caught:
            main(["pileup", *arguments])
        assert caught.value.code == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert engine.calls == []
        return err.splitlines()

    return check


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["-r", "a", "-r", "b", "a.bam"], "-r: given more than once; for several regions use -l"),
        (["-ra", "--region", "a", "a.bam"], "--region: given more than once"),
        (["--output-extra", "NM", "--output-extra", "RG", "a.bam"], "--output-extra: given more than once"),
        (["-q", "x", "a.bam"], "-q"),
        (["-Q", "-1", "a.bam"], "-Q"),
        (["--max-depth=-1", "a.bam"], "must be 0 to"),
        (["--ff", "NONSENSE", "a.bam"], "unknown flag 'NONSENSE'"),
        (["--rf", "-4", "a.bam"], "--rf"),
        (["--threads", "0", "a.bam"], "--threads"),
        (["--memory", "much", "a.bam"], "--memory"),
        (["--nonsense", "a.bam"], "--nonsense"),
        (["--no-output", "a.bam"], "--no-output"),
    ],
)
def test_wrong_usage_is_told_with_code_2(is_refused, arguments: list[str], part: str) -> None:
    lines = is_refused(*arguments)
    assert lines[0].startswith("usage: colonnade")
    assert "error: " in lines[-1]
    assert part in lines[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-C", "50"], ["-C50"], ["--adjust-MQ", "50"], ["-M"], ["--output-mods"], ["--no-output-ins-mods"], ["-X"], ["-g"],
        ["-u"], ["-v"], ["-BM"], ["-xC50"], ["-t", "DP"], ["--VCF"], ["-AX"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_samtools_has_besides_is_refused_in_one_line(is_refused, arguments: list[str]) -> None:
    lines = is_refused(*arguments, "a.bam")
    assert len(lines) == 1
    assert lines[0].startswith("colonnade pileup: error: not supported: -")
