"""``colonnade index``: files that bwa has too, and one line for whatever is wrong."""

import logging
from pathlib import Path

import pytest

from colonnade.align.index import open_index
from colonnade.cli import main

MADE = {f"ref.fa{suffix}" for suffix in (".bwt", ".sa", ".pac", ".ann", ".amb", ".colonnade")}


@pytest.fixture
def data(tmp_path: Path, monkeypatch) -> Path:
    """A FASTA file in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ref.fa").write_text(">a\nACGTTGCA\n>b\nACCA\n")
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_genome_is_indexed_beside_its_fasta(data: Path, capsys) -> None:
    assert main(["index", "ref.fa"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "colonnade index: indexing ref.fa: 2 contigs, 12 bases",
        "colonnade index: packing the bases",
        "colonnade index: sorting the suffixes of both strands, which takes longest",
        "colonnade index: sampling the suffix array",
        "colonnade index: preparing ref.fa.bwt for searching: ref.fa.colonnade",
    ]
    assert names(data) == {"ref.fa", *MADE}
    assert open_index("ref.fa").contigs.names == ["a", "b"]


def test_quiet_is_quiet_and_a_prefix_leads_elsewhere(data: Path, capsys) -> None:
    (data / "made").mkdir()
    assert main(["index", "-q", "--prefix", "made/ref.fa", "ref.fa"]) == 0
    assert capsys.readouterr() == ("", "")
    assert names(data) == {"ref.fa", "made"}
    assert names(data / "made") == MADE


def test_an_index_is_replaced_by_force_only(data: Path, capsys) -> None:
    assert main(["index", "-q", "ref.fa"]) == 0
    assert main(["index", "-q", "ref.fa"]) == 2
    message = "error: ref.fa.bwt: index exists; use it, or replace it with --force\n"
    assert capsys.readouterr() == ("", f"colonnade index: {message}")
    assert main(["index", "-q", "--force", "ref.fa"]) == 0


@pytest.mark.parametrize(
    ("fasta", "code", "message"),
    [
        (b"", 1, "ref.fa: has no contigs; expected FASTA"),
        (b">a\nACGU\n", 1, "ref.fa: line 2: not a letter of DNA; found 'U'; "),
        (b">a\n>b\nAC\n", 1, "ref.fa: a: contig has no bases; "),
        (None, 1, "ref.fa: No such file or directory"),
    ],
)
def test_what_is_wrong_is_one_line(data: Path, capsys, fasta: bytes | None, code: int, message: str) -> None:
    (data / "ref.fa").unlink() if fasta is None else (data / "ref.fa").write_bytes(fasta)
    before = names(data)
    assert main(["index", "ref.fa"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"colonnade index: error: {message}")
    assert err.count("\n") == 1
    assert names(data) == before


def test_verbose_says_no_less(data: Path, capsys) -> None:
    assert main(["index", "-v", "ref.fa"]) == 0
    assert logging.getLogger("colonnade").level == logging.DEBUG
    assert capsys.readouterr().err.count("\n") == 5
