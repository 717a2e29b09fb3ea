"""The ratio is near that of the whole file, and 4 where nothing can be read."""

from pathlib import Path

import pytest
from made_bam import KINDS
from made_index import made_file

from colonnade.formats.bam import BamFile
from colonnade.formats.bgzf import Chunk, VirtualOffset
from colonnade.plan.inflation import inflation_ratio


def whole_ratio(file: BamFile) -> float:
    """Of all blocks from the first record to the last."""
    start, end = file.header.end, file.index.last_offset()
    pieces = list(file.blocks.pieces([Chunk(VirtualOffset(start.block, 0), end)], size=1 << 20))
    blocks = [block for piece in pieces for block in piece.blocks.tolist()]
    return sum(inflated for *_, inflated in blocks) / sum(length + 26 for _, _, length, _ in blocks)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "without records"])
@pytest.mark.parametrize("layout", ["bai", "csi"])
def test_ratio_is_near_that_of_the_whole_file(bam, kind: str, layout: str) -> None:
    file = bam(kind, layout)
    assert inflation_ratio(file) == pytest.approx(whole_ratio(file), rel=0.05)


def test_ratio_of_real_files_is_near_that_of_the_whole_file(shared_data: Path) -> None:
    for path in sorted(shared_data.glob("*/*.bwa*.bam")):
        file = BamFile(path)
        assert inflation_ratio(file) == pytest.approx(whole_ratio(file), rel=0.1)
        file.close()


def test_ratio_is_the_same_each_time(bam) -> None:
    assert inflation_ratio(bam("usual")) == inflation_ratio(bam("usual"))


def test_file_without_records_has_the_usual_ratio(bam) -> None:
    assert inflation_ratio(bam("without records")) == 4


def test_file_whose_blocks_cannot_be_read_has_the_usual_ratio() -> None:
    assert inflation_ratio(made_file([10], 1, leaves=1)) == 4
