"""Text becomes HTML in one place, and is escaped there."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from colonnade.report.markup import Markup, element, joined


class Seen(HTMLParser):
    """What a reader of HTML finds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data) -> None:
        self.text += data


@given(st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"])))
def test_any_text_is_read_back_as_text_and_as_an_attribute(text: str) -> None:
    seen = Seen(element("p", text, title=text))
    assert seen.tags == [("p", [("title", text)])]
    assert seen.text == text


def test_markup_stays_as_it_is() -> None:
    assert joined("<", Markup("<b>"), element("i", Markup("&amp;"))) == "&lt;<b><i>&amp;</i>"
