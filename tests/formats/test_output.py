"""Output files appear all together and complete, or not at all."""

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


def write_to(path: Path, file) -> None:
    """Write to a set in which another file stands for the one that it has opened."""
    with OutputSet([path]) as output:
        temporary, opened = output._files[path]
        opened.close()
        output._files[path] = temporary, file
        output.write(path, ["one\n"])


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


def test_failure_to_write_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    with pytest.raises(OutputError) as caught:
        write_to(path, FullFile())
    assert str(caught.value) == f"{path}: cannot be written; found No space left on device"
    assert files(tmp_path) == {}


class FullFile:
    """A file on a full disk."""

    def writelines(self, lines) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        pass


def test_full_disk_at_the_end_names_the_file(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    path = tmp_path / "a.tsv"
    with pytest.raises(OutputError) as caught, open("/dev/full", "wb") as full:
        write_to(path, full)
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


def test_failure_to_write_bytes_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    output = OutputSet([path])
    temporary, opened = output._files[path]
    opened.close()
    output._files[path] = temporary, FullFile()
    with pytest.raises(OutputError) as caught, output:
        output.write_bytes(path, b"one")
    assert str(caught.value) == f"{path}: cannot be written; found No space left on device"
    assert files(tmp_path) == {}
