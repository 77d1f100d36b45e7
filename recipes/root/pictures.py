"""Draw all pictures that the root learns from, as arrays: `python -m recipes.root.pictures --out DIR [--small]`."""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recipes.root import cliparts, formulas, glyphs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true", help="a tenth of the formulas' classes")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    part = 10 if arguments.small else 1
    kinds = {
        "strokes": lambda: formulas.strokes(1500 // part, 24),
        "fractals": lambda: formulas.fractals(600 // part, 30),
        "textures": lambda: formulas.textures(400 // part, 40),
        "cliparts": cliparts.draw,
        "glyphs": lambda: ((f"{script} {c}", picture) for script, c, picture in glyphs.draw()),
    }
    for name, draw in kinds.items():
        if not (arguments.out / f"{name}.npz").exists():
            start = time.perf_counter()
            pictures, labels, classes = _collected(draw())
            temporary = arguments.out / f"{name}.part.npz"
            np.savez(temporary, pictures=pictures, labels=labels, classes=np.array(classes))
            temporary.rename(arguments.out / f"{name}.npz")
            print(
                f"{name}: {len(labels):,} pictures of {len(classes):,} classes, {time.perf_counter() - start:.0f} s",
                flush=True,
            )


def _collected(
    drawn: Iterable[tuple[object, npt.NDArray[np.uint8]]],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], list[str]]:
    numbers: dict[str, int] = {}
    pictures, labels = [], []
    for label, picture in drawn:
        pictures.append(picture)
        labels.append(numbers.setdefault(str(label), len(numbers)))
    return np.stack(pictures), np.array(labels), list(numbers)


if __name__ == "__main__":
    main()
