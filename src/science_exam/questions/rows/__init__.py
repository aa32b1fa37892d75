"""Question files row by row: any compression, CSV, JSON lines, JSON arrays, Parquet."""
