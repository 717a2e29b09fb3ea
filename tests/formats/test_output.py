"""Output files appear all together and complete, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from colonnade.errors import OutputError, UsageError
from colonnade.formats.output import OutputSet, refuse_existing


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def write_and_raise(path: Path, error: BaseException, *, force: bool) -> None:
    with OutputSet([path], force=force) as output:
        output.write(path, ["new\n"])
        raise error


def write_bytes_and_raise(path: Path, error: BaseException) -> None:
    with OutputSet([path]) as output:
        output.write_bytes(path, b"half")
        raise error


@contextmanager
def disk_full(output: OutputSet, path: Path) -> Iterator[None]:
    """Let what is written to a file of the set end on a full disk."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with open("/dev/full", "wb") as full:
        os.dup2(full.fileno(), output.sink(path).fileno())
    yield


def test_all_files_appear_at_the_end_of_the_block(tmp_path: Path) -> None:
    paths = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    with OutputSet(paths) as output:
        output.write(paths[0], ["one\n", "two\n"])
        output.write(str(paths[1]), ["three\n"])
        output.write(paths[0], ["four\n"])
        assert not any(path.exists() for path in paths)
    assert files(tmp_path) == {"a.tsv": "one\ntwo\nfour\n", "b.tsv": "three\n"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_when_the_block_fails(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.tsv"
    with pytest.raises(error):
        write_and_raise(path, error(), force=False)
    assert files(tmp_path) == {}


def test_files_that_exist_are_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text("old")
    with pytest.raises(UsageError, match=r"b\.tsv: output exists; .*--force"):
        OutputSet([tmp_path / "a.tsv", tmp_path / "b.tsv"])
    assert files(tmp_path) == {"b.tsv": "old"}


def test_force_replaces_files_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("old")
    with OutputSet([path], force=True) as output:
        output.write(path, ["new"])
        assert path.read_text() == "old"
    assert files(tmp_path) == {"a.tsv": "new"}


def test_force_keeps_the_old_files_when_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("old")
    with pytest.raises(ValueError, match="stop"):
        write_and_raise(path, ValueError("stop"), force=True)
    assert files(tmp_path) == {"a.tsv": "old"}


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_is_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / "a.tsv").mkdir()
    with pytest.raises(OutputError, match=r"a\.tsv: output is a folder"):
        refuse_existing([tmp_path / "a.tsv"], force=force)


def test_missing_folder_is_named_and_nothing_left(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "b.tsv"
    with pytest.raises(OutputError) as caught:
        OutputSet([tmp_path / "a.tsv", missing])
    assert str(caught.value).startswith(f"{missing}: cannot be written; found No such file")
    assert files(tmp_path) == {}


def test_failure_to_write_is_named_and_nothing_left(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.tsv"

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("colonnade.formats.output.os.fsync", full)
    with pytest.raises(OutputError, match="cannot be written; found No space left"), OutputSet([path]) as output:
        output.write(path, ["one\n"])
    assert files(tmp_path) == {}


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_full_disk_names_the_file_whenever_it_is_found(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.tsv"
    with pytest.raises(OutputError) as caught, OutputSet([path]) as output, disk_full(output, path):
        output.write(path, ["x" * size])
    assert str(caught.value) == f"{path}: cannot be written; found No space left on device"
    assert files(tmp_path) == {}


def test_text_is_utf8_with_plain_newlines(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    with OutputSet([path]) as output:
        output.write(path, ["é\n"])
    assert path.read_bytes() == b"\xc3\xa9\n"


def test_bytes_and_lines_are_kept_in_the_order_of_writing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with OutputSet([path]) as output:
        output.write(path, ["one\n"])
        output.write_bytes(path, b"\x00\xff\r\n")
        output.write(str(path), ["two\n"])
        output.write_bytes(str(path), b"")
    assert path.read_bytes() == b"one\n\x00\xff\r\ntwo\n"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_bytes_are_not_left_when_the_block_fails(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(error):
        write_bytes_and_raise(path, error())
    assert files(tmp_path) == {}


def test_a_sink_takes_bytes_and_names_its_file_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with OutputSet([path]) as output:
        output.write(path, ["one\n"])
        assert output.sink(str(path)).write(b"two\n") == 4
    assert path.read_bytes() == b"one\ntwo\n"
    with pytest.raises(OutputError, match=rf"{path}.new: cannot be written; found No space"):
        fill_sink(path.with_suffix(".bin.new"))


def fill_sink(path: Path) -> None:
    with OutputSet([path]) as output, disk_full(output, path):
        output.sink(path).write(b"x" * (1 << 20))


def test_a_part_can_be_read_and_written_by_name_before_the_end(tmp_path: Path) -> None:
    data, index = tmp_path / "a.txt", tmp_path / "a.txt.idx"
    with OutputSet([data, index]) as output:
        output.sink(data).write(b"data")
        output.part(index).write_bytes(output.part(data).read_bytes()[::-1])
    assert files(tmp_path) == {"a.txt": "data", "a.txt.idx": "atad"}


@pytest.mark.parametrize("force", [False, True])
def test_what_is_not_a_plain_file_is_never_replaced(tmp_path: Path, force: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    for name, found in (("pipe", "a device"), ("link", "a link"), ("nowhere", "a link")):
        with pytest.raises(OutputError, match=f"{name}: output is not a plain file; found {found}"):
            OutputSet([tmp_path / name], force=force)
    assert (tmp_path / "link").read_text() == "kept"


def write_while_another_does(path: Path, *, force: bool) -> None:
    with OutputSet([path.with_name("0.tsv"), path], force=force) as output:
        output.write(path, ["ours"])
        path.write_text("theirs")


def test_a_name_that_is_taken_meanwhile_is_refused_before_any_is_renamed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.tsv: output exists"):
        write_while_another_does(tmp_path / "a.tsv", force=False)
    assert files(tmp_path) == {"a.tsv": "theirs"}


def test_force_replaces_what_came_meanwhile(tmp_path: Path) -> None:
    write_while_another_does(tmp_path / "a.tsv", force=True)
    assert files(tmp_path) == {"0.tsv": "", "a.tsv": "ours"}


def test_failure_to_rename_says_which_files_have_their_names(tmp_path: Path, monkeypatch) -> None:
    paths = [tmp_path / name for name in ("a.tsv", "b.tsv", "c.tsv")]

    def replace(source: Path, target: Path, replace=os.replace) -> None:
        if target == paths[1]:
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr("colonnade.formats.output.os.replace", replace)
    with pytest.raises(OutputError) as caught, OutputSet(paths):
        pass
    expected = f"{paths[1]}: cannot be renamed to; found Input/output error; complete and renamed already: {paths[0]}"
    assert str(caught.value) == expected
    assert files(tmp_path) == {"a.tsv": ""}


def test_what_killed_processes_have_left_goes_when_the_same_name_is_written_again(tmp_path: Path) -> None:
    for name in (".a[1].7.part", ".a1.7.part"):
        (tmp_path / name).write_text("half")
    with OutputSet([tmp_path / "a[1]"]) as output:
        output.write(tmp_path / "a[1]", ["new\n"])
    assert files(tmp_path) == {"a[1]": "new\n", ".a1.7.part": "half"}


def test_what_another_process_is_writing_stays(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a"
    with OutputSet([path], force=True) as output:
        output.write(path, ["first\n"])
        monkeypatch.setattr(os, "getpid", lambda: 7)
        with OutputSet([path]) as other:
            other.write(path, ["other\n"])
        monkeypatch.undo()
    assert files(tmp_path) == {"a": "first\n"}
