"""Makes the helper modules beside the tests importable, and the files that many tests plan."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_bam import made_bam

from colonnade.formats.bam import BamFile


@pytest.fixture(scope="session")
def bam(tmp_path_factory) -> Iterator[Callable[[str, str], BamFile]]:
    """An open file of a kind and an index layout, made when first asked for."""
    folder = tmp_path_factory.mktemp("plan")
    files: dict[tuple[str, str], BamFile] = {}

    def get(kind: str, layout: str = "bai") -> BamFile:
        if (kind, layout) not in files:
            name = f"{kind}.{layout}.bam".replace(" ", "_")
            files[kind, layout] = BamFile(made_bam(folder / name, kind, layout))
        return files[kind, layout]

    yield get
    for file in files.values():
        file.close()
