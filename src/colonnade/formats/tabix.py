"""Indexes of finished BGZF files: TBI or CSI for sorted text, CSI for BCF."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import pysam

from colonnade.errors import OutputError
from colonnade.formats.silence import silence

#: The last position, 1-based, that a TBI index can hold (its bins, as those of BAI, end at 512 Mb).
TBI_END: Final = 1 << 29

Suffix = Literal[".tbi", ".csi"]

_NO_COMMENTS: Final = "\0"  # no line begins so, while the name of a contig may begin with #


def text_suffix(longest: int) -> Suffix:
    """The index that sorted text needs if its longest contig has that many bases."""
    return ".tbi" if longest <= TBI_END else ".csi"


def index_text(data: Path, index: Path, suffix: Suffix, *, columns: tuple[int, int, int]) -> None:
    """Index a table with one header line.

    Parameters
    ----------
    data
        The BGZF file, complete, sorted by contig and position.
    index
        The file to write.
    suffix
        Which kind of index.
    columns
        Where contig, start and end stand, 0-based; the positions are 1-based and inclusive.

    Raises
    ------
    OutputError
        The file is not sorted, or the index cannot be written.
    """
    contig, start, end = columns
    with silence, _failing_on(data):
        pysam.tabix_index(
            str(data),
            force=True,
            seq_col=contig,
            start_col=start,
            end_col=end,
            line_skip=1,
            meta_char=_NO_COMMENTS,
            index=str(index),
            csi=suffix == ".csi",
        )


def index_variants(data: Path, index: Path, suffix: Suffix, *, preset: Literal["vcf", "bcf"]) -> None:
    """Index a BGZF-compressed VCF file, or a BCF file, which only takes ``.csi``; else as ``index_text``."""
    with silence, _failing_on(data):
        pysam.tabix_index(str(data), force=True, preset=preset, index=str(index), csi=suffix == ".csi")  # type: ignore[arg-type]


@contextmanager
def _failing_on(data: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError("cannot be indexed", path=data, found=str(error)) from None
