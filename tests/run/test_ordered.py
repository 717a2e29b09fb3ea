"""Results come in the order of the tasks, few at a time, and errors end the work."""

import threading
import time
from itertools import count

import pytest

from colonnade.run.ordered import check_stopped, ordered_map


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order(threads: int) -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.002 * (number % 3 == 0))
        return number * number

    assert list(ordered_map(slow_first, range(40), threads=threads)) == [n * n for n in range(40)]


@pytest.mark.parametrize("threads", [1, 2])
def test_no_tasks_give_no_results(threads: int) -> None:
    assert list(ordered_map(str, [], threads=threads)) == []


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_few_results_wait(threads: int) -> None:
    taken = []

    def tasks():
        for number in range(50):
            taken.append(number)
            yield number

    for done, _ in enumerate(ordered_map(abs, tasks(), threads=threads)):
        assert len(taken) - done <= threads + 1


def test_endless_tasks_can_be_left() -> None:
    for threads in (1, 2):
        results = ordered_map(abs, count(), threads=threads)
        assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
        results.close()


def test_one_thread_means_the_callers() -> None:
    assert set(ordered_map(lambda _: threading.get_ident(), range(3), threads=1)) == {threading.get_ident()}


def test_more_threads_work_side_by_side() -> None:
    barrier = threading.Barrier(3, timeout=10)
    assert len(list(ordered_map(lambda _: barrier.wait(), range(3), threads=3))) == 3


@pytest.mark.parametrize("threads", [1, 2])
def test_first_error_ends_the_work(threads: int) -> None:
    begun = []

    def fail_at_five(number: int) -> int:
        begun.append(number)
        if number == 5:
            raise ValueError("five")
        return number

    results = ordered_map(fail_at_five, range(1000), threads=threads)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(results)
    assert list(results) == []
    assert len(begun) < 20


@pytest.mark.parametrize("threads", [1, 2])
def test_error_of_the_tasks_themselves_is_passed_on(threads: int) -> None:
    def tasks():
        yield 1
        raise KeyError("tasks")

    with pytest.raises(KeyError, match="tasks"):
        list(ordered_map(abs, tasks(), threads=threads))


def test_no_thread_is_left_after_an_interrupt() -> None:
    before = threading.active_count()

    def interrupt(number: int) -> int:
        if number == 3:
            raise KeyboardInterrupt
        return number

    with pytest.raises(KeyboardInterrupt):
        list(ordered_map(interrupt, range(100), threads=2))
    assert threading.active_count() == before


def test_tasks_at_work_end_when_nobody_waits_for_them() -> None:
    began, ended = threading.Event(), threading.Event()

    def endless(number: int) -> int:
        if number == 0:
            began.wait(10)
            raise ValueError("first")
        began.set()
        try:
            for _ in range(1000):
                time.sleep(0.01)
                check_stopped()
        finally:
            ended.set()
        raise AssertionError("was never stopped")

    with pytest.raises(ValueError, match="first"):
        list(ordered_map(endless, range(2), threads=2))
    assert ended.is_set()


def test_outside_of_tasks_nothing_is_stopped() -> None:
    check_stopped()
