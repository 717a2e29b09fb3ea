"""The workers of a cluster: who is there, what they can do, who has failed, who was lost."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from distributed import Client

from colonnade.errors import ColonnadeError
from colonnade.run import nanny
from colonnade.run.carrying import FULL, SEARCH

_log = logging.getLogger(__name__)

_TOPICS: Final = ("all", nanny.TOPIC)  # of events
_BETWEEN_LOOKS: Final = 1.0  # seconds
_BETWEEN_NEWS: Final = 0.1  # so that a thousand workers that join at once are asked about a few times
_BEFORE_THE_FIRST_MESSAGE: Final = 2.0
_BETWEEN_MESSAGES: Final = 30.0
_FOR_THE_CAUSE: Final = 1.0  # word of the memory of a lost worker may come later than word of its loss


@dataclass(frozen=True)
class Member:
    """A worker.

    Parameters
    ----------
    address
        Where it is.
    threads
        How many tasks it does at the same time.
    is_full
        Whether it has memory for all.
    """

    address: str
    threads: int
    is_full: bool


class Crew:
    """Those workers of a scheduler that are colonnade's. All but reading happens in the thread of the client's event loop.

    Parameters
    ----------
    client
        The connection to the scheduler.
    lost
        Called with the keys of what a lost worker had in hand; says how many tasks are done again.

    Attributes
    ----------
    members
        Those that are there, by address.
    wanted
        How many tasks in flight, and others that wait, need a resource.
    """

    def __init__(self, client: Client, lost: Callable[[Collection[str]], int]) -> None:
        self.members: dict[str, Member] = {}
        self.wanted: Counter[str] = Counter()
        self._client = client
        self._lost = lost
        self._failed: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self._causes: dict[str, str] = {}
        self._untold: dict[str, Callable[[], None]] = {}
        self._left: set[str] = set()  # since the scheduler was asked last, as its answer may be older
        self._is_gone = False
        self._news = asyncio.Event()
        self._change = asyncio.Condition()
        self._message_due = time.monotonic() + _BEFORE_THE_FIRST_MESSAGE

    async def watch(self) -> None:
        """Follow who joins and who leaves, until cancelled or the scheduler is gone."""
        for topic, heed in zip(_TOPICS, (self._heed, self._heed_memory), strict=True):
            self._client.subscribe_topic(topic, heed)
        self._news.set()
        try:
            while self.is_reachable:
                if self._news.is_set():
                    self._news.clear()
                    try:
                        await self._look()
                    except OSError:
                        self._news.set()
                self._tell_who_is_missing()
                async with self._change:
                    self._change.notify_all()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _BETWEEN_LOOKS)
                    await asyncio.sleep(_BETWEEN_NEWS)
        finally:
            self._is_gone = True  # also where Dask connects anew: what was known of the workers is old
            async with self._change:
                self._change.notify_all()

    async def wait_for_causes(self) -> None:
        """Return when all losses are told, each with its cause, if that is heard of soon."""
        while self._untold and self.is_reachable:
            await asyncio.sleep(_BETWEEN_NEWS)

    def close(self) -> None:
        """Let the scheduler tell nothing any more, and tell what still waits for its cause."""
        for address in [*self._untold]:
            self._tell(address)
        if self.is_reachable:
            for topic in _TOPICS:
                self._client.unsubscribe_topic(topic)

    @property
    def is_reachable(self) -> bool:
        """Whether the scheduler is."""
        return bool(self._client.status == "running") and not self._is_gone

    def able(self, resource: str) -> list[Member]:
        """Those that offer a resource."""
        return [member for member in list(self.members.values()) if member.is_full or resource == SEARCH]

    def choice(self, resource: str, *, but: Collection[str]) -> list[str] | None:
        """Addresses of those to be asked, if not all that offer a resource.

        Avoided are those on which a function has failed, as long as there are others, and above all those named.
        """
        able = [member.address for member in self.able(resource)]
        for avoided in ({*but, *self._failed}, {*but}):
            good = [address for address in able if address not in avoided]
            if good:
                return good if len(good) < len(able) else None
        return None

    async def wait_for(self, resource: str) -> None:
        """Return when there is a worker that offers a resource.

        Raises
        ------
        ColonnadeError
            The scheduler is gone.
        """
        self.wanted[resource] += 1
        try:
            async with self._change:
                await self._change.wait_for(lambda: self.able(resource) or not self.is_reachable)
        finally:
            self.wanted[resource] -= 1
        if not self.is_reachable:
            raise scheduler_is_gone(self._client)

    def note_failure(self, address: str, label: str, message: str) -> None:
        """Avoid a worker on which a function has failed; warn of each message of each worker once."""
        self._failed.add(address)
        if (address, message) not in self._told:
            self._told.add((address, message))
            _log.warning("worker %s failed at %s, and is avoided while there are others: %s", address, label, message)

    def forgive(self, addresses: Collection[str]) -> None:
        """Avoid these no longer, as the fault was not theirs."""
        self._failed.difference_update(addresses)

    async def _look(self) -> None:
        """Ask the scheduler who is there."""
        self._left.clear()
        found = await self._client.scheduler.identity(n_workers=-1)
        self.members = {
            address: Member(address, worker["nthreads"], FULL in worker["resources"])
            for address, worker in found["workers"].items()
            if SEARCH in worker["resources"] and address not in self._left
        }

    def _heed(self, event: tuple[float, Any]) -> None:
        _, news = event
        action = news.get("action") if isinstance(news, dict) else None
        if action == "add-worker":
            self._news.set()
        elif action == "remove-worker":
            self._lose(news)

    def _lose(self, news: dict[str, Any]) -> None:
        self._left.add(news["worker"])
        member = self.members.pop(news["worker"], None)
        lost = self._lost({*news["processing-tasks"], *news["lost-computed-tasks"], *news["lost-scattered-tasks"]})
        if member is not None:
            self._untold[member.address] = partial(self._tell_loss, member.address, lost, is_expected=news["expected"])
            asyncio.get_running_loop().call_later(_FOR_THE_CAUSE, self._tell, member.address)

    def _tell(self, address: str) -> None:
        """Say that a worker was lost, once."""
        if address in self._untold:
            self._untold.pop(address)()

    def _tell_loss(self, address: str, lost: int, *, is_expected: bool) -> None:
        again = f"; its {lost} {'task is' if lost == 1 else 'tasks are'} done again" if lost else ""
        if is_expected:
            _log.info("worker %s has left%s", address, again)
        else:
            _log.warning("worker %s was lost%s%s", address, self._causes.get(address, ""), again)

    def _heed_memory(self, event: tuple[float, Any]) -> None:
        _, news = event
        self._causes[news["worker"]] = f", as it used {news['used'] >> 20} MiB (out of memory?)"
        self._tell(news["worker"])

    def _tell_who_is_missing(self) -> None:
        """Say after a while, and then now and then, that nobody is there to do what is in flight."""
        now = time.monotonic()
        if not any(self.wanted[resource] and not self.able(resource) for resource in (FULL, SEARCH)):
            self._message_due = now + _BEFORE_THE_FIRST_MESSAGE
        elif now >= self._message_due:
            self._message_due = now + _BETWEEN_MESSAGES
            missing = "no worker with role full" if self.members else "no worker"
            start = f"colonnade worker --scheduler {self._client.scheduler.address} --role full"
            _log.info("%s is there; waiting for one to join: %s", missing, start)


def scheduler_is_gone(client: Client) -> ColonnadeError:
    """What ends a run whose scheduler cannot be reached any more."""
    return ColonnadeError(
        "the scheduler is gone",
        place=str(client._start_arg),
        advice="start it and its workers again, then this command",
    )
