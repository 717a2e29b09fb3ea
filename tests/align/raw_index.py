"""bwa's index files of small texts, made the slow way: by sorting all suffixes."""

from pathlib import Path
from struct import pack

import numpy as np

BASES = "ACGT"
_COMPLEMENT = str.maketrans(BASES, BASES[::-1])


def both_strands(forward: str) -> str:
    return forward + forward[::-1].translate(_COMPLEMENT)


def suffix_rows(text: str) -> list[int]:
    """Where the suffix of each row begins; that of row 0 is empty."""
    return sorted(range(len(text) + 1), key=lambda start: text[start:])


def last_column(text: str) -> list[str]:
    """The base before each suffix; none before the whole text."""
    return [text[start - 1] if start else "" for start in suffix_rows(text)]


def ends(text: str) -> list[int]:
    return np.cumsum([text.count(base) for base in BASES]).tolist()


def packed(bases: str) -> bytes:
    """Four bases a byte, the first in the high bits."""
    codes = [BASES.index(base) for base in bases.ljust(-(-len(bases) // 4) * 4, "A")]
    return bytes(sum(code << 6 - 2 * i for i, code in enumerate(codes[k : k + 4])) for k in range(0, len(codes), 4))


def words(bases: str) -> bytes:
    """Sixteen bases a word of 32 bits, the first in the highest bits."""
    data = packed(bases.ljust(-(-len(bases) // 16) * 16, "A"))
    return b"".join(data[k : k + 4][::-1] for k in range(0, len(data), 4))


def bwt_bytes(text: str) -> bytes:
    column = last_column(text)
    stored = "".join(column)
    blocks = [
        pack("<4Q", *(stored.count(base, 0, k) for base in BASES)) + words(stored[k : k + 128])
        for k in range(0, len(stored), 128)
    ]
    return b"".join([pack("<5Q", column.index(""), *ends(text)), *blocks, pack("<4Q", *map(text.count, BASES))])


def sa_bytes(text: str, interval: int = 32) -> bytes:
    rows = suffix_rows(text)
    samples = rows[::interval][1:]
    return pack("<7Q", rows.index(0), *ends(text), interval, len(text)) + pack(f"<{len(samples)}Q", *samples)


def pac_bytes(forward: str) -> bytes:
    return packed(forward) + b"\0" * (len(forward) % 4 == 0) + bytes([len(forward) % 4])


def write_bwt(path: Path, text: str) -> Path:
    path.write_bytes(bwt_bytes(text))
    return path


def write_index(prefix: Path, contigs: dict[str, str]) -> Path:
    """All five files, of contigs without ambiguous bases."""
    forward = "".join(contigs.values())
    lines, offset = [f"{len(forward)} {len(contigs)} 11"], 0
    for name, bases in contigs.items():
        lines += [f"0 {name} (null)", f"{offset} {len(bases)} 0"]
        offset += len(bases)
    text = both_strands(forward)
    for suffix, data in {
        "bwt": bwt_bytes(text),
        "sa": sa_bytes(text),
        "pac": pac_bytes(forward),
        "ann": "".join(f"{line}\n" for line in lines).encode(),
        "amb": f"{len(forward)} {len(contigs)} 0\n".encode(),
    }.items():
        prefix.with_name(f"{prefix.name}.{suffix}").write_bytes(data)
    return prefix
