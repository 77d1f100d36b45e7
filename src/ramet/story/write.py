"""Writes what a system tells of itself: its page, its curves, its graph."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ramet.base.errors import InvalidValue
from ramet.base.files import refusals
from ramet.report.document import Picture, page
from ramet.report.style import FORMATS, draw, save, styled
from ramet.story.curves import draw_curves
from ramet.story.drawing import Sharing, draw_graph, draw_sharing
from ramet.story.graph import Graph, graph_of, graphml, plain
from ramet.story.sections import parts
from ramet.story.tell import Story, tell

if TYPE_CHECKING:
    from ramet.system import System


PICTURED = 400
"""Tasks of which a picture, a column or a row each, can still be read."""


def write_page(system: "System", file: Path) -> None:
    """Write the page of a system's branch: one HTML file with all that it shows.

    Raises:
        StoreError: the file cannot be written.
    """
    story, shared = tell(system), sharing(system)
    made = parts(story, system.status(), shared)
    figures: dict[str, Callable[[], Any]] = {
        "curves": partial(draw_curves, story),
        "graph": lambda: draw_graph(graph_of(system)),
        "sharing": partial(draw_sharing, shared),
    }
    shown = [block.name for part in made for block in part.blocks if isinstance(block, Picture)]
    name, branch = system.store.name, system.versions.branch
    heading = name if branch == "main" else f"{name}, branch {branch}"
    with TemporaryDirectory() as folder, refusals(f"cannot write {file}"):
        draw({name: figures[name] for name in shown}, Path(folder))
        file.write_text(page(heading, made, Path(folder)), encoding="utf-8")


def write_curves(story: Story, file: Path) -> None:
    """Write the curves of a story as SVG or PNG, by the end of the file's name.

    Raises:
        InvalidValue: it ends otherwise, or nothing was published yet.
        StoreError: the file cannot be written.
    """
    if not story.states:
        raise InvalidValue("there is nothing to plot: no path was ever published", "learn a task: `ramet evolve TASK`")
    _save(partial(draw_curves, story), file, FORMATS)


def write_graph(graph: Graph, file: Path) -> None:
    """Write a graph as a picture (SVG, PNG) or as data (GraphML, JSON), by the end of the file's name.

    Raises:
        InvalidValue: it ends otherwise, or there are too many tasks for a picture.
        StoreError: the file cannot be written.
    """
    texts: dict[str, Callable[[], str]] = {
        ".graphml": lambda: graphml(graph),
        ".json": lambda: json.dumps(plain(graph), indent=1, ensure_ascii=False) + "\n",
    }
    if file.suffix in texts:
        with refusals(f"cannot write {file}"):
            file.write_text(texts[file.suffix](), encoding="utf-8")
        return
    if len(graph.of_kind("task")) > PICTURED:
        raise InvalidValue(f"a picture has room for {PICTURED} tasks at most", "write it as .graphml or .json")
    _save(partial(draw_graph, graph), file, (*FORMATS, *texts))


def sharing(system: "System") -> Sharing:
    """Return, of every two tasks, the parameters of what both paths hold; nothing where there are too many pairs."""
    state = system.versions.published()
    if len(state) > PICTURED:
        return {}
    found = {task: {task: path.params} for task, path in sorted(state.items())}
    for (one, other), components in system.sharing().items():
        found[one][other] = sum(component.size for component in components)
    return found


def _save(make: Callable[[], Any], file: Path, endings: Any) -> None:
    if file.suffix not in FORMATS:
        raise InvalidValue(f"{file.name} does not say what to write", f"end its name in one of {', '.join(endings)}")
    with styled(), refusals(f"cannot write {file}"):
        save(make(), file)
