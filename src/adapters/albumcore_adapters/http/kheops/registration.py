"""Users make themselves known, and report providers learn whose token they have (Kheops API 1.1 and 1.4)."""

from __future__ import annotations

from albumcore.errors import Forbidden, Invalid
from albumcore_adapters.http.accept import JSON
from albumcore_adapters.http.kheops.common import shown
from albumcore_adapters.http.kheops.feed_json import present
from albumcore_adapters.http.kheops.request import UnconvertedRequest as ApiRequest
from albumcore_adapters.http.openapi.parts import ParameterSpec, ResponseSpec, ref
from albumcore_adapters.http.openapi.values import TOKEN
from albumcore_adapters.http.route import Callers, Route
from albumcore_adapters.identity.bearer import bearer
from albumcore_adapters.identity.callers import claims_of
from albumcore_adapters.identity.errors import Unauthorized
from albumcore_adapters.identity.service_tokens import is_report_token


def register(request: ApiRequest) -> None:
    """Make the user known whose token is in the form, with the name and e-mail address that it tells.

    Other than upstream, no identity provider is asked for them: the token alone tells.

    Raises:
        Invalid: there is no token, or it is not good.
        EmailTaken: the address is somebody else's. Nothing is stored then.
    """
    token = request.form().text("access_token")
    if not token:
        raise Invalid("access_token", "it is needed")
    try:
        claims = claims_of(request.service.auth, token)
    except Unauthorized as error:
        raise Invalid("access_token", error.detail) from None
    person = request.service.people.register(claims.sub, claims.email, claims.name)
    request.answer(present(email=person.email, name=person.name, sub=person.sub))


def userinfo(request: ApiRequest) -> None:
    """Tell a report provider in whose name it acts.

    Raises:
        Forbidden: somebody else asks.
    """
    if not is_report_token(bearer(request.req.get_header("Authorization"))):
        raise Forbidden("this is for report providers alone")
    person = request.service.people.person(request.caller.user)
    told = present(name=person.name, email=person.email) if person else {}
    request.answer({"sub": request.caller.user} | told)


ROUTES = (
    Route(
        "POST",
        "/register",
        register,
        summary="Make oneself known, by a token of the identity provider.",
        callers=Callers.ANYBODY,
        needs="a token in the form",
        form={"access_token": ParameterSpec(TOKEN, "A JWT.", required=True)},
        responses={200: ResponseSpec("Who one is here.", {JSON: ref("Person")})},
    ),
    Route(
        "GET",
        "/userinfo",
        userinfo,
        summary="Tell a report provider who its user is.",
        callers=Callers.ANY_TOKEN,
        needs="the token is a report provider's",
        responses=shown("Person"),
    ),
)
