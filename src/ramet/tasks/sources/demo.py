"""`demo:NAME`: real image data that comes with installed packages, for trying things out with no network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ramet.tasks.demo import Demo, load
from ramet.tasks.sources.base import Content, Example


@dataclass(frozen=True)
class DemoSource:
    """A demo data set; an image's identifier says its split, class and number."""

    uri: str
    classes: tuple[str, ...]
    splits: Mapping[str, Sequence[Example]]
    demo: Demo

    @classmethod
    def open(cls, name: str) -> "DemoSource":
        """Makes the images of a demo task."""
        demo = load(name)
        splits = {
            split: [Example(f"{split}/{demo.classes[y]}/{i}", int(y)) for i, y in enumerate(part.labels)]
            for split, part in demo.parts.items()
        }
        return cls(f"demo:{name}", demo.classes, splits, demo)

    def contents(self, split: str) -> Iterator[Content]:
        """The images of a split."""
        yield from self.demo.parts[split].images

    def stamps(self) -> Mapping[str, str]:
        """The versions of the packages that the images come from."""
        return self.demo.versions
