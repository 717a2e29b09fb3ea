"""A task: what it takes to let others do nothing, on the workers of a scheduler: ``travel_one.py TASKS SENT back|none``.

The scheduler is that of ``$DASK_SCHEDULER_ADDRESS``. Tasks are ``SENT`` bytes each, which come back or do not.
"""

import operator
import os
import sys

from colonnade.run.cluster import connect


def main(tasks: str, size: str, what: str) -> None:
    """Do them."""
    data = os.urandom(int(size))
    function = {"back": bytes, "none": len}[what]
    with connect(os.environ["DASK_SCHEDULER_ADDRESS"]) as workers:
        done = sum(map(operator.truth, workers.map(function, (data for _ in range(int(tasks))))))
    if done != int(tasks):
        raise SystemExit(f"{done} of {tasks} are done")


if __name__ == "__main__":
    main(*sys.argv[1:])
