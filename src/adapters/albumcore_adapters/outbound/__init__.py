"""HTTP requests to other servers: report providers (Kheops API 8), webhooks (Kheops API 11), and an existing archive.

A user who names an address decides where this service connects to, from its place in the network (server-side request
forgery). So, unless private addresses are allowed, only public ones are connected to, and each host is resolved once:
the connection goes to the IP address that was checked. Every call has a time limit, and the size of a response too.

The address of an existing archive (PACS) is named by the administrator, and may be private.
"""

from albumcore_adapters.outbound.client import Outbound
from albumcore_adapters.outbound.errors import (
    AddressRefused,
    BadResponse,
    OutboundError,
    PacsFailed,
    PacsTimedOut,
    Unreachable,
)
from albumcore_adapters.outbound.pacs import Pacs
from albumcore_adapters.outbound.report_providers import Metadata, check_metadata

__all__ = [
    "AddressRefused",
    "BadResponse",
    "Metadata",
    "Outbound",
    "OutboundError",
    "Pacs",
    "PacsFailed",
    "PacsTimedOut",
    "Unreachable",
    "check_metadata",
]
