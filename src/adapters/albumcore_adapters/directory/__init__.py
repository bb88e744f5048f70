"""The directory: people, patients, clinics, accounts and the DICOM catalogue, in ordinary tables.

Everything personal is here and not in the events, which name people, patients, studies and series
by id alone.
"""

from albumcore.feed import Person
from albumcore_adapters.base.dicom_json import Attributes
from albumcore_adapters.directory._checks import problems_of
from albumcore_adapters.directory._ids import ids_exist
from albumcore_adapters.directory._instances import (
    InstanceOfOtherSeries,
    InstanceRecord,
    Misplaced,
    SeriesOfOtherStudy,
)
from albumcore_adapters.directory.accounts import Account, Accounts
from albumcore_adapters.directory.catalogue import Catalogue, SeriesFacts
from albumcore_adapters.directory.claims import (
    UNKNOWN,
    Claims,
    Held,
    Place,
    album_place,
    claims_on,
    inbox_place,
)
from albumcore_adapters.directory.clinics import Clinic, Clinics, Station
from albumcore_adapters.directory.inbox import Inbox
from albumcore_adapters.directory.patients import Patient, PatientExists, Patients
from albumcore_adapters.directory.people import EmailTaken, People
from albumcore_adapters.directory.spent import Spent
from albumcore_adapters.directory.token_floors import TokenFloors
from albumcore_adapters.directory.token_uses import TokenUses

__all__ = [
    "UNKNOWN",
    "Account",
    "Accounts",
    "Attributes",
    "Catalogue",
    "Claims",
    "Clinic",
    "Clinics",
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
