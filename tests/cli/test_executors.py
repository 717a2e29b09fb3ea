"""Where the work is done follows from the options; what contradicts itself is refused in one line."""

import argparse

import pytest

from colonnade.cli.executors import add_cluster, chosen_executor
from colonnade.errors import ColonnadeError, UsageError
from colonnade.run.executor import Threads

pytest.importorskip("distributed")


def chosen(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=3)
    add_cluster(parser)
    return parser.parse_args(arguments)


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)


def test_without_options_threads_here_do_it() -> None:
    with chosen_executor(chosen()) as executor:
        assert executor == Threads(3)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "")
    with chosen_executor(chosen()) as executor:
        assert executor == Threads(3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scheduler=tcp://a:1", "--local-cluster=2"], "--local-cluster and --scheduler contradict each other"),
        (["--local-cluster=2", "--tls-ca=a"], "about a cluster that is running; expected --scheduler besides"),
        (["--tls-key=a"], "about a cluster that is running; expected --scheduler besides"),
    ],
)
def test_contradictions_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen_executor(chosen(*arguments))


def test_an_empty_address_is_refused() -> None:
    with pytest.raises(ColonnadeError, match="no scheduler's file"):
        chosen_executor(chosen("--scheduler="))
