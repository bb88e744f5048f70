"""The directory: people, patients, clinics, accounts, inboxes and the DICOM catalogue, in ordinary tables.

All personal data is here and not in the events, which refer to people, patients, studies and series by id alone.
"""
