from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from ramet.base.errors import PartError
from ramet.base.records import Value
from ramet.method.document.hyperparameters import Domain, Hyperparameter
from ramet.method.parts import Part, register
from ramet.tasks.augment import augment
from ramet.training.generation import augmented

KEY = (0, "task")
HYPER: dict[str, Value] = {"data.image_size": 8, "data.flip": True, "data.shift": 0.5}
IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (6, 8, 8, 3)).astype(np.uint8))
EXAMPLES = np.arange(6)


@register("hyperparameter", "data.shift")
class Shift(Hyperparameter):
    domain: ClassVar[Domain | None] = Domain(float, 0.0, 1.0)
    default: Value = 0.5
    values: tuple[Value, ...] | str = (0.0, 0.5)


@register("augmentation", "brighter")
class Brighter(Part):
    draws: ClassVar[int] = 1
    hyperparameters: ClassVar[tuple[type[Hyperparameter], ...]] = (Shift,)

    def apply(self, x_BCHW: Any, u_BN: Any, hyperparameters: Any) -> Any:
        change = torch.from_numpy(u_BN).to(x_BCHW).view(-1, 1, 1, 1) * hyperparameters["data.shift"]
        return (x_BCHW + change).clamp_(0, 1)


@register("augmentation", "inverse")
class Inverse(Part):
    draws: ClassVar[int] = 0
    hyperparameters: ClassVar[tuple[type[Hyperparameter], ...]] = ()
    answer: Any = None

    def apply(self, x_BCHW: Any, u_BN: Any, hyperparameters: Any) -> Any:
        return 1 - x_BCHW if self.answer is None else self.answer


def own() -> torch.Tensor:
    hyper = {name: value for name, value in HYPER.items() if name != "data.shift"}
    return augment(IMAGES, hyper, key=(*KEY, "augment"), examples=EXAMPLES, image_size=8)


def test_without_parts_it_is_ramet_s_own_to_the_bit() -> None:
    hyper = {name: value for name, value in HYPER.items() if name != "data.shift"}
    assert torch.equal(augmented(IMAGES, (), hyper, KEY, EXAMPLES), own())


def test_parts_come_after_it_in_their_order() -> None:
    inverse = augmented(IMAGES, (Inverse(),), {k: v for k, v in HYPER.items() if k != "data.shift"}, KEY, EXAMPLES)
    torch.testing.assert_close(inverse, -own())
    one = augmented(IMAGES, (Brighter(), Inverse()), HYPER, KEY, EXAMPLES)
    other = augmented(IMAGES, (Inverse(), Brighter()), HYPER, KEY, EXAMPLES)
    assert (one <= -own() + 1e-6).all()
    assert (other >= -own() - 1e-6).all()
    assert one.abs().max() <= 1


def test_an_example_is_the_same_in_every_batch() -> None:
    whole = augmented(IMAGES, (Brighter(),), HYPER, KEY, EXAMPLES)
    part = augmented(IMAGES[2:4], (Brighter(),), HYPER, KEY, EXAMPLES[2:4])
    torch.testing.assert_close(whole[2:4], part)
    assert not torch.equal(whole, augmented(IMAGES, (Brighter(),), HYPER, (1, "task"), EXAMPLES))


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("images", r"answered 'str \(\)'"),
        (torch.zeros(6, 3, 8, 7), r"'Tensor \(6, 3, 8, 7\)'"),
        (torch.full((6, 3, 8, 8), 1.5), "values outside 0 to 1"),
        (torch.full((6, 3, 8, 8), float("nan")), "values outside 0 to 1"),
    ],
)
def test_what_are_no_images_is_refused(answer: Any, named: str) -> None:
    hyper = {name: value for name, value in HYPER.items() if name != "data.shift"}
    with pytest.raises(PartError, match=named):
        augmented(IMAGES, (Inverse.model_construct(answer=answer),), hyper, KEY, EXAMPLES)
