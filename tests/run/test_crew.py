"""Who is there is known, also where workers leave while the scheduler is asked, or it does not answer at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("distributed")

from colonnade.run import crew as crews
from colonnade.run.carrying import FULL, SEARCH
from colonnade.run.crew import Crew

STAYS, LEAVES = "tcp://host:1", "tcp://host:2"
LOST = {"processing-tasks": {}, "lost-computed-tasks": set(), "lost-scattered-tasks": set(), "expected": True}


class Client:
    """A client whose scheduler answers as told."""

    def __init__(self, answer: Callable[["Client"], Awaitable[None]], *, has_workers: bool = True) -> None:
        self.status = "running"
        self.address = "tcp://host:0"
        self.scheduler = self
        self.tell: dict[str, Callable[[Any], None]] = {}
        self.asked = 0
        self._answer = answer
        self._has_workers = has_workers

    def subscribe_topic(self, topic: str, heed: Callable[[Any], None]) -> None:
        self.tell[topic] = heed

    async def identity(self, *, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        self.asked += 1
        worker = {"nthreads": 1, "resources": {SEARCH: 1, FULL: 1}}
        await self._answer(self)
        return {"workers": {STAYS: worker, LEAVES: worker} if self._has_workers else {}}


def members(answer: Callable[[Client], Awaitable[None]]) -> set[str]:
    """Those of whom a crew knows when the first is there."""

    async def watched() -> set[str]:
        crew = Crew(Client(answer), lambda _: 0)  # type: ignore[arg-type]
        watching = asyncio.ensure_future(crew.watch())
        await asyncio.wait_for(crew.wait_for(FULL), 5)
        watching.cancel()
        return set(crew.members)

    return asyncio.run(watched())


def test_who_leaves_while_the_scheduler_answers_is_not_there() -> None:
    async def leave(client: Client) -> None:
        client.tell["all"]((0.0, {"action": "remove-worker", "worker": LEAVES, **LOST}))

    assert members(leave) == {STAYS}


def test_a_scheduler_that_does_not_answer_is_asked_again() -> None:
    async def fail_once(client: Client) -> None:
        if client.asked == 1:
            raise OSError("connection reset")

    assert members(fail_once) == {STAYS, LEAVES}


async def answer_at_once(client: Client) -> None:
    pass


def test_that_nobody_is_there_is_said_again_and_again(caplog, monkeypatch) -> None:
    caplog.set_level(logging.INFO, logger="colonnade")
    assert crews._BETWEEN_MESSAGES == 30.0
    for name, seconds in [("_BETWEEN_LOOKS", 0.01), ("_BEFORE_THE_FIRST_MESSAGE", 0.05), ("_BETWEEN_MESSAGES", 0.1)]:
        monkeypatch.setattr(crews, name, seconds)

    async def waited() -> None:
        crew = Crew(Client(answer_at_once, has_workers=False), lambda _: 0)  # type: ignore[arg-type]
        watching = asyncio.ensure_future(crew.watch())
        waiting = asyncio.ensure_future(crew.wait_for(FULL))
        while len(caplog.messages) < 3:
            await asyncio.sleep(0.01)
        watching.cancel()
        waiting.cancel()

    asyncio.run(asyncio.wait_for(waited(), 30))
    assert {*caplog.messages} == {
        "no worker is there; waiting for one to join: colonnade worker --scheduler tcp://host:0 --role full"
    }
    times = [record.created for record in caplog.records]
    assert times[2] - times[1] >= 0.09


def test_a_loss_is_told_with_a_cause_that_is_heard_of_later(caplog) -> None:
    async def lost() -> None:
        client = Client(answer_at_once)
        crew = Crew(client, lambda _: 0)  # type: ignore[arg-type]
        watching = asyncio.ensure_future(crew.watch())
        await crew.wait_for(FULL)
        loss = {"action": "remove-worker", "worker": LEAVES, **LOST, "expected": False}
        client.tell["all"]((0.0, loss))
        memory = (0.0, {"worker": LEAVES, "used": 5 << 20})
        asyncio.get_running_loop().call_later(0.2, client.tell[crews._TOPICS[1]], memory)
        await crew.wait_for_causes()
        watching.cancel()

    asyncio.run(lost())
    assert caplog.messages == [f"worker {LEAVES} was lost, as it used 5 MiB (out of memory?)"]
