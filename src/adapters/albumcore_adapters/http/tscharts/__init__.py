"""The TSCharts image API: images of patients as base64, with the clinics, stations, patients and logins they need.

One file per feature: its responders, and at its end its ``ROUTES``. `routes` puts them in order, `methods` has the
methods that they lack, and `admission` authenticates. Errors have an empty body or ``{"detail": ...}``, as those of a
Django REST framework server.
"""

from __future__ import annotations

from albumcore_adapters.http.tscharts.admission import TSChartsApi, no_route
from albumcore_adapters.http.tscharts.errors import answer_error
from albumcore_adapters.http.tscharts.methods import OPTIONS_ROUTES, OTHER_ROUTES, REFUSED_ROUTES
from albumcore_adapters.http.tscharts.routes import ROUTES, routes_of

__all__ = [
    "OPTIONS_ROUTES",
    "OTHER_ROUTES",
    "REFUSED_ROUTES",
    "ROUTES",
    "TSChartsApi",
    "answer_error",
    "no_route",
    "routes_of",
]
