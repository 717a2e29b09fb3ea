"""What is packed into a page comes out the same, and cannot end what it stands in."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from report_pages import unpacked

from colonnade.report.embedding import pack_columns, pack_json

KINDS = ("u1", "u2", "u4", "f4")


@given(st.lists(st.sampled_from(KINDS).flatmap(lambda kind: arrays(kind, st.integers(0, 9))), max_size=4))
def test_columns_of_any_lengths_come_out_the_same(columns) -> None:
    frame = unpacked(pack_columns({str(number): values for number, values in enumerate(columns)}))
    assert len(frame.columns) == len(columns)
    for number, values in enumerate(columns):
        np.testing.assert_array_equal(frame.columns[str(number)], values)


def test_several_dimensions_are_laid_end_to_end_and_slices_are_followed() -> None:
    values = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)[:, ::2]
    assert unpacked(pack_columns({"a": values})).columns["a"].tolist() == [
        0,
        1,
        2,
        3,
        8,
        9,
        10,
        11,
        *range(12, 16),
        *range(20, 24),
    ]


def test_texts_of_columns_are_kept() -> None:
    texts = {"a": ["</script>", "α"]}
    assert unpacked(pack_columns({"a": np.zeros(1, np.uint8)}, texts)).texts == texts


def test_the_same_columns_are_the_same_text() -> None:
    assert pack_columns({"a": np.arange(5)}) == pack_columns({"a": np.arange(5)})


@pytest.mark.parametrize("text", ["</script><script>", "<!--", "]]>", "&lt;", "\u2028", "\"'\\", "α\U0001f9ec"])
def test_json_in_a_page_says_the_same_without_letters_that_html_reads(text: str) -> None:
    packed = pack_json({"a": text})
    assert json.loads(packed) == {"a": text}
    assert not set("<>&\u2028") & set(packed)
