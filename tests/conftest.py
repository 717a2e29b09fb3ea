"""What many tests need: real data where it is at hand, and small BAM files made from SAM text."""

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pysam
import pytest
from hypothesis import settings

settings.register_profile("kernels", deadline=None)  # kernels may have to be compiled
settings.load_profile("kernels")

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

# A shell lets what it starts in the background ignore Ctrl-C, and what that starts in turn: tests of it would do nothing.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

MakeBam = Callable[..., Path]


@pytest.fixture(autouse=True)
def fresh_logger() -> Iterator[None]:
    """Commands run inside the test process leave no trace in the logger."""
    yield
    logger = logging.getLogger("colonnade")
    logger.handlers = []
    logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real sequencing data; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets are not at hand (../shared/data)")
    return SHARED_DATA


@pytest.fixture
def make_bam(tmp_path: Path) -> MakeBam:
    """Write a BAM from contig lengths and SAM lines (without header), sorted and indexed unless told otherwise."""

    def make(name: str, contigs: dict[str, int], lines: list[str], *, sort: bool = True, index: bool = True) -> Path:
        path = tmp_path / name
        header = ["@HD\tVN:1.6\tSO:" + ("coordinate" if sort else "unknown")]
        header += [f"@SQ\tSN:{contig}\tLN:{length}" for contig, length in contigs.items()]
        text = tmp_path / f"{name}.sam"
        text.write_text("\n".join(header + lines) + "\n")
        if sort:
            pysam.samtools.sort("-o", str(path), str(text), catch_stdout=False)
        else:
            pysam.samtools.view("-b", "-o", str(path), str(text), catch_stdout=False)
        if index:
            pysam.samtools.index(str(path))
        return path

    return make


@pytest.fixture
def make_fasta(tmp_path: Path) -> Callable[[str, dict[str, str]], Path]:
    """Write an indexed FASTA from contig sequences."""

    def make(name: str, contigs: dict[str, str]) -> Path:
        path = tmp_path / name
        path.write_text("".join(f">{contig}\n{sequence}\n" for contig, sequence in contigs.items()))
        pysam.faidx(str(path))
        return path

    return make
