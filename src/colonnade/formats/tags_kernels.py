"""Tags of BAM records (SAM specification, section 4.2.4): where each ends."""

from colonnade.formats.integers_kernels import read_u32
from colonnade.jit import kernel

NO_TAG, MALFORMED = -1, -2  # instead of an offset


@kernel
def tag_end(data, tag, end):
    """Where the tag that begins at an offset ends, or ``MALFORMED`` where it does not fit in front of ``end``."""
    if tag + 4 > end:
        return MALFORMED
    kind = data[tag + 2]
    at = tag + 3
    if kind == 90 or kind == 72:  # Z H
        while at < end and data[at] != 0:
            at += 1
        at += 1
    elif kind == 66:  # B
        if at + 5 > end or _value_size(data[at]) == 0:
            return MALFORMED
        at += 5 + _value_size(data[at]) * read_u32(data, at + 1)
    elif _value_size(kind):
        at += _value_size(kind)
    else:
        return MALFORMED
    return at if at <= end else MALFORMED


@kernel
def _value_size(kind):
    if kind == 65 or kind == 99 or kind == 67:  # A c C
        return 1
    if kind == 115 or kind == 83:  # s S
        return 2
    if kind == 105 or kind == 73 or kind == 102:  # i I f
        return 4
    if kind == 100:  # d, which is not in the specification, but which htslib knows
        return 8
    return 0
