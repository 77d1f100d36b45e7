"""The command line: a thin mirror of the library."""

import os

if os.environ.get("COLUMNS", "").strip() == "0":
    del os.environ["COLUMNS"]  # Rich would print nothing at all
