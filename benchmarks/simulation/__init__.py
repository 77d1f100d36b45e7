"""A system of thousands of tasks, grown by the real search; only training is made up."""
