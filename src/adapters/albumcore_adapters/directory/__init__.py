"""The directory: people, patients, clinics, accounts, inboxes and the DICOM catalogue, in ordinary tables.

Personal data of people and patients is here. Events refer to people, patients, studies and series by id alone.
"""
