"""The operations of the Kheops album API: what each takes and answers, one entry for each row of its route table."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.http.openapi import albums, services
from albumcore_adapters.http.openapi.parts import Operation

OPERATIONS: Mapping[tuple[str, str], Operation] = {**albums.OPERATIONS, **services.OPERATIONS}
