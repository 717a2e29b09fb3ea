"""Checksums of files are right whenever they are asked for, and taken as seldom as that allows."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from colonnade.workflow.contents import Contents

AN_HOUR = 3600


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read for their checksums."""
    names: list[str] = []
    digest = hashlib.file_digest

    def told(file: Any, algorithm: str) -> Any:
        names.append(Path(file.name).name)
        return digest(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", told)
    return names


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if files had been written an hour ago."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + AN_HOUR)


def test_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    assert Contents(tmp_path / "cache").of(file) == hashlib.sha256(b"abc").hexdigest()


def test_a_file_is_read_once_by_all_runs(tmp_path: Path, read: list[str], later: None) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    for _ in range(3):
        contents = Contents(tmp_path / "cache")
        assert contents.of(tmp_path / "a") == contents.of(str(tmp_path / "a"))
        contents.save()
    assert read == ["a"]


def test_a_file_that_has_just_been_written_is_read_again_by_the_next_run(tmp_path: Path, read: list[str]) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    for _ in range(2):
        contents = Contents(tmp_path / "cache")
        contents.of(tmp_path / "a")
        contents.of(tmp_path / "a")
        contents.save()
    assert read == ["a", "a"]


def test_a_file_of_the_same_size_and_time_of_writing_is_known_to_be_another(tmp_path: Path, later: None) -> None:
    file, contents = tmp_path / "a", Contents(tmp_path / "cache")
    file.write_bytes(b"abc")
    before, times = contents.of(file), file.stat()
    time.sleep(0.02)  # a tick of the clock of the file system
    file.write_bytes(b"abd")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert contents.of(file) != before


def test_a_link_is_what_it_leads_to(tmp_path: Path, later: None) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abd")
    link, contents = tmp_path / "link", Contents(tmp_path / "cache")
    link.symlink_to("a")
    assert contents.of(link) == contents.of(tmp_path / "a")
    link.unlink()
    link.symlink_to("b")
    assert contents.of(link) == contents.of(tmp_path / "b")


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"a": 1}', '{"a": [1, 2]}', "\xff", pytest.param("[" * 100_000, id="deep")]
)
def test_a_damaged_cache_is_no_hindrance(tmp_path: Path, text: str) -> None:
    cache, file = tmp_path / "cache", tmp_path / "a"
    cache.write_bytes(text.encode("latin-1"))
    file.write_bytes(b"abc")
    contents = Contents(cache)
    assert contents.of(file) == hashlib.sha256(b"abc").hexdigest()
    contents.save()


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Contents(tmp_path / "cache").of(tmp_path / "a")
