"""A test that would wait for ever fails instead."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest


@pytest.mark.parametrize("wait", [threading.Event().wait, Future().result, threading.Barrier(2).wait])
def test_a_wait_without_end_is_ended(wait: Callable[[], object]) -> None:
    signal.alarm(1)  # earlier than the limit that is set already
    with pytest.raises(AssertionError, match="not done after"):
        wait()
