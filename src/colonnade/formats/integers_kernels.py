"""Little-endian integers out of bytes, for BGZF, BAM, BAI and CSI.

Bytes are widened first: NumPy's own scalars, used when JIT is off, would overflow.
"""

import numpy as np

from colonnade.jit import kernel


@kernel
def read_u16(data, offset):
    """Two bytes of uint8 ``data`` as int64."""
    return np.int64(data[offset]) | np.int64(data[offset + 1]) << 8


@kernel
def read_u32(data, offset):
    """Four bytes as int64."""
    return (
        np.int64(data[offset])
        | np.int64(data[offset + 1]) << 8
        | np.int64(data[offset + 2]) << 16
        | np.int64(data[offset + 3]) << 24
    )


@kernel
def read_i32(data, offset):
    """Four bytes, signed, as int64."""
    value = read_u32(data, offset)
    return value - (1 << 32) if value >= 1 << 31 else value


@kernel
def read_i64(data, offset):
    """Eight bytes, signed."""
    return read_u32(data, offset) | read_u32(data, offset + 4) << np.int64(32)
