"""The command line answers at once, as help and version need none of the large libraries; and help is of help."""

import re
import shlex
import subprocess
import sys

import pytest

from colonnade.cli import main, parser
from colonnade.version import __version__

LARGE = ("altair", "dask", "distributed", "numba", "numpy", "pyarrow", "pybwa", "pysam", "rich", "scipy", "vl_convert")
(COMMANDS,) = (action.choices for action in parser()._actions if action.dest == "verb")
WIDTH = 80


def examples(epilog: str) -> list[str]:
    """The commands of colonnade in the examples of a help text, without what is before and after them in a shell."""
    lines = epilog.removeprefix("examples:\n").partition("\n\n")[0].replace("\\\n", "")
    return re.findall(r"colonnade [^|<>()\n]*", lines)


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
    assert all(re.search(rf"^    {command}\s", out, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_fits_a_terminal(capsys, monkeypatch, command: list[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > WIDTH] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_and_they_are_understood(command: str) -> None:
    shown = [example for example in examples(COMMANDS[command].epilog) if example.split()[1] == command]
    assert len(shown) >= 2
    for example in shown:
        assert parser().parse_args(shlex.split(example)[1:]).verb == command


def test_the_examples_of_all_are_understood() -> None:
    for example in examples(parser().epilog):
        if "COMMAND" not in example:
            parser().parse_args(shlex.split(example)[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_is_for(command: str) -> None:
    for action in COMMANDS[command]._actions:
        assert action.help
        assert not action.help.startswith("default")


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
