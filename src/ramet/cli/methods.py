"""`ramet method`: the packaged methods, and methods written by hand."""

from typing import TYPE_CHECKING, Annotated

import typer

from ramet.cli.options import AsJson, Settings, method_source, pairs
from ramet.cli.output import say, show_json, table
from ramet.cli.output import show as print_result

if TYPE_CHECKING:
    from ramet.method.document.schema import Method

app = typer.Typer(help="The methods by which tasks are learned.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="FILE|NAME", help="A YAML file or a preset.", show_default=False)]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all packaged methods, and all sizes that they come in (write METHOD@SIZE)."""
    from ramet.method.document.presets import methods, sizes

    if as_json:
        show_json({"methods": methods(), "sizes": sizes()})
        return
    print_result(table(("method", "description"), methods().items()), "")
    print_result(table(("size", "description"), sizes().items()))
    say("next: ramet evolve TASK --method METHOD@SIZE")


@app.command()
def show(name: Name, settings: Settings = None) -> None:
    """Print a method in full, as YAML that --method takes."""
    typer.echo(_loaded(name, settings).to_yaml(), nl=False)


@app.command()
def validate(name: Name, settings: Settings = None) -> None:
    """Check a method; what is wrong is named."""
    print_result(f"{_loaded(name, settings).label} is a method")


@app.command()
def parts(
    name: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="A method, for those that it brings.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List all parts that a method can name: ramet's, those of installed packages, and those of a method's own files."""
    from ramet.method.parts import Library, described

    found = [described(part) for part in Library(_loaded(name, None).parts if name else ()).listed()]
    if as_json:
        show_json(found)
    else:
        rows = ((d["kind"], d["name"], ", ".join(d["settings"]), d["description"], d["origin"]) for d in found)
        print_result(table(("kind", "name", "settings", "description", "from"), rows))


def _loaded(name: str, settings: list[str] | None) -> "Method":
    from ramet.method.document.presets import load

    return load(method_source(name), pairs(settings, "--set"))
