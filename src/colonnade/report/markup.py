"""HTML made of elements: whatever text comes from data is escaped where it becomes a part of one."""

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | int) -> Markup:
    """One element; text is escaped, ``Markup`` is not; an underscore in an attribute's name is a hyphen, at its end nothing.

    >>> element("a", "x < y", href="#locus", class_="link", data_row=3)
    '<a href="#locus" class="link" data-row="3">x &lt; y</a>'
    """
    names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    opened = "".join(f' {name}="{_escaped(str(value))}"' for name, value in names.items())
    return Markup(f"<{tag}{opened}>{joined(*children)}</{tag}>")


def joined(*children: str) -> Markup:
    """Several pieces side by side."""
    return Markup("".join(child if isinstance(child, Markup) else _escaped(child) for child in children))


def printable(text: str) -> str:
    r"""Text that UTF-8 can write: a byte of a path that is no letter becomes an escape, which is one of JSON too.

    >>> printable("a\udcff")
    'a\\udcff'
    """
    return text.encode(errors="backslashreplace").decode()


def _escaped(text: str) -> str:
    return escape(printable(text))
