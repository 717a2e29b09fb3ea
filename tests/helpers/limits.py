"""A limit of time for tests that wait for other processes."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

_SECONDS = 180


@pytest.fixture(autouse=True)
def limited_time() -> Iterator[None]:
    """Let a test fail that would wait for ever."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"not done after {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
