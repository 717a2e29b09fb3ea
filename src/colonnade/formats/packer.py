"""From a stream to records of BAM, many at a time: the loop that FASTQ and BAM have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from colonnade.errors import ColonnadeError, FormatError
from colonnade.formats.fastq_kernels import FULL, MORE
from colonnade.formats.stream import InputStream

_LONGEST: Final = 1 << 29  # bytes of a record that are waited for; a hundred times what sequencers give


class Packed(NamedTuple):
    """How far a kernel came.

    Attributes
    ----------
    made, at
        Records made in all, and where the next one begins in the input.
    status
        MORE, FULL, or what is wrong.
    place
        Which byte of the input is to blame.
    """

    made: int
    at: int
    status: int
    place: int


class Records(NamedTuple):
    """Records of BAM, one behind the other.

    Attributes
    ----------
    data, offsets
        uint8 bytes, and int64 offsets (records + 1,) into them.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]


class RecordPacker(ABC):
    """Makes BAM records of what a stream holds.

    Parameters
    ----------
    stream
        From where the first record begins.
    """

    def __init__(self, stream: InputStream) -> None:
        self.stream = stream
        self._done = 0

    def batches(self, *, reads: int, size: int) -> Iterator[Records]:
        """All records.

        Parameters
        ----------
        reads
            Records in a batch at most,
        size
            and bytes at most, unless one record has more.
        """
        has_more = True
        while has_more:
            out, offsets = np.empty(size, np.uint8), np.zeros(reads + 1, np.int64)
            count, has_more, out = self._fill(out, offsets)
            if count:
                yield Records(out[: offsets[count]], offsets[: count + 1])

    @property
    def left_out(self) -> int:
        """Records of the input so far of which none were made, as they are not reads of their own."""
        return 0

    @abstractmethod
    def _pack(self, out: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], count: int) -> Packed:
        """Run the kernel over what the stream has in memory."""

    @abstractmethod
    def _goes_on(self) -> bool:
        """Whether there is anything to be made of the bytes left at the end of the stream; raises where they are wrong."""

    @abstractmethod
    def _complaint(self, packed: Packed) -> ColonnadeError:
        """What is wrong."""

    def _fill(
        self, out: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
    ) -> tuple[int, bool, npt.NDArray[np.uint8]]:
        """Fill a batch; returns its records, whether there may be others, and the bytes, which one long record moves."""
        before, count = self._done, 0
        while True:
            packed = self._pack(out, offsets, count)
            count, self.stream.at = packed.made, packed.at
            self._done = before + count
            if packed.status == MORE:
                self._check_length()
                if not self.stream.extend() and not self._goes_on():
                    return count, False, out
            elif packed.status != FULL:
                raise self._complaint(packed)
            elif count:
                return count, True, out
            else:
                out = np.empty(2 * out.size, np.uint8)

    def _check_length(self) -> None:
        waiting = self.stream.data.size - self.stream.at
        if waiting > _LONGEST:
            raise FormatError(
                "a record is too long",
                path=self.stream.path,
                place=f"after {self._done} records",
                found=f"{waiting} bytes without an end",
            )
