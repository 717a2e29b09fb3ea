"""``colonnade align``: bwa's letters become the right options, and whatever is wrong is told in one line."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from colonnade.align.options import PRESETS, AlignOptions
from colonnade.cli import align, main
from colonnade.errors import InputError
from colonnade.run.executor import Threads

ANCIENT = PRESETS["ancient"]
OTHER_VALUES = {bool: ([], True), float: (["0.5"], 0.5), str: (["drop"], "drop")}


class Engine:
    """Stands for ``align``: keeps what it was called with, and fails if told so."""

    def __init__(self) -> None:
        self.calls: list[SimpleNamespace] = []
        self.error: BaseException | None = None
        self.too_long = 0
        self.stages: list[tuple[str, int, int | None]] = []

    def __call__(self, reads: object, mates: str | None, **arguments) -> SimpleNamespace:
        self.calls.append(SimpleNamespace(reads=reads, mates=mates, **arguments))
        if self.error is not None:
            raise self.error
        for stage in self.stages:
            arguments["progress"](*stage)
        return Summary(too_long=self.too_long)


class Summary(SimpleNamespace):
    def __str__(self) -> str:
        return "3 reads"


@pytest.fixture
def engine(monkeypatch) -> Engine:
    stand_in = Engine()
    module = ModuleType("colonnade.align.engine")
    module.align = stand_in
    monkeypatch.setitem(sys.modules, "colonnade.align.engine", module)
    return stand_in


@pytest.fixture
def given(engine: Engine, capsys) -> Callable[..., AlignOptions]:
    """Run the command, which must succeed; returns the options that the engine was given."""

    def run(*arguments: str) -> AlignOptions:
        assert main(["align", "--index", "ref.fa", "-f", "out.bam", *arguments, "reads.fq"]) == 0
        assert capsys.readouterr() == ("", "colonnade align: 3 reads\n")
        call = engine.calls[-1]
        assert (call.reads, call.index, call.out) == ("reads.fq", "ref.fa", "out.bam")
        return call.options

    return run


MAPPING = (
    ("", {}),
    ("-n 5", {"differences": 5}),
    ("-n 0", {"differences": 0}),
    ("-n 0.01", {"differences": 0.01}),
    ("-n.1", {"differences": 0.1}),
    ("--differences 2", {"differences": 2}),
    ("-o 2", {"gap_opens": 2}),
    ("--gap-opens 2", {"gap_opens": 2}),
    ("-e 4", {"gap_extensions": 4}),
    ("-e -1", {}),
    ("-e-1", {}),
    ("--gap-extensions=4", {"gap_extensions": 4}),
    ("-i 3", {"indel_end_skip": 3}),
    ("--indel-end-skip 3", {"indel_end_skip": 3}),
    ("-d 3", {"deletion_hits": 3}),
    ("--deletion-hits 3", {"deletion_hits": 3}),
    ("-l 20", {"seed_length": 20}),
    ("--seed-length 20", {"seed_length": 20}),
    ("-k 1", {"seed_differences": 1}),
    ("--seed-differences 1", {"seed_differences": 1}),
    ("-m 99", {"queue_entries": 99}),
    ("--queue-entries 99", {"queue_entries": 99}),
    ("-M 4", {"mismatch_penalty": 4}),
    ("--mismatch-penalty 4", {"mismatch_penalty": 4}),
    ("-O 9", {"gap_open_penalty": 9}),
    ("--gap-open-penalty 9", {"gap_open_penalty": 9}),
    ("-E 3", {"gap_extension_penalty": 3}),
    ("--gap-extension-penalty 3", {"gap_extension_penalty": 3}),
    ("-R 5", {"most_best_hits": 5}),
    ("--most-best-hits 5", {"most_best_hits": 5}),
    ("-q 15", {"trim_quality": 15}),
    ("--trim-quality 15", {"trim_quality": 15}),
    ("-L", {"log_gap_penalty": True}),
    ("--log-gap-penalty", {"log_gap_penalty": True}),
    ("-N", {"all_hits": True}),
    ("--all-hits", {"all_hits": True}),
    ("-a 900", {"max_insert_size": 900}),
    ("--max-insert-size 900", {"max_insert_size": 900}),
    ("-c 1e-4", {"chimeric_share": 1e-4}),
    ("--chimeric-share 0.0001", {"chimeric_share": 1e-4}),
    ("-C 50", {"pairing_hits": 50}),
    ("--pairing-hits 50", {"pairing_hits": 50}),
    ("-s", {"no_rescue": True}),
    ("--no-rescue", {"no_rescue": True}),
    ("-A", {"no_insert_sizes": True}),
    ("--no-insert-sizes", {"no_insert_sizes": True}),
    ("-D 10", {"listed_single_hits": 10}),
    ("--listed-single-hits 10", {"listed_single_hits": 10}),
    ("-h 10", {"listed_hits": 10}),
    ("--listed-hits 10", {"listed_hits": 10}),
    ("-H 20", {"listed_discordant_hits": 20}),
    ("--listed-discordant-hits 20", {"listed_discordant_hits": 20}),
    ("--interleaved", {"interleaved": True}),
    ("--orphans drop", {"orphans": "drop"}),
    ("--orphans single", {"orphans": "single"}),
    ("--orphans error", {}),
    ("--skip-aligned", {"skip_aligned": True}),
    ("--skip-duplicates", {"skip_duplicates": True}),
    ("--only-aligned", {"only_aligned": True}),
    ("--seed 9", {"seed": 9}),
    ("--bwa-quirks", {"bwa_quirks": True}),
    ("-LNn4", {"log_gap_penalty": True, "all_hits": True, "differences": 4}),
    ("-l 1024 -n 0.01 -o 2", {"seed_length": 1024, "differences": 0.01, "gap_opens": 2}),
    ("--preset ancient", ANCIENT),
    ("--preset ancient -n 0.04", {**ANCIENT, "differences": 0.04}),
    ("-o 1 --preset ancient -k 3", {**ANCIENT, "gap_opens": 1, "seed_differences": 3}),
)


@pytest.mark.parametrize(("arguments", "expected"), MAPPING)
def test_arguments_become_options(given, arguments: str, expected: dict[str, object]) -> None:
    assert given(*arguments.split()) == AlignOptions(**expected)


def test_every_option_has_a_long_name_that_is_its_field(given) -> None:
    assert {name for _, expected in MAPPING for name in expected} == {field.name for field in fields(AlignOptions)}
    for field in fields(AlignOptions):
        words, value = OTHER_VALUES.get(type(field.default), (["7"], 7))
        assert getattr(given(f"--{field.name.replace('_', '-')}", *words), field.name) == value


def test_counts_and_shares_are_told_apart_as_bwa_does(given) -> None:
    assert isinstance(given("-n", "0.5").differences, float)
    assert isinstance(given("-n", "1").differences, int)


def test_what_is_no_option_of_the_search_reaches_the_engine(given, engine: Engine) -> None:
    given()
    plain = engine.calls[-1]
    assert (plain.read_group, plain.reference, plain.sort, plain.force) == (None, None, False, False)
    assert (plain.resume, plain.executor) == (False, Threads(plain.threads))
    group = "@RG\\tID:a"
    given("-r", group, "--reference", "other.fa", "--sort", "--force", "--resume", "-t", "3")
    call = engine.calls[-1]
    assert (call.resume, call.executor) == (True, Threads(3))
    assert (call.read_group, call.reference, call.sort, call.force) == (group, "other.fa", True, True)
    assert call.threads == 3
    given("--threads", "5", "--read-group", group)
    assert (engine.calls[-1].threads, engine.calls[-1].read_group) == (5, group)


def test_a_cluster_does_the_work_while_it_is_there(engine: Engine, capsys, monkeypatch) -> None:
    there = []

    @contextmanager
    def connect(address: str, **_: object) -> Iterator[SimpleNamespace]:
        there.append(address)
        yield SimpleNamespace(status="5 in flight on 2 workers")
        there.clear()

    module = ModuleType("colonnade.run.cluster")
    module.connect = connect
    monkeypatch.setitem(sys.modules, "colonnade.run.cluster", module)
    notes = []
    monkeypatch.setattr(align, "Stages", lambda *_, note, **__: nullcontext(lambda *_: notes.append(note())))
    engine.stages = [("aligning", 5, 9)]
    assert main(["align", "--index", "ref", "-f", "out.bam", "reads.fq", "--scheduler", "tcp://host:8786"]) == 0
    assert engine.calls[0].executor.status == "5 in flight on 2 workers"
    assert there == []
    assert notes == ["5 in flight on 2 workers"]


def test_stdin_and_stdout_are_dashes(engine: Engine, capsys) -> None:
    assert main(["align", "--index", "ref", "-", "-f", "-", "--quiet"]) == 0
    assert (engine.calls[0].reads, engine.calls[0].out) == ("-", "-")
    assert capsys.readouterr() == ("", "")


def test_reads_that_are_too_long_are_warned_of(engine: Engine, capsys) -> None:
    engine.too_long = 2
    assert main(["align", "--index", "ref", "-f", "out.bam", "reads.fq"]) == 0
    *_, line = capsys.readouterr().err.splitlines()
    assert line == "colonnade align: warning: 2 reads are too long for this method, and were left unaligned"


def test_help_is_the_long_option_only(engine: Engine, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["align", "-h"])
    assert caught.value.code == 2
    assert "expected one argument; help is --help" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["align", "--help"])
    assert caught.value.code == 0
    assert "--preset" in capsys.readouterr().out


def test_mates_are_a_second_file(engine: Engine) -> None:
    assert main(["align", "--index", "ref", "-f", "out.bam", "1.fq", "2.fq"]) == 0
    assert (engine.calls[0].reads, engine.calls[0].mates) == ("1.fq", "2.fq")


def test_a_table_of_inputs_stands_for_files_and_groups(engine: Engine, tmp_path: Path) -> None:
    table = tmp_path / "inputs.tsv"
    table.write_text("read_group\tpath_1\tpath_2\na\t1.fq\t2.fq\n\tb.bam\t\n")
    assert main(["align", "--index", "ref", "-f", "out.bam", "--inputs", str(table)]) == 0
    assert [given.read_group for given in engine.calls[0].reads] == ["a", None]
    assert [given.mates is None for given in engine.calls[0].reads] == [False, True]
    assert engine.calls[0].mates is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "no reads; expected a file, - for stdin, or --inputs FILE"),
        ("--inputs a.tsv reads.fq", "--inputs names all files of reads; found reads.fq besides"),
        ("--inputs a.tsv -r x", "--inputs names the read groups; found --read-group besides"),
        ("-0 in.bam", "not supported: -0 (pairs and single reads are aligned in one go)"),
        ("in.bam -1", "not supported: -1 (pairs and single reads are aligned in one go)"),
        ("--interleaved 1.fq 2.fq", "mates are in a file of their own, or interleaved; found --interleaved and 2.fq"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(engine: Engine, capsys, arguments: str, message: str) -> None:
    assert main(["align", "--index", "ref", "-f", "out.bam", *arguments.split()]) == 2
    assert capsys.readouterr() == ("", f"colonnade align: error: {message}\n")
    assert not engine.calls


def test_each_stage_is_told_of_when_it_has_ended(engine: Engine, capsys, monkeypatch) -> None:
    monkeypatch.setattr("colonnade.run.progress._SECONDS_WORTH_A_LINE", 0.0)
    engine.stages = [("aligning", 5, 9), ("aligning", 9, 9), ("pairing", 9, 9), ("sorting", 0, None)]
    assert main(["align", "--index", "ref", "-f", "out.bam", "reads.fq"]) == 0
    lines = [line.partition(" in ")[0] for line in capsys.readouterr().err.splitlines()]
    told = ["aligning: 9 reads", "pairing: 9 reads", "sorting: done", "3 reads"]
    assert lines == [f"colonnade align: {line}" for line in told]


@pytest.mark.parametrize(
    "arguments",
    ["-b", "-b1", "-g ref", "-@ 4", "--num-diff 3",
     "-N 20", "-I", "-Y", "-B 3", "-P", "-c many", "-a 1.5", "--orphans keep", "-q", "-v", "-z", "--thread 3", "-n many",
     "-n 1e-2", "-o 1.5", "--preset modern", "-t 0", "--threads 0"],
)  # fmt: skip
def test_letters_that_say_nothing_here_are_refused(engine: Engine, capsys, arguments: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["align", "--index", "ref", "-f", "out.bam", "reads.fq", *arguments.split()])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err.splitlines()[-1]
    assert not engine.calls


@pytest.mark.parametrize("missing", ["--index", "-f"])
def test_what_is_needed_is_asked_for(engine: Engine, capsys, missing: str) -> None:
    arguments = {"--index": ["--index", "ref"], "-f": ["-f", "out.bam"], "reads": ["reads.fq"]}
    del arguments[missing]
    with pytest.raises(SystemExit) as caught:
        main(["align", *(word for words in arguments.values() for word in words)])
    assert caught.value.code == 2
    assert missing in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-n 300", "differences is out of range; found 300; expected 0 to 255"),
        ("-n 1.5", "share of reads that may be missed is out of range; found 1.5"),
        ("-l 0", "seed length is out of range"),
        ("-e -2", "gap extensions is out of range; found -2"),
        ("-c 0", "chimeric share is out of range; found 0"),
    ],
)
def test_options_out_of_range_are_told_in_one_line(engine: Engine, capsys, arguments: str, message: str) -> None:
    assert main(["align", "--index", "ref", "-f", "out.bam", "reads.fq", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("colonnade align: error: ")
    assert message in err
    assert not engine.calls


def test_gap_opens_beyond_their_range_are_told_as_an_option_of_sampe(engine: Engine, capsys) -> None:
    assert main(["align", "--index", "ref", "-f", "out.bam", "reads.fq", "-o", "1000"]) == 2
    assert capsys.readouterr().err.endswith("expected 0 to 63; sampe's -o is -C, --pairing-hits\n")


def test_arguments_too_many_are_refused_by_the_command_with_what_bwa_calls_them(engine: Engine, capsys) -> None:
    with pytest.raises(SystemExit):
        main(["align", "--index", "ref", "-f", "out.bam", "-N", "20", "1.fq", "2.fq"])
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("colonnade align: error: unrecognized arguments: 2.fq; help is --help; docs/from-bwa.md")
    assert not engine.calls


def test_names_of_other_formats_are_warned_of(engine: Engine, capsys) -> None:
    assert main(["align", "--index", "ref", "-f", "x.sam", "reads.fq"]) == 0
    warning = "colonnade align: warning: x.sam will be BAM, whatever its name says"
    assert capsys.readouterr().err.splitlines()[0] == warning


def test_messages_go_to_what_standard_error_is_when_they_come(engine: Engine, capsys, monkeypatch) -> None:
    now = io.StringIO()
    engine.stages = [("aligning", 1, 1)]
    monkeypatch.setattr("colonnade.run.progress.show_progress", lambda *_, **__: shown(monkeypatch, now))
    assert main(["align", "--index", "ref", "-f", "out.bam", "reads.fq"]) == 0
    assert (capsys.readouterr().err, now.getvalue()) == ("", "colonnade align: 3 reads\n")


@contextmanager
def shown(monkeypatch, stream: io.StringIO) -> Iterator[Callable[..., None]]:
    """A bar that stands between a program and its standard error."""
    monkeypatch.setattr(sys, "stderr", stream)
    yield lambda _done, _total: None


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("bad", path="a"), 1), (OSError(5, "Bad", "a"), 1), (KeyboardInterrupt(), 130)]
)
def test_errors_become_exit_codes(engine: Engine, capsys, error: BaseException, code: int) -> None:
    engine.error = error
    assert main(["align", "--index", "ref", "-f", "out.bam", "reads.fq"]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
