"""The directory: people, patients, clinics, accounts and the DICOM catalogue, in ordinary tables.

Everything personal is here and not in the events, which name people, patients, studies and series
by id alone.
"""

from adapters.directory._checks import problems_of
from adapters.directory._database import MAX_KEY, Cursor, Database, ids_exist
from adapters.directory._instances import (
    InstanceOfOtherSeries,
    InstanceRecord,
    Misplaced,
    SeriesOfOtherStudy,
)
from adapters.directory.accounts import Account, Accounts
from adapters.directory.catalogue import Catalogue, SeriesFacts
from adapters.directory.claims import (
    UNKNOWN,
    Claims,
    Held,
    Place,
    album_place,
    claims_on,
    inbox_place,
)
from adapters.directory.clinics import Clinic, Clinics, Station
from adapters.directory.dicom_json import Attributes
from adapters.directory.inbox import Inbox
from adapters.directory.patients import Patient, PatientExists, Patients
from adapters.directory.people import EmailTaken, People
from adapters.directory.spent import Spent
from adapters.directory.token_floors import TokenFloors
from adapters.directory.token_uses import TokenUses
from albumcore.feed import Person

__all__ = [
    "MAX_KEY",
    "UNKNOWN",
    "Account",
    "Accounts",
    "Attributes",
    "Catalogue",
    "Claims",
    "Clinic",
    "Clinics",
    "Cursor",
    "Database",
    "EmailTaken",
    "Held",
    "Inbox",
    "InstanceOfOtherSeries",
    "InstanceRecord",
    "Misplaced",
    "Patient",
    "PatientExists",
    "Patients",
    "People",
    "Person",
    "Place",
    "SeriesFacts",
    "SeriesOfOtherStudy",
    "Spent",
    "Station",
    "TokenFloors",
    "TokenUses",
    "album_place",
    "claims_on",
    "ids_exist",
    "inbox_place",
    "problems_of",
]
