"""An index beside a reference is used only if it is of it; a reference in a folder that cannot be written is linked."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import colonnade as cn
from colonnade.errors import IndexMismatchError
from colonnade.formats.fasta import Fasta
from colonnade.workflow import genome
from colonnade.workflow.genome import check_index, readable_reference

CONTIGS = {"a": 103, "b": 66, "c": 31}

MakeFasta = Callable[[str, dict[str, str]], Path]


@pytest.fixture
def sequences() -> dict[str, str]:
    letters = np.random.default_rng(5).choice(list("ACGT"), sum(CONTIGS.values()))
    pieces = np.split(letters, np.cumsum(list(CONTIGS.values()))[:-1])
    made = {name: "".join(piece) for name, piece in zip(CONTIGS, pieces, strict=True)}
    return {**made, "b": f"{made['b'][:20]}NNR{made['b'][23:40].lower()}{made['b'][40:]}"}


@pytest.fixture
def indexed(make_fasta: MakeFasta, sequences: dict[str, str]) -> Path:
    path = make_fasta("ref.fa", sequences)
    cn.build_index(path)
    return path


@pytest.mark.parametrize("at_once", [1, 4, 7, 1 << 22])
def test_an_index_of_the_reference_is_right_however_it_is_read(
    indexed: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(genome, "_AT_ONCE", at_once)
    check_index(str(indexed), str(indexed))


@pytest.mark.parametrize("at_once", [7, 1 << 22])
@pytest.mark.parametrize(("contig", "position"), [("a", 1), ("a", 103), ("b", 20), ("b", 66), ("c", 1), ("c", 31)])
def test_one_other_base_is_found(
    indexed: Path,
    make_fasta: MakeFasta,
    sequences: dict[str, str],
    contig: str,
    position: int,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(genome, "_AT_ONCE", at_once)
    text = sequences[contig]
    other = "A" if text[position - 1] != "A" else "C"
    path = make_fasta("ref.fa", {**sequences, contig: text[: position - 1] + other + text[position:]})
    with pytest.raises(IndexMismatchError, match=rf"{contig}:{position}: index is not of the reference beside it"):
        check_index(str(path), str(path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"b": "ACGT"}, "b: index is not of the reference beside it; found 66 bases; expected 4"),
        ({"d": "ACGT"}, "d: index is not of the reference beside it; found 0 bases; expected 4"),
    ],
)
def test_other_contigs_are_found(
    indexed: Path, make_fasta: MakeFasta, sequences: dict[str, str], change: dict[str, str], said: str
) -> None:
    path = make_fasta("ref.fa", {**sequences, **change})
    with pytest.raises(IndexMismatchError, match=said):
        check_index(str(path), str(path))


def test_a_reference_is_linked_only_where_its_index_cannot_be_written(
    make_fasta: MakeFasta, sequences: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = make_fasta("ref.fa", sequences), tmp_path / "out"
    out.mkdir()
    assert readable_reference(path, out) == str(path)
    Path(f"{path}.fai").unlink()
    assert readable_reference(path, out) == str(path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    for _ in range(2):
        link = readable_reference(path, out)
        assert link == str(out / "reference/ref.fa")
        assert Fasta(link).lengths == CONTIGS
        assert not Path(f"{path}.fai").exists()
    make_fasta("ref.fa", {"a": sequences["a"]})
    Path(f"{path}.fai").unlink()
    assert Fasta(readable_reference(path, out)).lengths == {"a": CONTIGS["a"]}
    other = tmp_path / "other"
    other.mkdir()
    (other / "ref.fa").write_text(">z\nACGT\n")
    assert Fasta(readable_reference(other / "ref.fa", out)).lengths == {"z": 4}
