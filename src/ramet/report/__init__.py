"""What every report is made of: statistics, words for numbers, tables, figures and the page that stands alone."""
