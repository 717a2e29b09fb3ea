"""The command line with small batches, so that few reads are many tasks, and with all that is told told at once.

The environment variable PAUSE has the seconds for which it waits after each batch, so that what happens to it happens amid work.
"""

import os
import sys
import time

from colonnade.align import engine
from colonnade.align.reads import Cut
from colonnade.cli import main
from colonnade.pileup import text
from colonnade.run import crew, progress
from colonnade.run.pace import Pace


class Slow(Pace):
    """Takes its time to take note."""

    def update(self, done: int, total: int | None) -> None:
        super().update(done, total)
        time.sleep(float(os.environ.get("PAUSE", "0")))


SETTINGS = (
    (progress, "Pace", Slow),
    (engine, "LARGE", Cut(250, 8 << 20)),
    (engine, "SMALL", Cut(250, 8 << 20)),
    (text, "_FAR_COLUMNS", 5_000),
    (progress, "_SECONDS_BETWEEN_LINES", 0.01),
    (crew, "_BEFORE_THE_FIRST_MESSAGE", 0.5),
)


if __name__ == "__main__":
    for module, name, value in SETTINGS:
        setattr(module, name, value)
    sys.exit(main())
