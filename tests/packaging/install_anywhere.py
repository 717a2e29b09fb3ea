"""Install wheel and sdist into empty environments and use them there, far from the checkout; needs the registry of packages.

Run as ``python tests/packaging/install_anywhere.py [wheel] [sdist]``; by default both.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
NOBODY = 65534  # may read what is installed, but not write there; for those who run this as root


def main(kinds: list[str]) -> None:
    """Each kind in a folder of its own."""
    for kind in kinds or ["wheel", "sdist"]:
        with TemporaryDirectory(prefix=f"colonnade-{kind}-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            use(install(build(kind, folder), folder), folder)
        print(f"{kind}: installed, and in use outside of the checkout", flush=True)


def build(kind: str, folder: Path) -> Path:
    """The wheel or the sdist of this checkout."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder / "dist"], cwd=ROOT, check=True
    )
    return next((folder / "dist").iterdir())


def install(package: Path, folder: Path) -> Path:
    """The programs of a new environment that has the package and what it needs for reports, none of which can be written."""
    home = folder / "environment"
    venv.create(home, with_pip=True)
    constraints = [f"--{kind}={ROOT / 'constraints.txt'}" for kind in ("constraint", "build-constraint")]
    upgrade = ["--quiet", "--upgrade", "pip>=25.1", constraints[0]]
    subprocess.run([home / "bin" / "pip", "install", *upgrade], check=True)
    subprocess.run([home / "bin" / "pip", "install", "--quiet", *constraints, f"{package}[report]"], check=True)
    subprocess.run(["chmod", "-R", "a-w,a+rX", home], check=True)
    return home / "bin"


def use(programs: Path, folder: Path) -> None:
    """The demo, a report of what it has found, the completions and the manual."""
    work = folder / "work"
    work.mkdir()
    settings: dict[str, Any] = {"cwd": work, "check": True, "env": surroundings(programs)}
    if os.geteuid() == 0:
        os.chown(work, NOBODY, NOBODY)
        settings |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    for command in ("demo", "report demo/result -o report.html", "completion bash"):
        subprocess.run([programs / "colonnade", *command.split()], stdout=subprocess.DEVNULL, **settings)
    assert (work / "report.html").stat().st_size > 0
    assert (programs.parent / "share" / "man" / "man1" / "colonnade.1").is_file()


def surroundings(programs: Path) -> dict[str, str]:
    """An environment without a home, so that compiled kernels can be kept nowhere."""
    return {"PATH": f"{programs}{os.pathsep}{os.defpath}", "HOME": os.devnull}


if __name__ == "__main__":
    main(sys.argv[1:])
