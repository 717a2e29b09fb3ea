"""What is inside the page of a report: its settings, and its data as arrays."""

import base64
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_SCRIPT = r'<script type="[^"]*" id="{}">([^<]*)</script>'


@dataclass(frozen=True)
class Frame:
    """Columns of a page, and what the numbers of some stand for."""

    columns: dict[str, npt.NDArray[Any]]
    texts: dict[str, list[str]]


def settings_of(page: Path) -> dict[str, Any]:
    """What the page's scripts are told."""
    return dict(json.loads(_content(page, "settings")))


def frame_of(page: Path, name: str) -> Frame:
    """Some of the page's data."""
    return unpacked(_content(page, f"frame-{name}"))


def file_of(page: Path, table: str) -> bytes:
    """The file of a table as the page holds it."""
    return zlib.decompress(base64.b64decode(_content(page, f"frame-file-{table}")))


def frames_of(page: Path) -> list[str]:
    """The names of all data of a page."""
    return re.findall(r'id="frame-([^"]+)"', page.read_text(encoding="utf-8"))


def unpacked(packed: str) -> Frame:
    """What ``pack_columns`` packed, by its description."""
    data = zlib.decompress(base64.b64decode(packed))
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    columns, offset = {}, 4 + length
    for name, kind, count in header["columns"]:
        assert offset % 8 == 0
        columns[name] = np.frombuffer(data, np.dtype(f"<{kind}"), count, offset)
        offset += -(-columns[name].nbytes // 8) * 8
    assert offset == len(data)
    return Frame(columns, header["texts"])


def _content(page: Path, name: str) -> str:
    found = re.search(_SCRIPT.format(re.escape(name)), page.read_text(encoding="utf-8"))
    assert found, f"the page has no {name}"
    return found[1]
