"""`ramet report` and `ramet graph`: what a system has become, and how."""

from pathlib import Path
from typing import Annotated

import typer

from ramet.base.text import plural
from ramet.cli.options import AsJson, Folder, open_system
from ramet.cli.output import say, show_json


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The page, an HTML file.")] = Path("report.html"),
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Write the system's story as one page: its segments, growth, tasks, and who shares with whom."""
    from ramet.story.tell import tell
    from ramet.story.write import sharing, write_page

    system = open_system(folder)
    if as_json:
        about = {"name": system.store.name, "branch": system.versions.branch, "commit": system.versions.commit().id}
        show_json({**about, "story": tell(system), "tasks": system.status(), "sharing": sharing(system)})
        return
    write_page(system, file)
    say(f"written to {file}")


def graph(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A picture (.svg, .png) or data (.graphml, .json).")
    ] = Path("graph.svg"),
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Write the graph that the system has grown into: tasks, roots, and the components that they share."""
    from ramet.story.graph import graph_of, plain
    from ramet.story.write import write_graph

    found = graph_of(open_system(folder))
    if as_json:
        show_json(plain(found))
        return
    write_graph(found, file)
    counts = [plural(len(found.of_kind(kind)), kind) for kind in ("task", "root", "component")]
    say(f"written to {file}: {', '.join(counts)}")
