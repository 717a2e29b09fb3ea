"""The two records of each pair brought side by side, or the one line that says whose mate is not there."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.align import mates_kernels as kernels
from colonnade.align.options import ORPHANS, AlignOptions
from colonnade.align.record_kernels import FIRST, KEPT, LAST, NAME, PAIRED, flag_of
from colonnade.errors import InputError
from colonnade.formats.packer import Records

_NO_RECORDS: Final = Records(np.empty(0, np.uint8), np.zeros(1, np.int64))
_NUMBERED: Final = "they differ in the mate's number alone: take it off all names"
_GO_ON: Final = "go on with --orphans drop or --orphans single"


class Mates:
    """The pairs among the records of one file, whose mates follow each other directly, in either order.

    Duplicates are marked, too, where they are not to be searched for.

    Parameters
    ----------
    path
        As messages name the file.
    options
        What becomes of mates without mates, and of duplicates.
    is_interleaved
        Whether each two records of one name are mates, as in FASTQ; those of BAM have flags that tell.

    Attributes
    ----------
    orphans
        Mates without mates met so far.
    is_interleaved
        As above.
    """

    def __init__(self, path: str, options: AlignOptions, *, is_interleaved: bool = False) -> None:
        self.orphans = 0
        self._path = path
        self.is_interleaved = is_interleaved
        self._rules = is_interleaved, ORPHANS.index(options.orphans), options.skip_duplicates

    def paired(self, batches: Iterable[Records]) -> Iterator[Records]:
        """The same records, the mates of each pair in one batch; flags are marked in place.

        Raises
        ------
        InputError
            A mate is alone, and orphans are an error.
        """
        rest = _NO_RECORDS
        for batch in batches:
            records = _joined(rest, batch) if rest.data.size else batch
            stays = self._pair(records, is_end=False)
            yield from _staying(records, stays)
            rest = _copied(records, stays.size)
        yield from _staying(rest, self._pair(rest, is_end=True))

    def _pair(self, records: Records, *, is_end: bool) -> npt.NDArray[np.uint8]:
        """Which of the records stay, (done,): all, or all but one that waits for its mate."""
        stays = np.zeros(_count(records), np.uint8)
        done, orphans, orphan = kernels.pair_mates(*records, *self._rules, is_end, stays)
        self.orphans += orphans
        if orphan != kernels.NO_READ:
            raise self._error(records, orphan)
        return stays[:done]

    def _error(self, records: Records, orphan: int) -> InputError:
        ends = flag_of(records.data, records.offsets[orphan]) & (FIRST | LAST)
        found: str | None = None
        if self.is_interleaved or ends in (FIRST, LAST):
            message, found, expected = "a read without its mate", self._following(records, orphan), "its mate"
        else:
            message = "a paired read is both first and last" if ends else "a paired read is neither first nor last"
            expected = "one of the flags 0x40 and 0x80"
        return InputError(
            message,
            path=self._path,
            place=f"read {_name(records, orphan)}",
            found=found,
            expected=expected,
            advice=_GO_ON if self.is_interleaved else f"bring mates together with samtools collate, or {_GO_ON}",
        )

    def _following(self, records: Records, orphan: int) -> str:
        """What follows a read instead of its mate."""
        following = orphan + 1
        if following == _count(records):
            return "the end of the file behind it"
        name = _name(records, following)
        if name != _name(records, orphan):
            return f"read {name} behind it"
        flag = flag_of(records.data, records.offsets[following])
        if flag & KEPT:
            return "a record of its name that is aligned"
        if not flag & PAIRED:
            return "a single read of its name"
        return "another read of its name, but not the other end"


class TwoFiles:
    """The pairs of two files, whose mates stand in the same order.

    Parameters
    ----------
    first_path, last_path
        As messages name the files.

    Attributes
    ----------
    orphans
        None: they are errors.
    """

    orphans: Final = 0

    def __init__(self, first_path: str, last_path: str) -> None:
        self._paths = first_path, last_path

    def paired(self, firsts: Iterator[Records], lasts: Iterator[Records]) -> Iterator[Records]:
        """The records of both, one of each file in turn, marked as mates.

        Raises
        ------
        InputError
            Two names differ, or one file ends before the other.
        """
        done = 0
        first, last = next(firsts, _NO_RECORDS), next(lasts, _NO_RECORDS)
        while pairs := min(_count(first), _count(last)):
            yield self._in_turns(_part(first, 0, pairs), _part(last, 0, pairs), done)
            done += pairs
            first = _part(first, pairs) if pairs < _count(first) else next(firsts, _NO_RECORDS)
            last = _part(last, pairs) if pairs < _count(last) else next(lasts, _NO_RECORDS)
        if _count(first) or _count(last):
            raise self._error(done, first, last)

    def _in_turns(self, firsts: Records, lasts: Records, done: int) -> Records:
        size = sum(int(side.offsets[-1] - side.offsets[0]) for side in (firsts, lasts))
        both = Records(np.empty(size, np.uint8), np.zeros(2 * _count(firsts) + 1, np.int64))
        agreeing = kernels.put_in_turns(*firsts, *lasts, *both)
        if agreeing < _count(firsts):
            raise self._error(done + agreeing, _part(firsts, agreeing), _part(lasts, agreeing))
        return both

    def _error(self, done: int, first: Records, last: Records) -> InputError:
        """Of the first records, which are no mates, or of one of them, where the other file has none."""
        names = [_name(records, 0) if _count(records) else "the end of the file" for records in (first, last)]
        are_numbered = names[0].endswith((".1", "_1")) and names[1] == f"{names[0][:-1]}2"
        return InputError(
            "the two files do not have the same reads in the same order",
            path=self._paths[0],
            place=f"read {done + 1}",
            found=names[0],
            expected=f"{names[1]}, as in {self._paths[1]}",
            advice=_NUMBERED
            if are_numbered
            else "pair them again, such as with seqkit pair, from files that are whole",
        )


def _count(records: Records) -> int:
    return len(records.offsets) - 1


def _part(records: Records, start: int, end: int | None = None) -> Records:
    return Records(records.data, records.offsets[start : None if end is None else end + 1])


def _name(records: Records, read: int) -> str:
    start = int(records.offsets[read] + NAME)
    return records.data[start : records.offsets[read + 1]].tobytes().partition(b"\0")[0].decode(errors="replace")


def _joined(rest: Records, batch: Records) -> Records:
    offsets = np.concatenate((rest.offsets, rest.data.size + batch.offsets[1:]))
    return Records(np.concatenate((rest.data, batch.data)), offsets)


def _copied(records: Records, start: int) -> Records:
    """The records from one on, so that the others need not stay in memory."""
    return Records(records.data[records.offsets[start] :].copy(), records.offsets[start:] - records.offsets[start])


def _staying(records: Records, stays: npt.NDArray[np.uint8]) -> Iterator[Records]:
    """Those that stay of the first records, as a batch if there are any."""
    if not stays.any():
        return
    if stays.all():
        yield Records(records.data[: records.offsets[stays.size]], records.offsets[: stays.size + 1])
        return
    out, offsets = np.empty_like(records.data), np.zeros(int(stays.sum()) + 1, np.int64)
    kernels.copy_staying(*records, stays, out, offsets)
    yield Records(out[: offsets[-1]], offsets)
