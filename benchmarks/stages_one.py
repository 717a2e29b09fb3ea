"""A task: what every stage takes when workers are elsewhere, as JSON: ``stages_one.py align KIND INDEX OUT READS [MATES]``, or
``stages_one.py compare SCHEME MEMORY REFERENCE PREFIX BAM ...``.

All is done on one thread here, twice, as kernels are loaded the first time; but functions, tasks and results are pickled and
unpickled, so that how many bytes would travel is seen, too.
"""

import json
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from time import process_time
from typing import Any, Final

import colonnade as cn
from colonnade.compare.engine import compare_to_files
from colonnade.compare.question import Question
from colonnade.run.carrying import packed
from colonnade.run.executor import Relay

_TRAVELS: Final = ("sent", "between")


class Observer:
    """An executor that does one task after the other, here.

    Attributes
    ----------
    passes
        What each ``map`` took: CPU seconds of making tasks (``asking``), of each step (``step 1``, ``step 2``), of pickling on both
        sides (``pickling``), and of what becomes of results (``taking``); how many ``tasks``; and the bytes ``sent``, ``between``
        steps, and ``returned``.
    """

    is_remote: Final = True
    slots: Final = 1
    threads: Final = 1
    status: Final = ""

    def __init__(self) -> None:
        self.passes: list[Counter[str]] = []

    def map(
        self, function: Callable[[Any], Any], tasks: Iterable[Any], *, label: Callable[[Any], str] | None = None
    ) -> Iterator[Any]:
        """As ``Executor.map``."""
        del label
        took: Counter[str] = Counter()
        self.passes.append(took)
        steps = [function.first, function.second] if isinstance(function, Relay) else [function]
        steps = [pickle.loads(packed(step)) for step in steps]
        last = process_time()

        def lap(name: str) -> None:
            nonlocal last
            before, last = last, process_time()
            took[name] += last - before

        def travelled(thing: Any, name: str) -> Any:
            data = packed(thing)
            took[name] += len(data)
            arrived = pickle.loads(data)
            lap("pickling")
            return arrived

        for task in tasks:
            lap("asking")
            took["tasks"] += 1
            for number, step in enumerate(steps):
                task = step(travelled(task, _TRAVELS[number]))
                lap(f"step {number + 1}")
            yield travelled(task, "returned")
            lap("taking")


def align(observer: Observer, kind: str, index: str, out: str, reads: str, mates: str | None = None) -> None:
    """Align a file of reads, or two of pairs."""
    options = cn.AlignOptions.preset(kind) if kind == "ancient" else cn.AlignOptions()
    cn.align(reads, mates, index=index, out=out, options=options, force=True, executor=observer)


def compare(observer: Observer, scheme: str, memory: str, reference: str, prefix: str, *bams: str) -> None:
    """Compare samples: ``all-pairs``, or all against ``REF``."""
    samples = {f"s{number}": bam for number, bam in enumerate(bams)}
    question = Question(samples, reference, against="REF") if scheme == "REF" else Question(samples, reference)
    compare_to_files(question, prefix, force=True, executor=observer, memory=int(memory))


def main(what: str, *arguments: str) -> None:
    """Do it, and print what it took."""
    work = {"align": align, "compare": compare}[what]
    work(Observer(), *arguments)
    observer, begin = Observer(), process_time()
    work(observer, *arguments)
    print(json.dumps({"seconds": process_time() - begin, "passes": observer.passes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
