"""The command line answers at once: help and version need none of the large libraries."""

import subprocess
import sys

import pytest

from colonnade.cli import main
from colonnade.version import __version__

LARGE = ("numba", "pyarrow", "scipy", "rich", "pysam")
COMMANDS = ("align", "compare", "demo", "index", "pileup", "plan", "simulate")


def test_version_is_the_packages(capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr() == (f"colonnade {__version__}\n", "")


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_goes_to_stdout(capsys, command: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    out, err = capsys.readouterr()
    assert caught.value.code == 0
    assert out.startswith(" ".join(["usage: colonnade", *command]))
    assert err == ""


def test_help_names_every_command(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(f"    {command} " in out for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["compare"], ["compare", "--nonsense"], ["compare", "--ref", "x"]]
)
def test_wrong_usage_is_told_with_code_2(capsys, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capsys.readouterr()
    assert caught.value.code == 2
    assert out == ""
    assert err.startswith("usage: colonnade")
    assert "error: " in err.splitlines()[-1]


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sorted(name for name in {LARGE} if name in sys.modules), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {*done.stdout.splitlines()} & {*LARGE}


def test_importing_the_command_line_loads_no_large_library() -> None:
    assert loaded_by("import colonnade.cli") == set()


def test_importing_the_package_loads_no_large_library() -> None:
    assert loaded_by("import colonnade") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_and_version_load_no_large_library(arguments: list[str]) -> None:
    code = f"from colonnade.cli import main\ntry:\n    main({arguments})\nexcept SystemExit:\n    pass"
    assert loaded_by(code) == set()


@pytest.mark.parametrize("arguments", [["--version"], ["compare", "--help"]])
def test_module_runs_as_a_program(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "colonnade", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
