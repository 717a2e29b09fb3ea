"""``colonnade completion`` prints what is installed."""

from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from colonnade.cli import main
from colonnade.cli.completion import SCRIPTS


@pytest.fixture
def installation(tmp_path, monkeypatch) -> Path:
    """A made-up one, whose list of files has the scripts of all shells beside other ones."""
    folder = tmp_path / "lib" / "colonnade-1.dist-info"
    folder.mkdir(parents=True)
    for shell, script in SCRIPTS.items():
        path = tmp_path / script
        path.parent.mkdir(parents=True)
        path.write_text(f"of {shell}\n")
    (folder / "RECORD").write_text("colonnade/cli.py,,\n" + "".join(f"../{script},,\n" for script in SCRIPTS.values()))
    monkeypatch.setattr("importlib.metadata.distribution", lambda name: PathDistribution(folder))
    return folder


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_of_a_shell_is_printed(installation, capsys, shell: str) -> None:
    assert main(["completion", shell]) == 0
    assert capsys.readouterr() == (f"of {shell}\n", "")


def test_an_installation_without_scripts_says_so(installation, capsys) -> None:
    (installation / "RECORD").write_text("colonnade/cli.py,,\n")
    assert main(["completion", "bash"]) == 1
    assert capsys.readouterr().err == (
        "colonnade completion: error: this installation has no completions; install colonnade again, with pip\n"
    )


def test_another_shell_is_refused(capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["completion", "cmd"])
    assert caught.value.code == 2
    assert "bash" in capsys.readouterr().err
