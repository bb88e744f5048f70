"""Values in the JSON of webhooks (Kheops API 11): people, times in UTC, addresses. An unknown value has no key."""

from __future__ import annotations

from datetime import datetime

from albumcore.feed import Person
from albumcore.json_object import Json, present
from albumcore.times import in_utc


def person_json(person: Person) -> Json:
    """A user: subject identifier, and name and e-mail address as far as they are known."""
    return present(email=person.email, name=person.name, sub=person.sub)


def study_url(api_url: str, study_uid: str) -> str:
    """The RetrieveURL of a study; that of a series of it has ``/series/<uid>`` appended."""
    return f"{api_url}/studies/{study_uid}"


def utc_time(at: datetime) -> str:
    """A time in ISO 8601, in UTC, with a ``Z``."""
    return in_utc(at).isoformat().replace("+00:00", "Z")
