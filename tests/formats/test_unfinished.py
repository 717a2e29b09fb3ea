"""What a run has done stays where it ends early, and only the same question goes on behind it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from colonnade.errors import UsageError
from colonnade.formats.frames import Frames
from colonnade.formats.unfinished import Unfinished, difference

QUESTION = {"job": "knit", "facts": {"options": {"needles": 2}, "wool": [["red", 1]]}, "parts": {"facts": 1}}
SAME = {"resume": True, "force": False, "keep": True}


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """An output of which one piece is done."""
    output = tmp_path / "scarf"
    with suppress(KeyboardInterrupt), Unfinished(output, **SAME) as unfinished:
        unfinished.open(QUESTION, besides={"cut": 5}).append(b"one")
        raise KeyboardInterrupt
    return output


def test_a_run_goes_on_behind_what_is_done_as_it_was_begun(begun: Path) -> None:
    with Unfinished(begun, **SAME) as unfinished:
        frames = unfinished.open(QUESTION, besides={"cut": 7})
        assert (list(frames), frames.facts["cut"]) == ([b"one"], 5)
    assert not unfinished.path.exists()


def test_another_question_is_told_by_the_names_of_its_facts(begun: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"scarf\.unfinished: wool 1 1: .* found red; expected blue"),
        Unfinished(begun, **SAME) as unfinished,
    ):
        unfinished.open({**QUESTION, "facts": {"options": {"needles": 2}, "wool": [["blue", 1]]}})
    with Frames.reopen(unfinished.path) as frames:
        assert list(frames) == [b"one"]


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"facts": {"a": 1}}, {"facts": {"a": None}}, ("a", "1", "none")),
        ({"part": {"facts": 1}}, {"part": {"facts": 2}}, ("part facts", "1", "2")),
        ({"a": [1, 2]}, {"a": [1]}, ("a", "[1, 2]", "[1]")),
        ({}, {"a": "x" * 99}, ("a", "none", "x" * 99)),
        ({"a": [*range(99)]}, {"a": 1}, ("a", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1...", "1")),
    ],
)
def test_the_first_difference_is_found(found: Any, expected: Any, told: tuple[str, str, str] | None) -> None:
    assert difference(found, expected) == told
