"""Threads carry tasks out in order; a relay is its two steps."""

import pytest

from colonnade.errors import UsageError
from colonnade.run.executor import Relay, Threads


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_give_results_in_order(threads: int) -> None:
    executor = Threads(threads)
    assert list(executor.map(lambda n: n * n, range(20), label=str)) == [n * n for n in range(20)]
    assert (executor.slots, executor.threads, executor.is_remote, executor.status) == (threads, threads, False, "")


def test_a_relay_is_its_two_steps() -> None:
    relay = Relay(str, len)
    assert list(Threads(2).map(relay, [1, 22, 333])) == [1, 2, 3]


def test_no_threads_are_refused() -> None:
    with pytest.raises(UsageError, match="threads is out of range; found 0"):
        Threads(0)
