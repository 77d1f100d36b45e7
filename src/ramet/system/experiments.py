"""Experiments on record: what was compared, and how its trials ended."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ramet.results import Listing
from ramet.store.catalog.experiments import Experiment, Trial, TrialState
from ramet.store.catalog.leases import Lease
from ramet.store.folder import Store

WHOLE_BRANCH = "*"
"""What a branch's lease is called that covers all its tasks."""


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

    def begin(
        self,
        name: str,
        design: Mapping[str, Any],
        *,
        base: str,
        branches: Mapping[str, str],
        instead_of: Mapping[str, Any] | None = None,
    ) -> Experiment:
        """Put an experiment on record, with its branches; one that is there goes on.

        Args:
            name: of it.
            design: what decides its outcomes, as JSON.
            base: the branch at whose last commit it begins.
            branches: names, with the commit that each starts from; the base's name is the commit where it began.
            instead_of: the design on record that this one takes the place of, with the branches that it has more.

        Raises:
            InvalidValue: there is one of that name with another design, or a branch's name cannot be used.
        """
        return self._catalog.experiments.begin(name, design, base=base, branches=branches, instead_of=instead_of)

    def hold(self, branch: str) -> AbstractContextManager[Lease]:
        """Hold a branch of an experiment during a block, so that one process at a time works on it.

        Raises:
            Busy: another process holds it.
        """
        return self._catalog.leases.hold(WHOLE_BRANCH, branch=branch)

    def trials(self, name: str) -> Listing[Trial]:
        """Return the trials of an experiment that have ended, by branch, in the order they ended."""
        return Listing(self._catalog.experiments.trials(name))

    def end_trial(
        self,
        name: str,
        branch: str,
        task: str,
        *,
        state: TrialState = "done",
        problem: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Put the end of a trial on record; that of one which was tried again takes the place of the first."""
        return self._catalog.experiments.end_trial(name, branch, task, state=state, problem=problem, details=details)

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
