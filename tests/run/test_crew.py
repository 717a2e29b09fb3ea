"""Who is there is known, also where workers leave while the scheduler is asked, or it does not answer at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("distributed")

from colonnade.run.carrying import FULL, SEARCH
from colonnade.run.crew import Crew

STAYS, LEAVES = "tcp://host:1", "tcp://host:2"
LOST = {"processing-tasks": {}, "lost-computed-tasks": set(), "lost-scattered-tasks": set(), "expected": True}


class Client:
    """A client whose scheduler answers as told."""

    def __init__(self, answer: Callable[["Client"], Awaitable[None]]) -> None:
        self.status = "running"
        self.scheduler = self
        self.tell: dict[str, Callable[[Any], None]] = {}
        self.asked = 0
        self._answer = answer

    def subscribe_topic(self, topic: str, heed: Callable[[Any], None]) -> None:
        self.tell[topic] = heed

    async def identity(self, *, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        self.asked += 1
        worker = {"nthreads": 1, "resources": {SEARCH: 1, FULL: 1}}
        await self._answer(self)
        return {"workers": {STAYS: worker, LEAVES: worker}}


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
