"""Only recipes travel; things are opened once per process, and what could not be opened is tried again."""

import pickle
import threading
import time
from dataclasses import dataclass

import pytest

from colonnade.errors import InputError
from colonnade.run import resource
from colonnade.run.resource import Resource

opened: list[str] = []


@dataclass(frozen=True)
class Named:
    name: str

    def open(self) -> list[str]:
        time.sleep(0.01)
        if self.name == "absent":
            raise InputError("absent")
        opened.append(self.name)
        return [self.name]


@pytest.fixture(autouse=True)
def nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened.clear()
    monkeypatch.setattr(resource, "_opened", resource._Opened())


def sent(thing: Resource[list[str]]) -> Resource[list[str]]:
    return pickle.loads(pickle.dumps(thing))


def test_what_is_open_is_taken_as_it_is() -> None:
    thing = ["here"]
    assert Resource(Named("a"), thing).get() is thing
    assert opened == []


def test_where_it_travels_the_recipe_is_opened_once_per_process() -> None:
    here = Resource(Named("a"), ["here"])
    first, second = sent(here).get(), sent(here).get()
    assert first is second
    assert first == ["a"]
    assert opened == ["a"]


def test_threads_open_it_once() -> None:
    resources = [sent(Resource(Named("a"))) for _ in range(8)]
    threads = [threading.Thread(target=thing.get) for thing in resources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == ["a"]


def test_errors_are_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    thing = sent(Resource(Named("absent")))
    with pytest.raises(InputError, match="absent"):
        thing.get()
    monkeypatch.setattr(Named, "open", lambda self: ["mended"])
    assert thing.get() == ["mended"]


def test_a_process_keeps_the_last_few() -> None:
    for number in range(20):
        sent(Resource(Named(str(number)))).get()
    assert len(resource._opened) == resource._MOST
    sent(Resource(Named("19"))).get()
    assert opened.count("19") == 1
