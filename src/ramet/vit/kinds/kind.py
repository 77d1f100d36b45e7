"""What a component kind says of itself, and the registry in which it is found by its name.

A kind is described without torch, since the method plans with sizes and costs; only what runs it imports torch. Shape
suffixes of all kinds: B batch, C channels, H height, W width, L tokens, N heads, E width of a head, D model width,
K classes.
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from math import sqrt
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from ramet.base.errors import InvalidValue, PartError, UnknownName
from ramet.base.records import Architecture

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
Tensors = Mapping[str, "Tensor"]
"""The tensors of one component, by name."""

Place = Literal["stem", "before", "inside", "block", "after", "readout"]
"""Where a component stands: at the beginning; before, inside the attention of, as, or after a block; at the end."""

INSERTED: tuple[Place, ...] = ("before", "inside", "after")
"""The places of what a layer may have or not."""

LAYERED: tuple[Place, ...] = ("before", "inside", "block", "after")
"""The places of components of a layer, named KIND.LAYER, in the order the input meets them."""

GROUP = "ramet.methods"
"""The entry points by which an installed package says which of its modules hold parts and kinds."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The numbers that size a path's components beside its architecture.

    image_size is pixels a side, sizes the whole-number hyperparameters, sorted; a kind names the one that sizes it.
    """

    image_size: int
    classes: int
    sizes: tuple[tuple[str, int], ...] = ()

    def __getitem__(self, hyperparameter: str) -> int:
        value = dict(self.sizes).get(hyperparameter)
        if value is None:
            problem = f"a component is sized by {hyperparameter!r}, which its path does not have"
            raise UnknownName(problem, "give the method this hyperparameter")
        return value


@dataclass(frozen=True, slots=True)
class Within:
    """The things that a running component knows of the stage around it.

    outputs is how many of the first tokens are wanted of the block, None for all; inside holds the kinds, with their
    tensors, that change what its attention sees.
    """

    architecture: Architecture
    outputs: int | None = None
    inside: tuple[tuple["Kind", Tensors], ...] = ()


class Kind:
    """A kind of component: a stateless description, of which one instance is registered.

    name: what it is registered by; its components are called that, or `NAME.LAYER` where it stands in a layer.
    place: where its components stand.
    sized_by: the hyperparameter that sizes it beside the architecture, if any.
    of_task: it is a task's own: trained always, and inherited from paths of the same task alone.
    resizes: one of another size can be fitted by `resized`, and is then trainable.
    silent: the names, or their beginnings, of the tensors that are zero in a component that is inserted, so that the
        path's outputs stay as they were. It must be able to learn from there.
    products: the same of the tensors that only enter matrix products, which mixed precision computes in bfloat16.
    tokenwise: each token is worked out by itself; of a kind that stands after its block.
    """

    name: ClassVar[str] = ""
    place: ClassVar[Place]
    sized_by: ClassVar[str | None] = None
    of_task: ClassVar[bool] = False
    resizes: ClassVar[bool] = False
    silent: ClassVar[tuple[str, ...]] = ()
    products: ClassVar[tuple[str, ...]] = ()
    tokenwise: ClassVar[bool] = True

    def shapes(self, architecture: Architecture, dimensions: Dimensions) -> Shapes:
        """Return the shapes of a component's tensors, by name."""
        raise NotImplementedError

    def flops(self, architecture: Architecture, dimensions: Dimensions) -> int:
        """Return the FLOPs of one forward pass of one image: two a multiply-add of its matrix products.

        Normalisation, biases, activations and the softmax are not counted, as is the custom (torch's counter too).
        """
        return 0

    def draw(self, rng: "np.random.Generator", key: str, shape: Shape) -> "npt.NDArray[np.float32]":
        """Return the initial values of a random root's tensor: matrices Xavier-uniform, scales one, all else zero."""
        import numpy as np

        return xavier(rng, shape, sum(shape)) if len(shape) == 2 else np.full(shape, key.endswith("weight"), np.float32)

    def resized(self, tensors: Tensors, architecture: Architecture, dimensions: Dimensions) -> Tensors:
        """Return the tensors of a component of another size, fitted to these dimensions; asked where `resizes`."""
        raise NotImplementedError

    def run(self, tensors: Tensors, x: "Tensor", within: Within) -> "Tensor":
        """Return what the component makes of tokens x_BLD; the stem is given images x_BCHW, the head x_BD."""
        raise NotImplementedError

    def attend(
        self, tensors: Tensors, y_BLD: "Tensor", qkv: tuple["Tensor", "Tensor", "Tensor"], within: Within
    ) -> tuple["Tensor", "Tensor", "Tensor"]:
        """Return queries, keys and values x_BNLE changed, given the normed tokens; of a kind that stands inside."""
        raise NotImplementedError

    def merged(self, tensors: Tensors, block: Tensors) -> Tensors | None:
        """Return its block's tensors with what was inserted worked into them, None where that is not possible."""
        return None


K = TypeVar("K", bound=type[Kind])
_known: dict[str, Kind] = {}


def register(name: str) -> Callable[[K], K]:
    """Declare a class to be the kind of the components that a name begins.

    Raises:
        InvalidValue: the name is malformed, or another file's kind has it.
    """
    if not _NAME.fullmatch(name):
        raise InvalidValue(f"a component kind cannot be called {name!r}", "use small letters, digits and `_`")

    def noted(declared: K) -> K:
        taken = _known.get(name)
        if taken is not None and _file(type(taken)) != _file(declared):
            files = f"of {_file(type(taken))} and of {_file(declared)}"
            raise InvalidValue(f"there are two component kinds {name!r}: {files}", "rename one")
        declared.name = name
        _known[name] = declared()
        return declared

    return noted


def find(name: str) -> Kind:
    """Return the kind of a component of that name; packages that are installed are imported only if need be.

    Raises:
        UnknownName: there is no such kind here.
    """
    kind = name.partition(".")[0]
    if kind not in _known:
        _look_among_installed(kind)
    if kind not in _known:
        remedy = "install the package that brings it, or name its Python file in the method's `parts:`"
        raise UnknownName(f"no kind of component is called {kind!r}", remedy)
    return _known[kind]


def known(*, installed: bool = True) -> list[Kind]:
    """Return all kinds there are by their names, those of packages that are installed and not imported yet too."""
    if installed:
        _look_among_installed("")
    return sorted(_known.values(), key=lambda kind: kind.name)


def xavier(rng: "np.random.Generator", shape: Shape, fans: int) -> "npt.NDArray[np.float32]":
    """Return Xavier-uniform values for a matrix whose inputs and outputs are so many together."""
    import numpy as np

    bound = np.float32(sqrt(6 / fans))
    return bound * (2 * rng.random(shape, dtype=np.float32) - 1)


def _look_among_installed(kind: str) -> None:
    points = {(point.name, point.module) for point in entry_points(group=GROUP)}
    for name, module in sorted(points, key=lambda point: (point[0] != kind, point)):
        if kind in _known:
            return
        if module not in sys.modules:
            try:
                import_module(module)
            except Exception as error:
                problem = f"the installed extension {name!r} ({module}) cannot be imported: {error}"
                raise PartError(problem, "mend or remove it") from error


def _file(declared: type[Kind]) -> str:
    return str(getattr(sys.modules.get(declared.__module__), "__file__", None) or declared.__module__)
