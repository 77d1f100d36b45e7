import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue
from ramet.base.randomness import check_seed, generator, seed_of, uniforms

KEY = (0, "augment")
keys = st.lists(st.integers() | st.text(alphabet="abc0123"), max_size=4).map(tuple)


class TestPinned:
    """Values written down: if one changes, no run that was made before can be resumed or repeated."""

    @pytest.mark.parametrize(
        ("key", "seed"),
        [
            ((), 16406829232824261652),
            ((0,), 7393586934137057515),
            (("0",), 5159802204148585279),
            ((0, "a", 1), 8757355998378720494),
        ],
    )
    def test_seeds(self, key, seed):
        assert seed_of(*key) == seed

    def test_uniforms(self):
        assert uniforms(KEY, np.array([0, 1, 10**9]), 2).tolist() == [
            [0.8697785617098402, 0.314955679152397],
            [0.8274307135732211, 0.6323877187859697],
            [0.24850489416109933, 0.6261712800833028],
        ]

    def test_a_generator(self):
        assert generator(0, "x").random(2).tolist() == [0.6599894537485308, 0.218138390590357]


class TestSeeds:
    @given(keys, keys)
    def test_of_two_keys_are_equal_only_if_the_keys_are(self, a, b):
        assert (seed_of(*a) == seed_of(*b)) == (a == b)

    def test_parts_are_not_run_together(self):
        assert len({seed_of("a", "b"), seed_of("ab"), seed_of("b", "a"), seed_of("a", "b", "")}) == 4

    @given(keys)
    def test_have_64_bits(self, key):
        assert 0 <= seed_of(*key) < 2**64


class TestUniforms:
    N = 100_000

    def test_are_even(self):
        """Pearson's chi-squared of 100 bins of each column, within 5 standard deviations of its mean of 99."""
        columns = uniforms(KEY, np.arange(self.N), 4).T
        for u in columns:
            counts, _ = np.histogram(u, bins=100, range=(0, 1))
            chi_squared = ((counts - self.N / 100) ** 2 / (self.N / 100)).sum()
            assert abs(chi_squared - 99) < 5 * (2 * 99) ** 0.5
        assert columns.min() >= 0
        assert columns.max() < 1

    @pytest.mark.parametrize("stride", [1, 2, 1024, 2**32])
    def test_of_neighbours_columns_and_keys_are_uncorrelated(self, stride):
        indices = np.arange(self.N) * stride
        a, b = uniforms(KEY, indices, 2).T
        others = [
            b,
            np.roll(a, 1),
            uniforms((1, "augment"), indices, 1)[:, 0],
            uniforms((0, "other"), indices, 1)[:, 0],
        ]
        for other in others:
            assert abs(np.corrcoef(a, other)[0, 1]) < 5 / self.N**0.5

    def test_pairs_fill_the_square_evenly(self):
        u = uniforms(KEY, np.arange(self.N), 2)
        counts, _, _ = np.histogram2d(u[:, 0], u[:, 1], bins=20, range=((0, 1), (0, 1)))
        chi_squared = ((counts - self.N / 400) ** 2 / (self.N / 400)).sum()
        assert abs(chi_squared - 399) < 5 * (2 * 399) ** 0.5

    @given(st.lists(st.integers(0, 2**62), min_size=1, max_size=9), st.integers(1, 5), st.integers(1, 5))
    def test_a_row_depends_on_its_index_alone_and_columns_only_add(self, indices, fewer, more):
        rows = uniforms(KEY, np.array(indices), fewer + more)
        for index, row in zip(indices, rows, strict=True):
            assert uniforms(KEY, np.array([index]), fewer)[0].tolist() == row[:fewer].tolist()

    def test_rows_are_all_different(self):
        assert len(np.unique(uniforms(KEY, np.arange(self.N), 1))) == self.N

    @pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint64])
    def test_the_integers_type_does_not_matter(self, dtype):
        assert (uniforms(KEY, np.arange(5, dtype=dtype), 3) == uniforms(KEY, np.arange(5), 3)).all()

    def test_none_are_none(self):
        assert uniforms(KEY, np.array([], dtype=np.int64), 3).shape == (0, 3)


def test_generators_of_a_key_are_one_and_of_two_keys_two():
    assert generator(1, "a").random() == generator(1, "a").random()
    assert generator(1, "a").random() != generator(1, "b").random()


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", True, None])
def test_what_no_database_can_keep_is_no_seed(seed):
    with pytest.raises(InvalidValue, match="give a whole number from 0 to 9223372036854775807"):
        check_seed(seed)


def test_seeds_are_whole_numbers():
    assert [check_seed(seed) for seed in (0, 2**63 - 1)] == [0, 2**63 - 1]
