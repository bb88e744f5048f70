"""Export for research: the feeds of albums and the images of patients as tables, in CSV, JSON lines or Parquet.

`tables` has the columns, `reading` makes rows of the histories, and `formats` writes them.
"""
