"""``colonnade simulate``: a person's words become the right question, or one clear line."""

import json
from dataclasses import asdict
from pathlib import Path

import pysam
import pytest

from colonnade.cli import main
from colonnade.simulate import Damage, Library, tile

MADE_UP = ["simulate", "--random-reference", "3000", "--samples", "early,late", "--depth", "20", "--quiet"]


def test_a_made_up_population_gives_all_files(tmp_path: Path) -> None:
    prefix = str(tmp_path / "made")
    assert main([*MADE_UP, "-o", prefix, "--reads", "bam,fastq,ubam", "--threads", "2"]) == 0
    samples = [f"{sample}.{end}" for sample in ("early", "late") for end in ("bam", "bam.bai", "unaligned.bam")]
    samples += [f"{sample}_{mate}.fastq.gz" for sample in ("early", "late") for mate in (1, 2)]
    tables = ["reference.fa", "reference.fa.fai", "truth.tsv", "haplotypes.tsv", "run.json"]
    assert {path.name for path in tmp_path.iterdir()} == {f"made.{name}" for name in [*samples, *tables]}


def test_options_reach_the_library(tmp_path: Path) -> None:
    options = [
        "--read-length",
        "50",
        "--single",
        "--template-mean",
        "90",
        "--template-sd",
        "5",
        "--qualities",
        "30:0.5,20:0.5",
    ]
    options += ["--damage", "0.2", "--damage-decay", "0.5", "--duplicates", "0.1", "--mark-duplicates", "--seed", "9"]
    descent = ["--haplotypes", "3", "--snv-rate", "0.01", "--indel-rate", "0", "--turnover", "1"]
    assert main([*MADE_UP, *options, *descent, "-o", str(tmp_path / "made")]) == 0
    facts = json.loads((tmp_path / "made.run.json").read_text())
    assert facts["library"] == {
        "depth": 20,
        "read_length": 50,
        "paired": False,
        "template_mean": 90,
        "template_sd": 5,
        "qualities": [[30, 0.5], [20, 0.5]],
        "damage": {"rate": 0.2, "decay": 0.5},
        "amplicons": [],
        "duplicates": 0.1,
        "mark_duplicates": True,
    }
    assert facts["population"] == {"haplotypes": 3, "snv_rate": 0.01, "indel_rate": 0, "turnover": 1}
    assert facts["seed"] == 9


def test_a_given_population_and_primers_are_used(tmp_path: Path) -> None:
    assert main([*MADE_UP, "-o", str(tmp_path / "made")]) == 0
    (tmp_path / "primers.bed").write_text("random\t0\t20\ta_LEFT\nrandom\t380\t400\ta_RIGHT\n")
    reference, population = str(tmp_path / "made.reference.fa"), str(tmp_path / "made.haplotypes.tsv")
    arguments = [
        "simulate",
        "--reference",
        reference,
        "--population",
        population,
        "--quiet",
        "-o",
        str(tmp_path / "again"),
    ]
    assert main([*arguments, "--primers", str(tmp_path / "primers.bed")]) == 0
    for table in ("truth", "haplotypes"):
        assert (tmp_path / f"made.{table}.tsv").read_bytes() == (tmp_path / f"again.{table}.tsv").read_bytes()
    with pysam.AlignmentFile(str(tmp_path / "again.late.bam")) as file:
        assert {record.reference_start for record in file if record.is_forward} == {0}


