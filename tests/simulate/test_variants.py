import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown import codes_of

from colonnade.errors import UsageError
from colonnade.simulate import Variant
from colonnade.simulate.variants import check_variant, full_text, leftmost, parse_variant, to_codes, to_text

BASES = st.sampled_from("ACGT")


@pytest.mark.parametrize("text", ["chr1:1042:A>G", "chr1:2000:+ACG", "HLA:01:3000:-TT"])
def test_text_is_read_and_written_the_same(text: str) -> None:
    variant, base = parse_variant(text)
    assert base == ("A" if ">" in text else None)
    assert full_text(variant, codes_of("A" * 5000)) == text


@pytest.mark.parametrize(
    "text", ["", "chr1:0:A>G", "chr1:5:A>N", "chr1:5:A", "chr1:5:+", "chr1:x:A>G", "5:A>G", "chr1:5:a>g", "chr1:-5:A>G"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a variant"):
        parse_variant(text)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (Variant("c", 9, "A"), "outside its contig"),
        (Variant("c", -1, "A"), "outside its contig"),
        (Variant("c", 8, "+A"), "a base after the indel"),
        (Variant("c", 6, "-AC"), "a base after the indel"),
        (Variant("c", 0, "A"), "is none; found A in the reference"),
        (Variant("c", 4, "A"), "is none; found N in the reference"),
        (Variant("c", 0, "-TG"), "found TG in the variant; expected CG"),
        (Variant("c", 6, "+A"), "leftmost place; expected c:6:[+]A"),
    ],
)
def test_a_variant_that_the_reference_cannot_have_is_refused(variant: Variant, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_variant(variant, codes_of("ACGTNCAAC"))


def test_the_reference_base_of_a_variant_is_checked() -> None:
    check_variant(Variant("c", 1, "G"), codes_of("ACGT"), "C")
    with pytest.raises(UsageError, match="found T in the variant; expected C"):
        check_variant(Variant("c", 1, "G"), codes_of("ACGT"), "T")


@given(st.text(BASES, min_size=8, max_size=30).map(lambda text: "".join(text)), st.data())
def test_the_leftmost_indel_is_the_same_and_cannot_move(text: str, data: st.DataObject) -> None:
    codes = to_codes(text)
    position = data.draw(st.integers(0, len(text) - 5))
    event = data.draw(st.one_of(st.text(BASES, min_size=1, max_size=3).map("+{}".format), st.just("-")))
    variant = Variant("c", position, event if event != "-" else "-" + text[position + 1 : position + 4])
    moved = leftmost(variant, codes)
    check_variant(moved, codes)
    assert moved.position <= variant.position
    assert _applied(variant, text) == _applied(moved, text)
    assert moved.position == 0 or text[moved.position] != moved.event[-1]


def _applied(variant: Variant, text: str) -> str:
    inserted = to_text(variant.new_bases)
    return text[: variant.position + 1] + inserted + text[variant.end :]
