"""The parts of a report: each answers one question, in sentences, tables and figures made of the summary's numbers."""
