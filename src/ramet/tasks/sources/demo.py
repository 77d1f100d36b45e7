"""`demo:NAME`: real image data that comes with installed packages, for trying things out with no network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ramet.tasks.demo import Demo, load
from ramet.tasks.sources.base import Content, Example, Source


@dataclass(frozen=True, kw_only=True)
class DemoSource(Source):
    """A demo data set; an image's identifier says its split, class and number."""

    demo: Demo

    @classmethod
    def open(cls, name: str) -> "DemoSource":
        """Make the images of a demo task."""
        demo = load(name)
        splits = {
            split: [Example(f"{split}/{demo.classes[y]}/{i}", int(y)) for i, y in enumerate(part.labels)]
            for split, part in demo.parts.items()
        }
        return cls(uri=f"demo:{name}", classes=demo.classes, splits=splits, demo=demo)

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the images of a split."""
        yield from self.demo.parts[split].images

    def stamps(self) -> Mapping[str, str]:
        """Return the versions of the packages that the images come from."""
        return self.demo.versions
