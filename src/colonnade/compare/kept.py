"""Results in a file: of a run that is not finished, to go on behind them, or of a part, to be merged with the others."""

from collections.abc import Generator
from typing import Final

from colonnade.compare.cover import Cover
from colonnade.compare.packing import ResultReader
from colonnade.compare.ranges import RangeResult
from colonnade.errors import FormatError
from colonnade.formats.frames import Frames

JOB: Final = "compare"  # of which the results are; other jobs keep theirs in such files, too


def kept_results(frames: Frames, reader: ResultReader, cover: Cover) -> Generator[RangeResult, None, None]:
    """The results in a file, which cover what comes next."""
    for data in frames:
        result = reader.read(data, path=frames.path)
        try:
            cover.take(result.region)
        except ValueError as error:
            raise FormatError("results of other ranges", path=frames.path, found=str(error)) from None
        yield result
