"""An experiment's report as one HTML page that stands alone."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ramet.base.files import write_whole
from ramet.experiment.contents import parts
from ramet.experiment.figures import FIGURES
from ramet.experiment.findings import Report
from ramet.report.page import page
from ramet.report.style import draw
from ramet.report.tables import Picture


def write_page(report: Report, file: Path) -> None:
    """Write the page.

    Raises:
        StoreError: it cannot be written.
    """
    made = parts(report)
    names = [block.name for part in made for block in part.blocks if isinstance(block, Picture)]
    with TemporaryDirectory() as folder:
        draw({name: partial(FIGURES[name], report) for name in names}, Path(folder))
        text = page(f"Experiment {report.name}", made, Path(folder))
    write_whole(file, text.encode())
