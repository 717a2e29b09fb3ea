"""What a worker needs of an index, and what it says where that is absent or another one."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_templates import write_templates

import colonnade as cn
from colonnade.align.index import open_index
from colonnade.align.options import AlignOptions
from colonnade.align.recipes import IndexRecipe, SearchRecipe
from colonnade.align.steps import Finish, Locate, Search
from colonnade.errors import InputError
from colonnade.run.resource import Resource

SUFFIXES = (".bwt", ".sa", ".pac", ".ann", ".amb", ".colonnade")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_templates(tmp_path_factory.mktemp("recipes"))


@pytest.fixture
def folder(data: Path, tmp_path: Path, monkeypatch) -> Path:
    """A working directory with an index of its own."""
    for suffix in ("", *SUFFIXES):
        (tmp_path / f"ref.fa{suffix}").write_bytes((data / f"ref.fa{suffix}").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def damage(path: str) -> None:
    """Change a byte in the middle."""
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 0x10
    Path(path).write_bytes(content)


def test_a_recipe_opens_what_it_was_made_of(folder: Path) -> None:
    genome = open_index("ref.fa")
    recipes = pickle.loads(pickle.dumps((SearchRecipe.of(genome), IndexRecipe.of(genome))))
    os.chdir("/")
    fm, again = (recipe.open() for recipe in recipes)
    assert np.array_equal(fm.blocks, again.fm.blocks)
    assert (again.prefix, again.contigs.names) == (str(folder / "ref.fa"), genome.contigs.names)
    assert hash(recipes) == hash((SearchRecipe.of(again), IndexRecipe.of(again)))


@pytest.mark.parametrize("absent", [(".bwt",), (".colonnade",)])
def test_searching_takes_one_file_of_the_index(folder: Path, absent: tuple[str, ...]) -> None:
    recipe = SearchRecipe.of(open_index("ref.fa"))
    before = recipe.open().blocks.tobytes()
    for suffix in (".sa", ".pac", ".ann", ".amb", *absent):
        os.unlink(f"ref.fa{suffix}")
    assert recipe.open().blocks.tobytes() == before


def test_a_worker_that_searches_maps_nothing_else(folder: Path) -> None:
    """In a process of its own, which has neither .sa nor .pac."""
    genome = open_index("ref.fa")
    step = pickle.dumps(Search(Resource(SearchRecipe.of(genome), genome.fm), AlignOptions()))
    Path("step").write_bytes(step)
    for suffix in (".sa", ".pac"):
        os.unlink(f"ref.fa{suffix}")
    code = (
        "import pickle, numpy as np; from colonnade.align.batch import Batch; from colonnade.align.steps import Reads\n"
        "none = Batch.of_records(np.empty(0, np.uint8), np.zeros(1, np.int64))\n"
        "print(pickle.load(open('step', 'rb'))(Reads(0, none, False)).batch.phase)\n"
        "print(*{line.split()[-1] for line in open('/proc/self/maps') if 'ref.fa' in line})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", str(folder / "ref.fa.colonnade")]


@pytest.mark.parametrize("suffix", [".bwt", ".sa", ".pac", ".ann", ".amb"])
def test_a_worker_without_a_file_of_the_index_says_which(folder: Path, suffix: str) -> None:
    recipe = IndexRecipe.of(open_index("ref.fa"))
    os.unlink(f"ref.fa{suffix}")
    with pytest.raises(InputError, match=rf"^{folder}/ref\.fa\{suffix}: cannot be read by this worker; found No such"):
        recipe.open()


@pytest.mark.parametrize("suffix", [".bwt", ".sa", ".pac", ".ann", ".amb"])
def test_a_worker_with_another_index_says_so(folder: Path, suffix: str) -> None:
    recipe = IndexRecipe.of(open_index("ref.fa"))
    damage(f"ref.fa{suffix}")
    with pytest.raises(InputError, match=rf"^{folder}/ref\.fa\{suffix}: another file than the one that the run began"):
        recipe.open()


def test_a_worker_that_searches_says_what_is_wrong(folder: Path) -> None:
    recipe = SearchRecipe.of(open_index("ref.fa"))
    Path("ref.fa").write_text(f">one\n{'ACGTTGCA' * 300}\n")
    cn.build_index("ref.fa", force=True)
    with pytest.raises(
        InputError, match=rf"^{folder}/ref\.fa\.bwt: another index than the one that the run began with"
    ):
        recipe.open()
    for suffix in (".bwt", ".colonnade"):
        os.unlink(f"ref.fa{suffix}")
    with pytest.raises(InputError, match=rf"^{folder}/ref\.fa\.bwt: cannot be read by this worker; found No such file"):
        recipe.open()


def test_steps_are_small_whatever_the_index(folder: Path) -> None:
    genome = open_index("ref.fa")
    fm, whole = Resource(SearchRecipe.of(genome), genome.fm), Resource(IndexRecipe.of(genome), genome)
    options = AlignOptions()
    locate = Locate(whole, options, deflates=True, packs_records=True)
    for step in (Search(fm, options), locate, Finish(whole, options, {}, deflates=True)):
        assert len(pickle.dumps(step)) < 4000
