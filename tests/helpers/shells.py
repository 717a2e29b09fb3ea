"""Shells at a terminal: what stands on the command line after somebody has typed and pressed the tab key."""

import os
import pty
import re
import select
import signal
from pathlib import Path
from typing import Final, Self

STARTS: Final = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source {script}"),
    "zsh": (["zsh", "-f", "-i"], "fpath=({folder} $fpath); autoload -Uz compinit; compinit -D"),
    "fish": (["fish", "--no-config", "-i"], "source {script}"),
}
_START_OF_LINE, _END_OF_LINE = "\x01", "\x05"
_CONTROLS: Final = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")
_PATIENCE: Final = 30.0  # seconds, for a machine that has much to do
_SETTLED: Final = 0.2  # seconds without output, after which a completion is taken to be there


class Shell:
    """A shell that runs in a folder and has read a script of completions. A context manager."""

    def __init__(self, name: str, script: Path, folder: Path) -> None:
        arguments, start = STARTS[name]
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            os.execvpe(arguments[0], arguments, {**os.environ, "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C"})
        self._count = 0
        self._type(f"{start.format(script=script, folder=script.parent)}; {self._mark()}\n")
        self._read_to_mark()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._terminal)

    def complete(self, text: str) -> str:
        """The command line after the text and a tab."""
        self._type(f"{text}\t")
        self._settle()
        self._type(f"{_START_OF_LINE}{self._mark()} '{_END_OF_LINE}'; echo\n")
        self._read_to_mark()
        return self._read_to("\n").strip("\n")

    def _mark(self) -> str:
        """A command that prints a text which differs from how the command itself looks."""
        self._count += 1
        return f"printf '<%s>%s\\n' {self._count}"

    def _read_to_mark(self) -> None:
        self._read_to(f"<{self._count}>")

    def _type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _settle(self) -> None:
        while select.select([self._terminal], [], [], _SETTLED)[0]:
            os.read(self._terminal, 4096)

    def _read_to(self, end: str) -> str:
        seen = ""
        while not seen.endswith(end):
            if not select.select([self._terminal], [], [], _PATIENCE)[0]:
                raise TimeoutError(f"no {end!r} in {seen!r}")
            seen += os.read(self._terminal, 1).decode(errors="replace")
        return _CONTROLS.sub("", seen)
