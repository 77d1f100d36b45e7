"""Every random draw of ramet comes from a generator keyed by what the draw is for.

Nothing of a generator's state is ever saved: a run that is killed and resumed asks for the same keys and so draws the
same numbers. A key is a tuple such as (seed, task, cycle, generation, child, purpose).
"""

import hashlib

import numpy as np
import numpy.typing as npt

from ramet.base.errors import InvalidValue

Key = tuple[int | str, ...]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def check_seed(seed: int) -> int:
    """Return a seed that a user gave, if it can be one.

    Raises:
        InvalidValue: it is no whole number from 0 to 2 ** 63 - 1, which a database can keep.
    """
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise InvalidValue(f"seed is {seed!r}", f"give a whole number from 0 to {2**63 - 1}")
    return seed


def seed_of(*key: int | str) -> int:
    """Return a 64-bit seed for a key: equal keys give equal seeds on every machine and version."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def generator(*key: int | str) -> np.random.Generator:
    """Return a numpy generator of a key's own."""
    return np.random.Generator(np.random.PCG64(seed_of(*key)))


def uniforms(key: Key, indices: npt.NDArray[np.integer], columns: int) -> npt.NDArray[np.float64]:
    """Draw uniform numbers in [0, 1), one row an index: a row depends on the key and its index alone.

    So the augmentation of an example is the same whatever batch it stands in. Draws are the splitmix64 hash of
    (key, index, column).

    Returns:
        An array of shape (len(indices), columns).
    """
    with np.errstate(over="ignore"):
        rows = _splitmix(np.uint64(seed_of(*key)) + np.asarray(indices).astype(np.uint64) * _GOLDEN)
        bits = _splitmix(rows[:, None] + np.arange(1, columns + 1, dtype=np.uint64)[None, :] * _GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _splitmix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
