"""The methods of the TSCharts API that are answered only to be refused."""

from __future__ import annotations

from collections.abc import Mapping

from albumcore_adapters.http.openapi.parts import Operation
from albumcore_adapters.http.openapi.tscharts import ROOT

_KINDS = ("clinic", "station", "patient", "image")

REFUSED: Mapping[tuple[str, str], Operation] = {
    **{
        ("DELETE", f"{ROOT}/{kind}"): Operation(
            f"Refused: to delete a {kind}, its id is needed.",
            {},
            errors=(400 if kind == "image" else 404,),
        )
        for kind in _KINDS
    },
    **{
        ("POST", f"{ROOT}/{kind}/{{key}}"): Operation(
            f"Refused: a {kind} is made at the address of all of them.", {}, errors=(405,)
        )
        for kind in _KINDS
    },
    ("PUT", f"{ROOT}/patient"): Operation(
        "Refused: to change a patient, its id is needed.", {}, errors=(405,)
    ),
}
"""By method and address. ``Allow`` names them, as that of the documented API does."""
