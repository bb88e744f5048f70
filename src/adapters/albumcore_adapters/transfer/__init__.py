"""Transfer of whole stores: `copy` between databases, `backup` and `restore`, and the `marker` of an unfinished one.

From below: `endpoint` and `tables` read and write rows of either database, `blobs` moves image bytes, `dump` and its
two implementations put a database into a backup, `manifest` describes the backup, and `swap` replaces a data
directory atomically.
"""
