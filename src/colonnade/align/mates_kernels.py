"""Mates beside each other: found among the records of one file, or brought together from two."""

import numpy as np

from colonnade.align.record_kernels import (
    DUPLICATE,
    FIRST,
    FLAG,
    KEPT,
    LAST,
    NAME,
    NAME_LENGTH,
    PAIRED,
    PASSED,
    flag_of,
)
from colonnade.formats.writing_kernels import put_bytes, put_u16
from colonnade.jit import kernel

# What becomes of a mate without its mate, in the order of options.ORPHANS.
REFUSE, DROP, SINGLE = (np.int64(choice) for choice in range(3))

NO_READ = -1


@kernel
def _is_one_end(flag):
    """Whether a read is either the first or the last of its template, which may have others (SAM specification, section 1.4)."""
    return (flag & FIRST == 0) != (flag & LAST == 0)


@kernel
def _have_one_name(data, record, others, other):
    length = np.int64(data[record + NAME_LENGTH])
    if length != others[other + NAME_LENGTH]:
        return False
    for i in range(length):
        if data[record + NAME + i] != others[other + NAME + i]:
            return False
    return True


@kernel
def _are_mates(data, record, other, is_interleaved):
    flag, other_flag = flag_of(data, record), flag_of(data, other)
    if is_interleaved:
        return _have_one_name(data, record, data, other)
    if other_flag & KEPT or not _is_one_end(flag) or not _is_one_end(other_flag):
        return False
    return flag & FIRST != other_flag & FIRST and _have_one_name(data, record, data, other)


@kernel
def _mark_pair(data, record, other, is_interleaved, skips_duplicates):
    flag, other_flag = flag_of(data, record), flag_of(data, other)
    if is_interleaved:
        flag |= PAIRED | FIRST
        other_flag |= PAIRED | LAST
    if skips_duplicates and (flag | other_flag) & DUPLICATE:
        flag |= PASSED
        other_flag |= PASSED
    put_u16(data, record + FLAG, flag)
    put_u16(data, other + FLAG, other_flag)


@kernel
def _mark_single(data, record, flag, skips_duplicates):
    if skips_duplicates and flag & DUPLICATE:
        flag |= PASSED
    put_u16(data, record + FLAG, flag)


@kernel
def _alone(flag):
    """The flag of a mate that goes on as a single read: one of FIRST and LAST tells it from others."""
    return flag & ~PAIRED if _is_one_end(flag) else flag & ~(PAIRED | LAST) | FIRST


@kernel
def pair_mates(data, offsets, is_interleaved, orphans, skips_duplicates, is_end, stays):
    """Find the pairs among records, and mark in their flags what is to be marked.

    Parameters
    ----------
    data, offsets
        Records, uint8 and int64 (records + 1,); flags are changed.
    is_interleaved
        Whether two records of one name are mates, whatever their flags.
    orphans
        What becomes of mates without mates: REFUSE, DROP, or SINGLE.
    skips_duplicates
        Whether duplicates, and their mates, are marked as PASSED.
    is_end
        Whether no record follows; otherwise the last one may wait for its mate.
    stays
        uint8 (records,), filled: 1 for each record that is not dropped.

    Returns
    -------
    Number of records done, that of orphans among them, and the orphan at which it came back, or NO_READ.
    """
    n_reads = offsets.size - 1
    n_orphans = 0
    read = 0
    while read < n_reads:
        record = offsets[read]
        flag = flag_of(data, record)
        stays[read] = 1
        if flag & KEPT:
            read += 1
        elif not is_interleaved and not flag & PAIRED:
            _mark_single(data, record, flag, skips_duplicates)
            read += 1
        elif read + 1 == n_reads and not is_end:
            break
        elif read + 1 < n_reads and _are_mates(data, record, offsets[read + 1], is_interleaved):
            _mark_pair(data, record, offsets[read + 1], is_interleaved, skips_duplicates)
            stays[read + 1] = 1
            read += 2
        elif orphans == REFUSE:
            return read, n_orphans, read
        else:
            _mark_single(data, record, _alone(flag), skips_duplicates)
            stays[read] = orphans == SINGLE
            n_orphans += 1
            read += 1
    return read, n_orphans, NO_READ


@kernel
def copy_staying(data, offsets, stays, out, out_offsets):
    """Copy those of the first records that stay."""
    count = 0
    for read in range(stays.size):
        if stays[read]:
            out_offsets[count + 1] = put_bytes(out, out_offsets[count], data, offsets[read], offsets[read + 1])
            count += 1


@kernel
def put_in_turns(firsts, first_offsets, lasts, last_offsets, out, offsets):
    """Copy records of two files, one of each in turn, and mark them as pairs.

    Parameters
    ----------
    firsts, first_offsets, lasts, last_offsets
        Records of each file, uint8 and int64 (pairs + 1,).
    out, offsets
        Filled: all records, uint8 and int64 (2 x pairs + 1,).

    Returns
    -------
    Number of pairs before the first of two names, or of all.
    """
    for pair in range(first_offsets.size - 1):
        first, last = first_offsets[pair], last_offsets[pair]
        if not _have_one_name(firsts, first, lasts, last):
            return pair
        at = offsets[2 * pair]
        middle = put_bytes(out, at, firsts, first, first_offsets[pair + 1])
        put_u16(out, at + FLAG, flag_of(out, at) | PAIRED | FIRST)
        offsets[2 * pair + 1] = middle
        offsets[2 * pair + 2] = put_bytes(out, middle, lasts, last, last_offsets[pair + 1])
        put_u16(out, middle + FLAG, flag_of(out, middle) | PAIRED | LAST)
    return first_offsets.size - 1
