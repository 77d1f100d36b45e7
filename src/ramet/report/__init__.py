"""What every report is made of: figures that look alike, and documents of texts, tables and figures."""
