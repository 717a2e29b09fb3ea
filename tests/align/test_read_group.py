"""A read group is an ID or a whole line, and nothing else passes."""

import pytest

from colonnade.align.read_group import ReadGroup
from colonnade.errors import UsageError


@pytest.mark.parametrize(
    ("text", "line", "tag"),
    [
        ("lane 1", "@RG\tID:lane 1", b"RGZlane 1\0"),
        ("@RG\tID:a\tSM:b c", "@RG\tID:a\tSM:b c", b"RGZa\0"),
        (r"@RG\tSM:b\tID:a", "@RG\tSM:b\tID:a", b"RGZa\0"),
        ("@RG\tID:a\t", "@RG\tID:a", b"RGZa\0"),
        ("HX3:1:L2", "@RG\tID:HX3:1:L2", b"RGZHX3:1:L2\0"),
        (r"@RG\tID:a\tDS:what SM: means", "@RG\tID:a\tDS:what SM: means", b"RGZa\0"),
    ],
)
def test_line_and_tag_follow_from_an_id_or_a_line(text: str, line: str, tag: bytes):
    group = ReadGroup.parse(text)
    assert (group.line, group.tag) == (line, tag)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\tb",
        "@RG",
        "@RG\tSM:s",
        "@RG\tID:",
        "@RG\tID:a\tID:b",
        "@SQ\tID:a",
        "@RG ID:a",
        "@RG\tsomething",
        "a\nb",
        "\xe9",
        "ID:a",
        "SM:b",
        "a SM:b",
        r"a\tSM:b",
        r"a\tb",
        r"@RG\tID:a SM:b",
        r"@RG\tID:a\tSM:b PL:c",
        r"@RG\tID:a\tSM:b\tSM:c",
    ],
)
def test_anything_else_is_refused(text: str):
    with pytest.raises(UsageError, match="not a read group; found"):
        ReadGroup.parse(text)
