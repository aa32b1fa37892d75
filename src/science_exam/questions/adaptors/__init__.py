"""Question files of any layout -> drafts, row by row."""
