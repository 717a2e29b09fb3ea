"""What is carried out in many ways, with the same bytes each time: commands, the files they read, and clients that run them."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from genomes import CONTIGS, write_reads
from processes import Running, wait_until

PAIRS, SINGLES = 6_000, 2_000
PLACES = (range(490, 70_000, 1_800), 50)  # starts, and how long each is
COMPLEMENT = str.maketrans("ACGT", "TGCA")
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Job:
    """A command that fills a folder, and what people see of it: its stages, and the name of what is kept."""

    arguments: Callable[[Path, Path], list[str]]
    stages: tuple[str, ...] = ()
    unfinished: str = ""


def _align(data: Path, out: Path) -> list[str]:
    return [
        "align",
        "--index",
        str(data / "index" / "ref.fa"),
        "--inputs",
        str(data / "reads.tsv"),
        "-f",
        f"{out}/a.bam",
    ]


def _compare(data: Path, out: Path) -> list[str]:
    samples = [f"{name}={data / name}.bam" for name in ("early", "late")]
    files = ["-o", f"{out}/c", "--vcf", f"{out}/c.vcf"]
    where = ["--reference", str(data / "ref.fa"), "--bed", str(data / "places.bed"), "--loci=tested"]
    return ["compare", *samples, *where, "--min-distance=0.05", "--draws=500", *files]


def _pileup(data: Path, out: Path) -> list[str]:
    files = [str(data / f"{name}.bam") for name in ("early", "late")]
    return ["pileup", "-f", str(data / "ref.fa"), *files, "-o", f"{out}/p.txt"]


JOBS = {
    "align": Job(_align, ("aligning", "pairing"), "a.bam.unfinished"),
    "compare": Job(_compare, ("comparing",), "c.unfinished"),
    "pileup": Job(_pileup),
}
STAGES = [(name, stage) for name, job in JOBS.items() for stage in job.stages]


def make_data(folder: Path) -> Path:
    """Write a genome, reads of it as FASTQ, single and in pairs, and BAM files of two populations."""
    rng = np.random.default_rng(1)
    sequences = {name: "".join(rng.choice(list("ACGT"), length)) for name, length in CONTIGS.items()}
    (folder / "index").mkdir()
    for fasta in (folder / "ref.fa", folder / "index" / "ref.fa"):
        fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items()))
        pysam.faidx(str(fasta))
    for name in ("early", "late"):
        write_reads(folder / f"{name}.bam", sequences, rng, changed=name == "late")
    (folder / "places.bed").write_text("".join(f"one\t{start}\t{start + PLACES[1]}\n" for start in PLACES[0]))
    _write_fastq(folder, sequences["one"])
    lines = ["read_group\tpath_1\tpath_2", f"merged\t{folder}/merged.fq\t", f"pairs\t{folder}/1.fq\t{folder}/2.fq"]
    (folder / "reads.tsv").write_text("\n".join(lines) + "\n")
    return folder


def _write_fastq(folder: Path, genome: str) -> None:
    draw = random.Random(1)
    with (folder / "1.fq").open("w") as first, (folder / "2.fq").open("w") as second:
        for number in range(PAIRS):
            template = _template(genome, draw, max(120, round(draw.gauss(300, 30))))
            first.write(_fastq(f"pair{number}", template[:100], draw))
            second.write(_fastq(f"pair{number}", _reverse(template)[:100], draw))
    with (folder / "merged.fq").open("w") as merged:
        merged.writelines(_fastq(f"merged{number}", _template(genome, draw, 150), draw) for number in range(SINGLES))


def _template(genome: str, draw: random.Random, length: int) -> str:
    start = draw.randrange(len(genome) - length)
    template = genome[start : start + length]
    return _reverse(template) if draw.random() < 0.5 else template


def _reverse(bases: str) -> str:
    return bases.translate(COMPLEMENT)[::-1]


def _fastq(name: str, bases: str, draw: random.Random) -> str:
    read = "".join(draw.choice("ACGT") if draw.random() < 0.02 else base for base in bases)
    return f"@{name}\n{read}\n+\n{'I' * len(read)}\n"


@dataclass
class Clients:
    """Processes that run jobs as people run them, until the test has ended."""

    data: Path
    begun: list[Running] = field(default_factory=list)

    def begin(self, name: str, out: Path, *options: str, place: Sequence[str] = (), **environ: str) -> Running:
        """A client at work on a job in a folder that is made if it is not there; started by the command ``place``, if any."""
        out.mkdir(exist_ok=True)
        log = out.with_name(f"{out.name}{len(self.begun)}.log")
        command = [*place, sys.executable, str(Path(__file__).with_name("client.py"))]
        with log.open("wb") as told:
            process = subprocess.Popen(
                [*command, *JOBS[name].arguments(self.data, out), *options],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                env={**os.environ, **environ},
            )
        self.begun.append(Running(process, log))
        return self.begun[-1]

    def run(self, name: str, out: Path, *options: str, code: int = 0, **more: Any) -> str:
        """What a client says from its start to its end."""
        return ended(self.begin(name, out, *options, **more), code)

    def stop(self) -> None:
        """End those that have not ended."""
        for client in self.begun:
            client.kill()


def ended(client: Running, code: int = 0) -> str:
    """What a client has said when it has ended, as expected."""
    try:
        found = client.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the client has not ended in {PATIENCE} s:\n{client.text}") from None
    assert found == code, client.text
    return client.text


def wait_for(client: Running, pattern: str) -> None:
    """Wait until a client has said something."""

    def said() -> bool:
        return re.search(pattern, client.text) is not None or client.process.poll() is not None

    wait_until(said, what=f"{pattern!r} of the client, see {client.log},", seconds=PATIENCE)
    assert re.search(pattern, client.text), client.text


def wait_for_work(client: Running, stage: str) -> None:
    """Wait until some of a stage is done, with more of it in flight."""
    wait_for(client, rf"{stage}: [\d,]+ .* [1-9]\d* in flight")


def is_past(client: Running, name: str, stage: str) -> bool:
    """Whether a client has begun with what follows a stage of its job."""
    stages = JOBS[name].stages
    return any(f"{later}: " in client.text for later in stages[stages.index(stage) + 1 :])


def losses(text: str) -> dict[str, int]:
    """How many tasks were in hand of the workers that a client says were lost."""
    found = re.findall(r"warning: worker (\S+) was lost[^;\n]*(?:; its (\d+) tasks? (?:is|are) done again)?", text)
    return {address: int(tasks or 0) for address, tasks in found}


def errors(text: str) -> list[str]:
    """The lines that say why a client has ended."""
    return re.findall(r"^colonnade \w+: error: .*$", text, re.MULTILINE)
