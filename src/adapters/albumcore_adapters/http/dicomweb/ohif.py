"""The configuration of the viewer OHIF for this service, which it reads from an address (its source ``dicomwebproxy``).

An address below ``/link/{token}`` configures OHIF for that token: every address in the response is below the link.
"""

from __future__ import annotations

from typing import Any

from albumcore_adapters.base.settings import Settings
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import NOTHING
from albumcore_adapters.http.links import public_root
from albumcore_adapters.http.openapi.specs import TEXT, ResponseSpec, array, closed_object
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route

OHIF_OPTIONS: dict[str, Any] = {
    "qidoSupportsIncludeField": True,
    "supportsReject": False,
    "supportsWildcard": True,
    "imageRendering": "wadors",
    "thumbnailRendering": "wadors",
    "enableStudyLazyLoad": True,
    "omitQuotationForMultipartRequest": False,
    "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
}
"""What OHIF is told of the service, beside its addresses."""


def ohif_server_metadata(request: ApiRequest, settings: Settings) -> Response:
    """Show where OHIF finds this service, and what it may ask for."""
    root = public_root(request, settings)
    server = {
        "name": "albumcore",
        "qidoRoot": root,
        "wadoRoot": root,
        "wadoUriRoot": f"{root}/wado",
        **OHIF_OPTIONS,
    }
    identifier = str(request.req.context.request_id)
    return Response.json({"transactionId": identifier, "servers": {"dicomWeb": [server]}})


_SERVER = {
    "type": "object",
    "required": ["name", "qidoRoot", "wadoRoot", "wadoUriRoot", *OHIF_OPTIONS],
}

ROUTES = (
    Route(
        *("GET", "/ohifservermetadata", ohif_server_metadata),
        summary="Configure the viewer OHIF for this service.",
        callers=Callers.ANY_TOKEN,
        needs=NOTHING,
        responses={
            200: ResponseSpec(
                "The configuration.",
                {
                    JSON: closed_object(
                        {
                            "transactionId": TEXT,
                            "servers": closed_object({"dicomWeb": array(_SERVER)}),
                        }
                    )
                },
            )
        },
    ),
)
