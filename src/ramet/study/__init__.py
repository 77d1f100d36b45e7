"""Studies: methods compared fairly, each on branches of its own from one commit, and what comes of them.

    design = study.read("learned-mu.yaml")
    study.run(system, design)
    print(study.report(system, design.name).variants[1].verdict)
    study.merge(system, design.name)

An experiment compares variants on a system that lives; a suite (suites/*.yaml) is a packaged experiment that brings its
root. Both are run, put on record, judged and reported by the same code.
"""

from ramet.study.branches import drop, merge, overview, overviews
from ramet.study.design import Design
from ramet.study.gather import study_of
from ramet.study.reading import read
from ramet.study.run import Watch, run
from ramet.study.summary import Summary, report
from ramet.study.write import write_page

__all__ = [
    "Design", "Summary", "Watch", "drop", "merge", "overview", "overviews", "read", "report", "run", "study_of",
    "write_page",
]  # fmt: skip
