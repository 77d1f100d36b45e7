"""Experiments on record: what was compared, and how its trials ended."""

from collections.abc import Mapping, Sequence
from typing import Any

from ramet.results import Listing
from ramet.store.catalog.experiments import Experiment, Trial
from ramet.store.folder import Store


class Experiments:
    """The experiments of a system; `ramet.study` runs them."""

    def __init__(self, store: Store) -> None:
        self._catalog = store.catalog

    def all(self) -> Listing[Experiment]:
        """Return all experiments, the oldest first."""
        return Listing(self._catalog.experiments.all(), _row)

    def get(self, name: str) -> Experiment:
        """Return the experiment of a name.

        Raises:
            UnknownName: there is none.
        """
        return self._catalog.experiments.get(name)

    def begin(self, name: str, design: Mapping[str, Any], *, base: str, branches: Sequence[str]) -> Experiment:
        """Put an experiment on record, with its branches at the last commit of a branch; one that is there goes on.

        Raises:
            InvalidValue: there is one of that name with another design, or a branch's name cannot be used.
        """
        return self._catalog.experiments.begin(name, design, base=base, branches=branches)

    def trials(self, name: str) -> Listing[Trial]:
        """Return the trials of an experiment that have ended, by variant and seed."""
        return Listing(self._catalog.experiments.trials(name))

    def end_trial(self, name: str, variant: str, seed: int, branch: str, problem: str = "") -> Trial:
        """Put the end of a trial on record; that of one which was tried again takes the place of the first."""
        return self._catalog.experiments.end_trial(name, variant, seed, branch, problem)

    def drop(self, branches: Sequence[str]) -> list[str]:
        """Forget those of these branches that are there, give up their runs, and return their names.

        Raises:
            Busy: a process works on one of them.
        """
        return self._catalog.experiments.drop_branches(branches)

    def count_children(self, branches: Sequence[str]) -> int:
        """Return how many children the runs on these branches have made."""
        return self._catalog.agents.count_children(branches=branches)


def _row(experiment: Experiment) -> dict[str, object]:
    return {"experiment": experiment.name, "base": experiment.base, "time": experiment.time}
