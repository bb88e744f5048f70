"""Registration of users, and the user of a report provider's token (Kheops API 1.1 and 1.4)."""

from __future__ import annotations

from albumcore import PersonRegistered
from albumcore.errors import Forbidden, Invalid
from albumcore.feed import Person
from albumcore.json_object import present
from albumcore_adapters.directory.people import People
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.request import ApiRequest
from albumcore_adapters.http.kheops.shared_specs import shown
from albumcore_adapters.http.openapi.specs import ParameterSpec, ResponseSpec, ref
from albumcore_adapters.http.openapi.value_schemas import TOKEN
from albumcore_adapters.http.response import Response
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.authentication import Authentication
from albumcore_adapters.identity.bearer import bearer
from albumcore_adapters.identity.callers import claims_of
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.service_tokens import is_report_token


def register(request: ApiRequest, auth: Authentication, people: People) -> Response:
    """Register the user of the token in the form, with the name and e-mail address in its claims.

    Unlike upstream, the identity provider is not asked for them.

    Raises:
        Invalid: the token is missing, or not valid.
        EmailTaken: another user has the address. Nothing is stored then.
    """
    token = request.form().text("access_token")
    if not token:
        raise Invalid("access_token", "it is required")
    try:
        claims, known = claims_of(auth, token)
    except Unauthorized as error:
        raise Invalid("access_token", error.detail) from None
    person = people.register(claims.sub, claims.email, claims.name, known).person
    return Response.json(present(email=person.email, name=person.name, sub=person.sub))


def userinfo(request: ApiRequest, people: People) -> Response:
    """Show a report provider the user in whose name it acts.

    Raises:
        Forbidden: the token is not a report provider's.
    """
    if not is_report_token(bearer(request.header("Authorization"))):
        raise Forbidden("this needs the token of a report provider")
    person = people.person(request.caller.user) or Person(request.caller.user)
    return Response.json({"sub": person.sub} | present(name=person.name, email=person.email))


ROUTES = (
    Route(
        *("POST", "/register", register),
        summary="Register the user of a token of the identity provider.",
        callers=Callers.ANYBODY,
        needs="a token in the form",
        records=(PersonRegistered,),
        form={"access_token": ParameterSpec(TOKEN, "A JWT.", required=True)},
        responses={200: ResponseSpec("The user.", {JSON: ref("Person")})},
    ),
    Route(
        *("GET", "/userinfo", userinfo, "Show a report provider the user in whose name it acts."),
        callers=Callers.ANY_TOKEN,
        needs="the token is a report provider's",
        responses=shown("Person"),
    ),
)
