"""What starts the process of a worker, watches over its memory, and starts it anew."""

import signal
from contextlib import suppress
from typing import Any, Final

import psutil
from distributed import Nanny, Worker
from tornado.ioloop import PeriodicCallback

_BETWEEN_LOOKS: Final = 100  # milliseconds
TOPIC: Final = "worker-restart-memory"
"""Of events, as Dask itself names it: a worker's process was ended, as it used too much memory."""


class SparingNanny(Nanny):  # type: ignore[misc]
    """Ends the process of its worker beyond the limit, where files that are mapped, such as an index, do not count.

    Dask's own counts them, so that a large index alone would end each of several workers on a machine, which share it.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, worker_class=_Undisturbed, **settings)
        self.periodic_callbacks["colonnade-memory"] = PeriodicCallback(self._look, _BETWEEN_LOOKS)

    def _look(self) -> None:
        limit = self.memory_manager.memory_limit
        if self.pid is None or limit is None:
            return
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            used = own_memory(process)
            if used > limit:
                self.log_event(TOPIC, {"worker": self.worker_address, "used": used})
                process.kill()


class _Undisturbed(Worker):  # type: ignore[misc]
    """Ends when its nanny wants it to; an interrupt at the terminal reaches all processes."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        super().__init__(*args, **settings)


def own_memory(process: psutil.Process) -> int:
    """Bytes that no file and no other process has."""
    memory = process.memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))
