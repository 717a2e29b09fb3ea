"""The pages of the documentation as text: their blocks of code, commands, links and headings."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READ_ON_CODE_HOSTS = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *PAGES]

_FENCE = re.compile(r"^(?P<mark>`{3,}|:{3,})(?P<language>.*)$")
_NOT_RUN = re.compile(r"<!-- not run: .+ -->")


@dataclass(frozen=True)
class Block:
    """A fenced block: what its first line says, and its lines; ``skipped`` if a comment before it says that it is not run."""

    language: str
    lines: tuple[str, ...]
    skipped: bool

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


@dataclass(frozen=True)
class Step:
    """A command of a console block, and the lines that the page shows below it."""

    command: str
    shown: tuple[str, ...]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """Fenced blocks in order."""
    mark, language, lines, before = "", "", list[str](), ""
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = _FENCE.match(line)
        if not mark and fence:
            mark, language, lines = fence["mark"], fence["language"].strip(), []
        elif mark and line == mark:
            yield Block(language, tuple(lines), bool(_NOT_RUN.fullmatch(before)))
            mark = ""
        elif mark:
            lines.append(line)
        else:
            before = line


def prose(page: Path) -> str:
    """The text without fenced blocks and code within lines."""
    text = re.sub(r"^(`{3,}|:{3,}).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def steps(page: Path) -> list[Step]:
    """Commands of the console blocks: a line after ``$``, and those after ``>`` that go on with it."""
    found: list[tuple[list[str], list[str]]] = []
    for block in blocks(page):
        for line in block.lines if block.language == "console" else ():
            if line.startswith("$ "):
                found.append(([line[2:]], []))
            elif line.startswith("> "):
                found[-1][0].append(line[2:])
            else:
                found[-1][1].append(line)
    return [Step("\n".join(command), tuple(shown)) for command, shown in found]


def command_lines(page: Path) -> Iterator[list[str]]:
    """Arguments of each ``colonnade`` that stands in a block, fenced or indented; variables of the shell are 1."""
    lines = page.read_text(encoding="utf-8").replace("\\\n> ", "").replace("\\\n", "").splitlines()
    inside, language = "", ""
    for line in lines:
        if fence := _FENCE.match(line):
            inside, language = ("", "") if inside else (fence["mark"], fence["language"])
        elif (inside and language != "python") or line.startswith("    "):
            yield from _calls(re.sub(r"^[$>] +", "", line.strip()))


def _calls(line: str) -> Iterator[list[str]]:
    if not re.search(r"(^|[|;&] *)colonnade \w+( |$)", line):
        return
    words = shlex.shlex(re.sub(r"\$\{?\w+\}?", "1", line), posix=True, punctuation_chars=True)
    words.whitespace_split = True
    call: list[str] | None = None
    for word in words:
        if word == "colonnade" and not call:
            call = [word]
        elif set(word) <= set("|;&<>()"):
            yield from [call[1:]] if call else []
            call = None
        elif call:
            call.append(word)
    yield from [call[1:]] if call else []


def links(page: Path) -> Iterator[str]:
    """Targets of links and pictures that lie in the repository."""
    for target in re.findall(r"\]\(([^()\s]+)\)", prose(page)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """What code hosts and MyST call the headings."""
    found: dict[str, int] = {}
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {f"{slug}-{number}" if number else slug for slug, last in found.items() for number in range(last + 1)}
