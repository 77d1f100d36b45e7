"""From a benchmark's records to tables, figures and a page: nothing here trains, and equal records give equal files."""
