"""Erasure: a person, patient, study, comment, image or album is forgotten, in one transaction.

`erasing` finds and deletes the keys of events and the rows of the directory, and records in each touched stream which
of its events were erased. `erasure_list` is the list of erasures beside the data, which a restored backup needs.
"""
