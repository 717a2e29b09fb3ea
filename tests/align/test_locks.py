"""A lock that goes with a file: one at a time, also when the lock file is removed meanwhile, and nothing left."""

import errno
import fcntl
import threading
from pathlib import Path

import pytest

from colonnade.align import locks
from colonnade.align.locks import making


def test_threads_take_turns_and_leave_nothing(tmp_path: Path) -> None:
    inside, most, turns = 0, 0, 0

    def work() -> None:
        nonlocal inside, most, turns
        for _ in range(50):
            with making(tmp_path / "made"):
                inside += 1
                most = max(most, inside)
                turns += 1
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, turns) == (1, 200)
    assert [*tmp_path.iterdir()] == []


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), making(tmp_path / "made"):
        raise RuntimeError
    with making(tmp_path / "made"):
        pass
    assert [*tmp_path.iterdir()] == []


def test_a_lock_file_of_a_process_that_died_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".made.lock").touch()
    with making(tmp_path / "made"):
        pass


def test_what_was_locked_must_still_be_there_when_it_is_got(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / ".made.lock"
    asked = []

    def flock(file, operation) -> None:
        asked.append(file.fileno())
        if len(asked) == 1:
            path.unlink()  # by who had the lock before

    monkeypatch.setattr(fcntl, "flock", flock)
    with making(tmp_path / "made"):
        assert len(asked) == 2
        assert path.exists()


def test_file_systems_without_locks_do_without(tmp_path: Path, monkeypatch) -> None:
    def flock(file, operation) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with making(tmp_path / "made"):
        pass


def test_other_errors_are_told(tmp_path: Path, monkeypatch) -> None:
    def flock(file, operation) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with pytest.raises(OSError, match="Input/output error"), making(tmp_path / "made"):
        pass


def test_a_folder_that_is_absent_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), making(tmp_path / "none" / "made"):
        pass
