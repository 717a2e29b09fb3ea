"""Further columns of the text: read names, flags, positions, tags."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from colonnade.pileup import extras_kernels as kernels
from colonnade.pileup.options import FIELDS, TextOptions
from colonnade.records.batch import RecordBatch
from colonnade.records.batch_kernels import find_tag, record_bounds

_COMMA: Final = ord(",")
_KINDS: Final = {
    "QNAME": kernels.QNAME, "FLAG": kernels.FLAG, "RNAME": kernels.RNAME, "POS": kernels.POS, "MAPQ": kernels.MAPQ,
    "RNEXT": kernels.RNEXT, "PNEXT": kernels.PNEXT, "RLEN": kernels.RLEN,
}  # fmt: skip


#: Texts one after the other as uint8, and where each ends as int64.
Joined: TypeAlias = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


class Values(NamedTuple):
    """What a field needs of a file and its records, as kernels take it.

    Parameters
    ----------
    names, name_ends
        uint8, int64: names of the contigs, one after the other.
    texts, text_ends
        uint8, int64: text of each record.
    """

    names: npt.NDArray[np.uint8]
    name_ends: npt.NDArray[np.int64]
    texts: npt.NDArray[np.uint8]
    text_ends: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Extra:
    """One further column.

    Parameters
    ----------
    kind
        What it says: a constant of ``extras_kernels``.
    separator
        Byte between values; 0 for none.
    tag
        Two letters, if it is a tag.
    empty
        What stands for a tag that a record lacks.
    """

    kind: int
    separator: int = _COMMA
    tag: str = ""
    empty: str = ""

    @property
    def shows_contigs(self) -> bool:
        """Whether it says names of contigs."""
        return self.kind in (kernels.RNAME, kernels.RNEXT)

    def values(self, batch: RecordBatch, names: Joined) -> Values:
        """What is needed to write this column for some records of a file; ``names`` are its contigs, if they are shown."""
        return Values(*names, *(self._texts(batch) if self.tag else joined([])))

    def _texts(self, batch: RecordBatch) -> Joined:
        first, second = self.tag.encode()
        empty = np.frombuffer(self.empty.encode(), np.uint8)
        ends = np.zeros(len(batch), np.int64)
        has_float = kernels.tag_texts(batch.data, batch.records, first, second, empty, np.empty(0, np.uint8), ends)
        texts = np.empty(max(1, int(ends[-1])) if len(ends) else 1, np.uint8)
        kernels.tag_texts(batch.data, batch.records, first, second, empty, texts, ends)
        return self._with_floats(batch, texts, ends) if has_float else (texts, ends)

    def _with_floats(self, batch: RecordBatch, texts: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> Joined:
        """The texts, with those of floats, which are empty so far."""
        values = []
        for record, start, end in zip(batch.records, [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            tag = find_tag(
                batch.data, record["qual"] + record["l_seq"], record_bounds(batch.data, record)[1], *self.tag.encode()
            )
            kind = chr(batch.data[tag]) if tag >= 0 else ""
            if kind in ("f", "d"):
                size = struct.calcsize(kind)
                (value,) = struct.unpack(f"<{kind}", batch.data[tag + 1 : tag + 1 + size].tobytes())
                values.append(float_text(value).encode())
            else:
                values.append(texts[start:end].tobytes())
        return joined(values)


def extras_of(options: TextOptions) -> list[Extra]:
    """The further columns in samtools' order: that of its own list, with the tags last."""
    extras = []
    if options.mapq:
        extras.append(Extra(kernels.MAPQ_LETTER, separator=0))
    if options.query_positions:
        extras.append(Extra(kernels.QUERY_POSITION))
    extras += [Extra(_KINDS[name]) for name in FIELDS if name in options.extra]
    if options.query_positions_5:
        extras.append(Extra(kernels.QUERY_POSITION_5))
    tags = [name for name in options.extra if name not in FIELDS]
    separator = ord(options.separator)
    return extras + [Extra(kernels.TAG, separator=separator, tag=tag, empty=options.empty) for tag in tags]


def float_text(value: float) -> str:
    """Six significant digits without trailing zeros, rounded as htslib's kputd does: to even after scaling."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    value = abs(value)
    if value == 0:
        return f"{sign}0"
    if not 0.0001 <= value <= 999999:
        return f"{sign}{value:g}"
    decimals = next(d for d, limit in enumerate((1e5, 1e4, 1e3, 1e2, 10, 1, 0.1, 0.01, 0.001, 0)) if value >= limit)
    scaled = str(int(np.rint(value * 10**decimals))).rjust(decimals + 1, "0")
    whole, fraction = scaled[: len(scaled) - decimals], scaled[len(scaled) - decimals :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def joined(texts: Sequence[bytes]) -> Joined:
    """Texts one after the other, and where each ends."""
    return np.frombuffer(b"".join(texts) or b"\0", np.uint8), np.cumsum([len(text) for text in texts], dtype=np.int64)
