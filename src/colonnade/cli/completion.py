"""``colonnade completion``."""

import argparse
import sys
from typing import Any, Final

from colonnade.errors import InputError

#: Where each shell looks for completions, from the folder to which Python installs; a build of the package puts them there.
SCRIPTS: Final = {
    "bash": "share/bash-completion/completions/colonnade",
    "zsh": "share/zsh/site-functions/_colonnade",
    "fish": "share/fish/vendor_completions.d/colonnade.fish",
}

_EPILOG = """\
examples:
  source <(colonnade completion bash)
  colonnade completion zsh > ~/.zfunc/_colonnade
  colonnade completion fish | source

The first is a line for ~/.bashrc and the last one for config.fish; ~/.zfunc is
to be a folder of zsh's fpath. They are needed only where a shell does not look
into the share folder beside the program by itself.
"""


def add_parser(verbs: Any) -> None:
    """Add this command to the parser."""
    parser = verbs.add_parser(
        "completion",
        help="print what completes commands, options and files in a shell",
        usage="%(prog)s SHELL",
        description="Print the script that completes commands, options and files in a shell.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, verbose=False, quiet=False, debug=False)
    parser.add_argument("shell", metavar="SHELL", choices=tuple(SCRIPTS), help=f"one of {', '.join(SCRIPTS)}")


def run(chosen: argparse.Namespace) -> None:
    """Carry the command out."""
    from importlib.metadata import distribution

    installed = distribution("colonnade").files or ()
    script = next((file for file in installed if file.as_posix().endswith(SCRIPTS[chosen.shell])), None)
    if script is None:
        raise InputError("this installation has no completions", advice="install colonnade again, with pip")
    sys.stdout.write(script.read_text())
