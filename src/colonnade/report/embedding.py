"""Columns of numbers inside a page: compressed, and as text that HTML cannot take for anything else."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from colonnade.report.markup import printable

Array = npt.NDArray[Any]

#: What an integer column holds where there is no value: the largest number of its type.
MISSING_2: Final = np.iinfo(np.uint16).max
MISSING_4: Final = np.iinfo(np.uint32).max

_ALIGNMENT: Final = 8  # bytes, so that typed arrays can lie on each column
_LEVEL: Final = 6  # zlib's default: 9 takes three times as long for 1 % of the size
_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def pack_columns(columns: Mapping[str, Array], texts: Mapping[str, Sequence[str]] | None = None) -> str:
    """Columns as text: base64 of zlib of a JSON header with its length before it, and the little-endian columns.

    Parameters
    ----------
    columns
        Arrays of unsigned integers or floats, of any lengths; of several dimensions are laid end to end.
    texts
        By name of a column: what its numbers stand for.
    """
    flat = {name: np.ascontiguousarray(values).reshape(-1) for name, values in columns.items()}
    described = [[name, values.dtype.kind + str(values.dtype.itemsize), len(values)] for name, values in flat.items()]
    header = json.dumps({"columns": described, "texts": texts or {}}, separators=(",", ":")).encode()
    header += b" " * (-(len(header) + 4) % _ALIGNMENT)
    parts = [len(header).to_bytes(4, "little"), header]
    for values in flat.values():
        data = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        parts += [data, b"\0" * (-len(data) % _ALIGNMENT)]
    return pack_bytes(b"".join(parts))


def pack_bytes(data: bytes) -> str:
    """Base64 of zlib of some bytes."""
    return base64.b64encode(zlib.compress(data, _LEVEL)).decode("ascii")


def pack_json(value: Any) -> str:
    r"""JSON that may stand inside a script element: no text in it can end the element or begin a comment.

    >>> pack_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return printable("".join(_ESCAPES.get(letter, letter) for letter in text))
