"""A ``.fai`` is used only if contigs begin and end where it says."""

from pathlib import Path

import pysam
import pytest

from colonnade.errors import FormatError, IndexMismatchError
from colonnade.formats.fasta import Fasta
from colonnade.regions import Region

CONTIGS = {"a": "ACGTACG", "b": "GGTTN", "c": "ACGTA" * 4, "d": "T"}


def text(contigs: dict[str, str], *, width: int = 5, end: str = "\n", title: str = "") -> str:
    lines = []
    for name, bases in contigs.items():
        lines += [f">{name}{title}", *(bases[start : start + width] for start in range(0, len(bases), width))]
    return "".join(line + end for line in lines)


@pytest.fixture
def indexed(tmp_path: Path) -> Path:
    path = tmp_path / "ref.fa"
    path.write_text(text(CONTIGS))
    pysam.faidx(str(path))
    return path


@pytest.mark.parametrize("width", [1, 4, 5, 80])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("title", ["", " a > b", "\tc"])
@pytest.mark.parametrize("is_cut", [False, True])
def test_a_new_index_is_right(tmp_path: Path, width: int, end: str, title: str, is_cut: bool) -> None:
    path = tmp_path / "ref.fa"
    whole = text(CONTIGS, width=width, end=end, title=title)
    path.write_bytes((whole.rstrip() if is_cut else f"{whole}\n\n").encode())
    for _ in range(2):
        fasta = Fasta(path)
        for name, bases in CONTIGS.items():
            assert fasta.letters(Region(name, 0, len(bases))).tobytes().decode() == bases


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        pytest.param("a", text({**CONTIGS, "a": "ACGTAC"}), id="shorter in the last line"),
        pytest.param("a", text({**CONTIGS, "a": "ACGTACGT"}), id="longer in the last line"),
        pytest.param("c", text({**CONTIGS, "c": "ACGTA" * 5}), id="longer by a line"),
        pytest.param("c", text({**CONTIGS, "c": "ACGTA" * 3}), id="shorter by a line"),
        pytest.param("d", text({**CONTIGS, "d": "TT"}), id="longer at the end"),
        pytest.param("a", text(CONTIGS, width=4), id="other lines"),
        pytest.param("a", text(CONTIGS, title=" x"), id="another title"),
        pytest.param("b", text({**CONTIGS}).replace(">b", ">B"), id="another name"),
        pytest.param("d", text({name: CONTIGS[name] for name in "abc"}), id="a contig less"),
    ],
)
def test_the_index_of_an_older_file_is_refused(indexed: Path, place: str, changed: str) -> None:
    indexed.write_text(changed)
    with pytest.raises(
        IndexMismatchError, match=rf"ref\.fa: {place}: the \.fai is not of this file.*; if the file is whole, make the"
    ):
        Fasta(indexed)
    Path(f"{indexed}.fai").unlink()
    Fasta(indexed)


@pytest.mark.parametrize(
    "numbers", ["7\t3\t0\t0", "-7\t3\t5\t6", "7\t99999999999999999999\t5\t6", "7x\t3\t5\t6", "7\t3\t5"]
)
def test_an_index_of_senseless_numbers_is_refused(indexed: Path, numbers: str) -> None:
    Path(f"{indexed}.fai").write_text(f"a\t{numbers}\n")
    with pytest.raises((IndexMismatchError, FormatError), match=r"ref\.fa"):
        Fasta(indexed)


def test_other_bases_of_the_same_contigs_need_no_other_index(indexed: Path) -> None:
    indexed.write_text(text({**CONTIGS, "b": "CCCCC"}))
    assert Fasta(indexed).letters(Region("b", 0, 5)).tobytes() == b"CCCCC"


def test_a_compressed_file_is_read(indexed: Path) -> None:
    packed = f"{indexed}.gz"
    pysam.tabix_compress(str(indexed), packed)
    assert Fasta(packed).letters(Region("a", 5, 7)).tobytes() == b"CG"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.fa"
    path.touch()
    with pytest.raises(FormatError, match="cannot be read as FASTA"):
        Fasta(path)
