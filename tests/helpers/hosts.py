"""Machines of their own, as far as the network is concerned."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

HOSTS = ("scheduler", "worker", "client")


def address_of(host: str) -> str:
    """Its address, as the others know it."""
    return f"10.99.7.{HOSTS.index(host) + 1}"


@contextlib.contextmanager
def joined_hosts() -> Iterator[dict[str, tuple[str, ...]]]:
    """Network namespaces that are joined by a bridge: for each, what runs a command there. Skips where that is not possible."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("needs to be root and the command ip")
    tag = f"c{os.getpid()}"
    with contextlib.ExitStack() as undo:
        if not _ip("link", "add", f"{tag}b", "type", "bridge", check=False):
            pytest.skip("this machine lets nobody make networks")
        undo.callback(_ip, "link", "del", f"{tag}b", check=False)
        _ip("link", "set", f"{tag}b", "up")
        for number, name in enumerate(HOSTS):
            space, outer, inner = f"{tag}{name}", f"{tag}o{number}", f"{tag}i{number}"
            _ip("netns", "add", space)
            undo.callback(_ip, "netns", "del", space, check=False)
            _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", space)
            _ip("link", "set", outer, "master", f"{tag}b", "up")
            for change in (("addr", "add", f"{address_of(name)}/24", "dev", inner), ("link", "set", inner, "up")):
                _ip("-n", space, *change)
            _ip("-n", space, "link", "set", "lo", "up")
        yield {name: ("ip", "netns", "exec", f"{tag}{name}") for name in HOSTS}


def _ip(*command: str, check: bool = True) -> bool:
    return subprocess.run(["ip", *command], check=check, capture_output=True).returncode == 0
