"""What training a child costs, in FLOPs."""

from ramet.method.plan import ChildPlan
from ramet.vit import spec


def training_flops(plan: ChildPlan, examples: int) -> int:
    """FLOPs of training a child alone on so many examples; validation and shared prefixes are not taken off or added.

    The forward pass runs once; the gradient of the activations runs through every component above the lowest trainable
    one, and the gradient of the weights through every trainable component, each at the cost of a forward pass.
    """
    total, above = 0, False
    for part in plan.parts:
        flops = spec.component_flops(plan.parent.architecture, part.name, plan.dimensions)
        total += flops * (1 + above + part.trainable)
        above = above or part.trainable
    return total * examples
