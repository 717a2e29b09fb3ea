"""Finding BGZF blocks in a buffer (SAM specification, section 4.1)."""

from colonnade.formats.integers_kernels import read_u16, read_u32
from colonnade.jit import kernel

OK = 0
NOT_A_BLOCK = 1
CUT_SHORT = 2

HEADER_SIZE = 12  # up to and including XLEN
TRAILER_SIZE = 8  # CRC32 and ISIZE


@kernel
def scan_blocks(data, stop, blocks):
    """Fill ``blocks`` (n, 4) with offset, deflate start, deflate length and ISIZE of each block that starts before ``stop``.

    Returns (number of blocks, offset after the last one, status). On a status other than OK the offset is where it went
    wrong. Stops early when ``blocks`` is full.
    """
    size = data.size
    offset = 0
    count = 0
    while offset < stop and count < blocks.shape[0]:
        if offset + HEADER_SIZE > size:
            return count, offset, CUT_SHORT
        if data[offset] != 31 or data[offset + 1] != 139 or data[offset + 2] != 8 or not data[offset + 3] & 4:
            return count, offset, NOT_A_BLOCK
        extra_end = offset + HEADER_SIZE + read_u16(data, offset + 10)
        if extra_end > size:
            return count, offset, CUT_SHORT
        field = offset + HEADER_SIZE
        block_size = 0
        while field + 4 <= extra_end:
            length = read_u16(data, field + 2)
            if data[field] == 66 and data[field + 1] == 67 and length == 2 and field + 6 <= extra_end:  # "BC"
                block_size = read_u16(data, field + 4) + 1
            field += 4 + length
        if block_size < extra_end - offset + TRAILER_SIZE:
            return count, offset, NOT_A_BLOCK
        end = offset + block_size
        if end > size:
            return count, offset, CUT_SHORT
        inflated = read_u32(data, end - 4)
        if inflated > 65536:
            return count, offset, NOT_A_BLOCK
        blocks[count, 0] = offset
        blocks[count, 1] = extra_end
        blocks[count, 2] = end - TRAILER_SIZE - extra_end
        blocks[count, 3] = inflated
        count += 1
        offset = end
    return count, offset, OK
