import numpy as np

from ramet.runtime.loader import sample_subset, stream


def test_every_epoch_is_a_permutation_and_batches_run_on():
    draws = stream(10, 4, ("key",))
    seen = np.concatenate([next(draws) for _ in range(5)])
    assert sorted(seen) == list(range(20))
    assert sorted(seen[:10] % 10) == list(range(10))
    assert list(seen[:10] % 10) != list(seen[10:] % 10)
    assert list(next(stream(10, 4, ("other",)))) != list(seen[:4])


def test_the_validation_subset_is_fixed_and_random():
    chosen = sample_subset(1000, 50, ("task", "validation"))
    assert list(chosen) == list(sample_subset(1000, 50, ("task", "validation"))) == sorted(set(chosen))
    assert chosen[-1] > 500
    assert sample_subset(50, 50, ("task",)) is None
