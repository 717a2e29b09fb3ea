"""The command line: arguments to options to one library call; errors to one line and an exit code."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from colonnade.cli import align, compare, completion, demo, index, merge, pileup, plan, report, run, simulate, worker
from colonnade.cli.arguments import VerbParser, Version
from colonnade.errors import ColonnadeError, in_one_line

_EPILOG = """\
examples:
  colonnade demo
  colonnade compare wk4=wk4.bam wk30=wk30.bam --reference ref.fa -o result
  colonnade report result -o report.html
  colonnade run sheet.tsv --reference ref.fa -o out

The options of a command are told by colonnade COMMAND --help, and by man
colonnade-COMMAND.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 fine, 1 data or I/O error, 2 usage, 130 interrupted."""
    chosen = parser().parse_args(arguments)
    _log_to_stderr(chosen)
    try:
        with _terminated_as_interrupted():
            chosen.run(chosen)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except ColonnadeError as error:
        if chosen.debug:
            raise
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:  # whoever reads the output, such as head, wants no more; not even what is left at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if chosen.debug:
            raise
        reason = error.strerror or str(error)
        return _fail(f"{os.fsdecode(error.filename)}: {reason}" if error.filename else reason, 1)
    except Exception as error:
        if chosen.debug:
            raise
        return _fail(f"internal error: {type(error).__name__}: {error}; run it again with --debug and report it", 1)
    return 0


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM, as schedulers send it, and SIGHUP end a command as Ctrl-C does: with nothing half-written left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending = [signal.SIGTERM, *([signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else [])]
    inherited = [(number, signal.signal(number, signal.default_int_handler)) for number in ending]
    try:
        yield
    finally:
        for number, handler in inherited:
            signal.signal(number, handler)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line, which manual pages, completions and the documentation are made from too.

    It needs the standard library only, and not that this package is installed.
    """
    whole = argparse.ArgumentParser(
        prog="colonnade",
        usage="%(prog)s COMMAND [options]",
        description="Compare populations of genomes, column by column.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    whole.add_argument("--version", action=Version, help="show the version and exit")
    verbs = whole.add_subparsers(
        title="commands", prog="colonnade", metavar="COMMAND", dest="verb", required=True, parser_class=VerbParser
    )
    run.add_parser(verbs)
    align.add_parser(verbs)
    index.add_parser(verbs)
    compare.add_parser(verbs)
    merge.add_parser(verbs)
    report.add_parser(verbs)
    pileup.add_parser(verbs)
    plan.add_parser(verbs)
    simulate.add_parser(verbs)
    demo.add_parser(verbs)
    worker.add_parser(verbs)
    completion.add_parser(verbs)
    return whole


def _log_to_stderr(chosen: argparse.Namespace) -> None:
    handler = _OnStderr()
    handler.setFormatter(_LineFormatter(f"colonnade {chosen.verb}: "))
    logger = logging.getLogger("colonnade")
    logger.handlers = [handler]
    logger.setLevel(logging.ERROR if chosen.quiet else logging.DEBUG if chosen.verbose else logging.INFO)


class _OnStderr(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the moment: while a bar is shown, that is what keeps lines off it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _LineFormatter(logging.Formatter):
    """``colonnade verb: message`` in one line, with the level where it is a warning or worse."""

    def __init__(self, start: str) -> None:
        super().__init__()
        self._start = start

    def format(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return f"{self._start}{level}{in_one_line(record.getMessage())}"


def _fail(message: str, code: int) -> int:
    logging.getLogger(__name__).error(" ".join(message.split()))
    return code
