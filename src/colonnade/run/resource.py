"""What tasks need and what does not travel: open files, mapped memory."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

Thing = TypeVar("Thing")
Opened = TypeVar("Opened", covariant=True)

_MOST: Final = 8  # that a process keeps open


class Recipe(Protocol[Opened], Hashable):
    """How something is opened: a frozen dataclass of names, options, and what tells that it is the same everywhere."""

    def open(self) -> Opened:
        """Open it; raise ColonnadeError where it is absent, or not what is meant."""


class Resource(Generic[Thing]):
    """Something that is open here; where it travels only its recipe does, and it is opened there once per process.

    Parameters
    ----------
    recipe
        How it is opened.
    thing
        What is open already.
    """

    def __init__(self, recipe: Recipe[Thing], thing: Thing | None = None) -> None:
        self._recipe = recipe
        self._thing = thing

    def get(self) -> Thing:
        """The thing, opened by the first thread that asks for it. Errors are those of the recipe, and are not remembered."""
        if self._thing is None:
            self._thing = _opened.get(self._recipe)
        return self._thing

    def __reduce__(self) -> tuple[Any, ...]:
        return Resource, (self._recipe,)


@dataclass
class _Place:
    """Of one thing: who opens it keeps others that want it waiting, and nobody else."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    thing: Any = None


class _Opened:
    """What this process has opened by recipes: the last few. What is dropped is closed when no task uses it any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def get(self, recipe: Recipe[Thing]) -> Thing:
        """What the recipe opens, open already or now."""
        with self._lock:
            place = self._places.setdefault(recipe, _Place())
            self._places.move_to_end(recipe)
            while len(self._places) > _MOST:
                self._places.popitem(last=False)
        with place.lock:
            if place.thing is None:
                place.thing = recipe.open()
            thing: Thing = place.thing
            return thing

    def clear(self) -> None:
        """Drop everything."""
        self._places.clear()


_opened: Final = _Opened()
