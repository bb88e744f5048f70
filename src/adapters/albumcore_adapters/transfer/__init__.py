"""Whole stores brought elsewhere: copies, backups, restores, and the marker of an unfinished one."""
