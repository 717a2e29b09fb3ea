"""The header says what the records are of, keeps what it was told, and names the program once for each chain of programs."""

import shlex
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.align.contigs import Contigs
from colonnade.align.header import command_line, encode_header, header_text
from colonnade.align.options import PRESETS, AlignOptions
from colonnade.align.read_group import ReadGroup
from colonnade.cli import parser
from colonnade.cli.align import chosen_options
from colonnade.formats.bgzf_writer import BgzfWriter
from colonnade.version import __version__

NONE = np.empty(0, np.int64)
CONTIGS = Contigs(["one", "two"], np.array([900, 2**31 - 1]), np.array([0, 900]), NONE, NONE)
HD = "@HD\tVN:1.6\tSO:unsorted"
SQ = ["@SQ\tSN:one\tLN:900", "@SQ\tSN:two\tLN:2147483647"]


def lines(source: str = "", *, index: str = "ref.fa", is_sorted: bool = False, **options) -> list[str]:
    command = command_line(index, AlignOptions(**options))
    text = header_text(source, CONTIGS, command=command, is_sorted=is_sorted)
    assert text.endswith("\n")
    return text[:-1].split("\n")


def program(name: str = "colonnade", *, after: str | None = None) -> str:
    chain = "" if after is None else f"\tPP:{after}"
    return f"@PG\tID:{name}\tPN:colonnade{chain}\tVN:{__version__}\tCL:colonnade align --index ref.fa"


def test_without_an_input_header_there_are_contigs_and_the_program() -> None:
    assert lines() == [HD, *SQ, program()]


def test_sorted_records_are_said_to_be() -> None:
    assert lines(is_sorted=True)[0] == "@HD\tVN:1.6\tSO:coordinate"


def test_other_lines_are_kept_in_order() -> None:
    kept = ["@RG\tID:a\tSM:x", "@CO\twith\ttabs\x0b, \u2028 and no end ", "@XY\tab:1", "@RG\tID:b"]
    assert lines("\n".join(kept) + "\n") == [HD, *SQ, *kept, program()]


def test_the_program_follows_the_last_one() -> None:
    kept = ["@PG\tID:a", "@PG\tID:b\tPN:b\tPP:a", "@CO\t@PG\tID:c"]
    assert lines("\n".join(kept)) == [HD, *SQ, *kept, program(after="b")]


def test_each_chain_of_programs_goes_on() -> None:
    kept = ["@PG\tID:a", "@PG\tID:b", "@PG\tID:c\tPP:a"]
    assert lines("\n".join(kept))[-2:] == [program(after="b"), program("colonnade.1", after="c")]


def test_names_of_programs_that_are_taken_are_not_used_again() -> None:
    kept = ["@PG\tID:colonnade", "@PG\tID:colonnade.2\tPP:colonnade", "@PG\tID:x"]
    ends = [program("colonnade.1", after="colonnade.2"), program("colonnade.3", after="x")]
    assert lines("\n".join(kept)) == [HD, *SQ, *kept, *ends]


@pytest.mark.parametrize("ring", ["@PG\tID:a\tPP:a", "@PG\tID:a\tPP:b\n@PG\tID:b\tPP:a", "@PG\tPN:nameless"])
def test_chains_without_an_end_are_not_followed(ring: str) -> None:
    assert lines(ring)[-1] == program()


def test_the_command_says_what_changes_results_and_nothing_else() -> None:
    assert command_line("/some/where/ref.fa", AlignOptions()) == "colonnade align --index ref.fa"
    options = AlignOptions(differences=4, gap_extensions=-1, log_gap_penalty=True, seed=7)
    assert command_line("ref", options) == "colonnade align --index ref --differences 4 --log-gap-penalty --seed 7"


@pytest.mark.parametrize("text", ["lane 1", r"@RG\tID:a'b\tSM:x y"])
def test_the_command_gives_the_same_read_group_and_order_again(text: str) -> None:
    command = command_line("ref", AlignOptions(), read_group=text, is_sorted=True)
    assert command.isprintable()
    _, *words = shlex.split(command)
    chosen = parser().parse_args([*words, "reads.fq", "-f", "out.bam"])
    assert chosen.sort
    assert ReadGroup.parse(chosen.read_group) == ReadGroup.parse(text)


@pytest.mark.parametrize(
    "given",
    [
        {},
        PRESETS["ancient"],
        {"differences": 1e-6},
        {"differences": 0},
        {"bwa_quirks": True, "all_hits": True, "seed": 9},
        {"orphans": "single", "interleaved": True, "only_aligned": True},
        {"chimeric_share": 1e-7, "max_insert_size": 900, "no_rescue": True},
    ],
)
def test_the_command_gives_the_same_options_again(given: dict) -> None:
    options = AlignOptions(**given)
    _, *words = command_line("ref", options).split()
    assert chosen_options(parser().parse_args([*words, "reads.fq", "-f", "out.bam"])) == options


def test_odd_names_of_an_index_stay_within_their_field() -> None:
    assert command_line("a b\tc\n.fa", AlignOptions()) == "colonnade align --index 'a b?c?.fa'"


def test_htslib_reads_the_encoded_header(tmp_path: Path) -> None:
    text = "\n".join(lines("@CO\tumlaut ä")) + "\n"
    with BgzfWriter(tmp_path / "a.bam") as stream:
        stream.write(encode_header(text, CONTIGS))
    with pysam.AlignmentFile(str(tmp_path / "a.bam")) as found:
        assert str(found.header) == text
        assert (found.references, found.lengths) == (("one", "two"), (900, 2**31 - 1))
        assert list(found) == []
