"""Letters drawn at random, in a fraction of the time that an array of strings takes."""

import numpy as np


def random_letters(rng: np.random.Generator, n: int, letters: bytes = b"ACGT") -> str:
    """What ``"".join(rng.choice(list(letters), n))`` gives."""
    return np.frombuffer(letters, np.uint8)[rng.integers(0, len(letters), n)].tobytes().decode()
