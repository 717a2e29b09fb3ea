"""``colonnade compare`` in parts and resumed, and ``colonnade merge``: the commands, and what they refuse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from genomes import CONTIGS, files_of, write_reads

from colonnade.cli import main
from colonnade.compare.ranges import RangeComparer

START = "colonnade compare: error: "

Command = Callable[..., list[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference, two samples, and the files of one run."""
    folder = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(2)
    sequences = {name: "".join(rng.choice(list("ACGT"), length)) for name, length in CONTIGS.items()}
    (folder / "r.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items()))
    pysam.faidx(str(folder / "r.fa"))
    for name in ("a", "b"):
        write_reads(folder / f"{name}.bam", sequences, rng, changed=name == "b")
    return folder


@pytest.fixture
def command(home: Path, tmp_path: Path, monkeypatch, capfd) -> Command:
    """Run ``compare`` in a folder of its own, with these options more; returns what is said on stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)

    def run(*options: str, code: int = 0, verb: str = "compare") -> list[str]:
        question = [f"a={home}/a.bam", f"b={home}/b.bam", "--reference", f"{home}/r.fa", "--draws", "100"]
        arguments = [verb, *(question if verb == "compare" else []), "-o", "x", *options]
        assert exit_code(arguments) == code
        return capfd.readouterr().err.splitlines()

    return run


def exit_code(arguments: list[str]) -> int:
    """Of a command; argparse leaves by itself."""
    try:
        return main(arguments)
    except SystemExit as error:
        return int(error.code or 0)


@pytest.fixture
def expected(home: Path, command: Command, tmp_path: Path) -> dict[str, bytes]:
    command("--vcf", "x.vcf.gz")
    files = files_of(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    return files


def test_parts_merge_to_the_files_of_one_run(command: Command, expected: dict[str, bytes], tmp_path: Path) -> None:
    lines = [command("--part", f"{number}/3", "--memory", f"{number}M", "--threads", "2")[-1] for number in (3, 1, 2)]
    assert lines[0] == "colonnade compare: part 3/3 is complete: x.part3of3"
    parts = [f"x.part{number}of3" for number in (2, 3, 1)]
    assert {path.name for path in tmp_path.iterdir()} == set(parts)
    said = command(*parts, "--vcf", "x.vcf.gz", verb="merge")
    assert said[-1].startswith("colonnade merge: a - b: 120300 loci, ")
    files = files_of(tmp_path)
    assert {name: files[name] for name in files.keys() - set(parts)} == expected
    assert command(*parts[1:], verb="merge", code=1) == [
        "colonnade merge: error: parts are missing; found 2 of 3; expected also 2"
    ]
    assert command(*parts, "--write", "dist", verb="merge", code=2) == [
        "colonnade merge: error: x.dist.tsv: output exists; choose another name, or replace it with --force"
    ]
    command(*parts, "--write", "dist", "--format", "tsv.gz", verb="merge", code=2)
    command(*parts, "--write", "dist", "--format", "tsv.gz", "--force", verb="merge")
    assert (tmp_path / "x.dist.tsv.gz.tbi").exists()


def test_an_interrupted_command_says_how_to_go_on_and_goes_on(
    command: Command, expected: dict[str, bytes], tmp_path: Path, monkeypatch
) -> None:
    original, done = RangeComparer.__call__, []

    def interrupted(self: RangeComparer, task: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(task)
        return original(self, task)

    with monkeypatch.context() as patch:
        patch.setattr(RangeComparer, "__call__", interrupted)
        said = command("--resume", "--threads", "1", "--memory", "200K", "--vcf", "x.vcf.gz", code=130)
    assert said == [
        "colonnade compare: warning: what is done is kept in x.unfinished; the same command goes on",
        "colonnade compare: error: interrupted",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["x.unfinished"]
    assert command("--vcf", "x.vcf.gz", code=2) == [
        START + "x.unfinished: an unfinished run of this output; go on with --resume, or start over with --force"
    ]
    assert command("--vcf", "x.vcf.gz", "--resume", "--min-distance", "0.1", code=2) == [
        f"{START}x.unfinished: options min_distance: an unfinished run of another question; found 0.2; expected 0.1; "
        "ask the same with the same files, or start over with --force"
    ]
    command("--vcf", "x.vcf.gz", "--resume", "--threads", "2")
    assert files_of(tmp_path) == expected


@pytest.mark.parametrize("more", [("--vcf", "x.vcf"), ("--format", "tsv"), ("--format", "parquet")])
def test_files_of_all_parts_are_not_for_one(command: Command, tmp_path: Path, more: tuple[str, ...]) -> None:
    assert command("--part", "1/2", *more, code=2) == [
        f"{START}--vcf and --format are of all parts together; expected them with colonnade merge"
    ]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0/2", "part is out of range; found 0/2; expected a number from 1 to that of all parts, 100000 at most"),
        ("3/2", "part is out of range; found 3/2; expected a number from 1 to that of all parts, 100000 at most"),
        ("2", "not a part; found '2'; expected I/N, such as 2/5"),
        ("-1/2", "not a part; found '-1/2'; expected I/N, such as 2/5"),
        ("1/2/3", "not a part; found '1/2/3'; expected I/N, such as 2/5"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(command: Command, text: str, message: str) -> None:
    assert command(f"--part={text}", code=2)[-1] == f"{START}argument --part: {message}"


def test_merge_refuses_what_is_no_part(command: Command, home: Path, tmp_path: Path) -> None:
    assert command(f"{home}/a.bam", verb="merge", code=1) == [
        f"colonnade merge: error: {home}/a.bam: not a file of colonnade's working results; name another file"
    ]
    assert command("nothing", verb="merge", code=1) == ["colonnade merge: error: nothing: No such file or directory"]
    assert command(verb="merge", code=2)[-1].endswith("the following arguments are required: PART")
    assert not list(tmp_path.iterdir())