def test_tiles_are_made_from_their_length(tmp_path: Path) -> None:
    options = ["--amplicon-length", "400", "--amplicon-overlap", "50", "--primer-length", "20"]
    assert main([*MADE_UP, *options, "-o", str(tmp_path / "made")]) == 0
    facts = json.loads((tmp_path / "made.run.json").read_text())
    assert [amplicon["start"] for amplicon in facts["library"]["amplicons"]] == [*range(0, 2600, 350), 2600]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--random-reference", "900"],
            2,
            "no population; expected --samples NAME,... to make one up, or --population FILE",
        ),
        (["--random-reference", "900", "--samples", "a,a"], 2, "sample a is named twice"),
        (["--random-reference", "900", "--samples", "a", "--snv-rate", "2"], 2, "SNV rate is out of range"),
        (["--random-reference", "900", "--samples", "a", "--depth", "0"], 2, "depth is out of range; found 0"),
        (["--random-reference", "900", "--samples", "a", "--reads", "sam"], 2, "no such reads; found sam"),
        (["--random-reference", "900", "--samples", "a", "--reads", "bam,bam"], 2, "asked for twice; found bam,bam"),
        (["--random-reference", "99999999999", "--samples", "a"], 2, "length of contig random is out of range"),
        (["--random-reference", "900", "--samples", "variants"], 2, "variants cannot name a sample"),
        (
            ["--random-reference", "500", "--samples", "a", "--amplicon-length", "600"],
            2,
            "amplicons are longer than every contig; found 600 bases; expected at most 500",
        ),
        (
            ["--random-reference", "900", "--population", "p", "--haplotypes", "4"],
            2,
            "--haplotypes describes a population",
        ),
        (["--random-reference", "900", "--population", "p", "--samples", "a"], 2, "--samples describes a population"),
        (["--random-reference", "900", "--population", "none.tsv"], 1, "none.tsv: No such file or directory"),
        (["--random-reference", "900", "--samples", "a", "--primers", "none.bed"], 1, "none.bed: No such file"),
        (["--reference", "none.fa", "--samples", "a"], 1, "none.fa: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    capsys, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    assert main(["simulate", *arguments, "-o", str(tmp_path / "made")]) == code
    lines = capsys.readouterr().err.splitlines()
    assert message in lines[-1]
    assert len(lines) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "needed"),
    [
        ("--amplicon-overlap 0", "--amplicon-length 300"),
        ("--primer-length 24", "--amplicon-length 300"),
        ("--damage-decay 0", "--damage 0.2"),
        ("--mark-duplicates", "--duplicates 0"),
    ],
)
def test_an_option_is_not_ignored_where_it_says_nothing(capsys, tmp_path: Path, option: str, needed: str) -> None:
    arguments = [*MADE_UP, *option.split(), "-o", str(tmp_path / "made")]
    assert main(arguments) == 2
    assert f"{option.split()[0]} says nothing without {needed.split()[0]}" in capsys.readouterr().err
    assert main([*arguments, *needed.split()]) == 0


def test_options_that_are_not_given_are_those_of_the_library(tmp_path: Path) -> None:
    assert main([*MADE_UP, "--damage", "0.2", "--amplicon-length", "400", "-o", str(tmp_path / "made")]) == 0
    facts = json.loads((tmp_path / "made.run.json").read_text())["library"]
    amplicons = tile({"random": 3000}, length=400, overlap=100, primer=24)
    assert facts == json.loads(json.dumps(asdict(Library(depth=20, damage=Damage(0.2), amplicons=amplicons))))


@pytest.mark.parametrize("prefix", ["", ".", "..", "made/", "made/."])
def test_an_output_prefix_has_a_name_at_its_end(
    capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made").mkdir()
    assert main([*MADE_UP, "-o", prefix]) == 2
    assert "the output prefix ends without a name" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["made"]


def test_qualities_without_shares_are_told_what_to_say(capsys) -> None:
    with pytest.raises(SystemExit):
        main([*MADE_UP, "--qualities", "30", "-o", "made"])
    assert "'30' is not Q:SHARE,... such as 37:0.9,20:0.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--samples", "a"],
        ["--reference", "a", "--random-reference", "9"],
        ["--random-reference", "900", "--qualities", "30"],
        ["--random-reference", "900", "--primers", "a", "--amplicon-length", "300"],
    ],
)
def test_wrong_usage_is_told_with_code_2(capsys, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["simulate", *arguments, "-o", "made"])
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err
