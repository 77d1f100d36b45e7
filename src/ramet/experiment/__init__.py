"""Experiments: method variants compared fairly, each on branches of its own from one commit, and what comes of them.

    design = experiment.read("learned-mu.yaml")
    experiment.run(system, design)
    print(experiment.report(system, design.name).variants[1].verdict)
    experiment.merge(system, design.name)

`ramet experiment` has a command for each of these functions.
"""

from ramet.experiment.design import Design
from ramet.experiment.merge import drop, merge
from ramet.experiment.overview import overview, overviews
from ramet.experiment.reading import read
from ramet.experiment.report import report
from ramet.experiment.run import run
from ramet.experiment.trial import Watch
from ramet.experiment.write import write_page

__all__ = ["Design", "Watch", "drop", "merge", "overview", "overviews", "read", "report", "run", "write_page"]
