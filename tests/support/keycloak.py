"""What Keycloak 26 answers, member by member, as data of our own, for a realm ``clinic`` with a client ``albumcore``.

Its tokens carry much that nobody needs here: a client must not stumble over it.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from support.openid_provider import KEY, Provider

REALM = "/realms/clinic"
CLIENT = "albumcore"
USER = str(UUID(int=0x7A1C_0000_4000_8000_0000_0000_00AB))
SESSION = str(UUID(int=0x51D0_0000_4000_8000_0000_0000_00CD))

_ENCRYPTING = RSAKey.generate_key(2048, {"kid": "encrypting"})
_REFRESHING = OctKey.generate_key(512)

PERSON = {
    "email_verified": True,
    "name": "Ada Okafor",
    "preferred_username": "ada",
    "given_name": "Ada",
    "family_name": "Okafor",
    "email": "ada@clinic.example",
}
"""The claims of the client scopes ``profile`` and ``email``, which every client has unless it is taken from it."""


def play(idp: Provider) -> None:
    """Have the provider answer as Keycloak does."""
    idp.client = CLIENT
    idp.discovery = _discovery(idp.address)
    idp.keys = [_published(_ENCRYPTING, "RSA-OAEP", "enc"), _published(KEY, "RS256", "sig")]
    idp.beside = {"session_state": SESSION}
    now = idp.clock()
    idp.tokens = {
        "access_token": access_token(idp.address, now),
        "expires_in": 300,
        "refresh_expires_in": 1800,
        "refresh_token": refresh_token(idp.address, now),
        "token_type": "Bearer",
        "not-before-policy": 0,
        "session_state": SESSION,
        "scope": "openid email profile",
    }
    idp.claims = _issued(now) | {
        "typ": "ID",
        "azp": CLIENT,
        "sub": USER,
        "at_hash": _half_hash(str(idp.tokens["access_token"])),
        **PERSON,
    }
    idp.sign = signed


def access_token(issuer: str, now: datetime, **claims: Any) -> str:
    """An access token; without a mapper, it names no audience but clients of which the user has a role."""
    payload = _issued(now) | {
        "iss": issuer,
        "aud": "account",
        "sub": USER,
        "typ": "Bearer",
        "azp": CLIENT,
        "allowed-origins": ["https://albums.example.org"],
        "realm_access": {"roles": ["offline_access", "uma_authorization", "default-roles-clinic"]},
        "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
        "scope": "openid email profile",
        **PERSON,
        **claims,
    }
    return signed(payload)


def id_token(issuer: str, now: datetime) -> str:
    """An ID token of the client."""
    payload = {"iss": issuer, "aud": CLIENT, "sub": USER, "typ": "ID", "azp": CLIENT, **PERSON}
    return signed(_issued(now) | payload)


def refresh_token(issuer: str, now: datetime) -> str:
    """A refresh token, which is a JWT as well, and is for Keycloak alone."""
    payload = {"iss": issuer, "aud": issuer, "sub": USER, "typ": "Refresh", "azp": CLIENT}
    header = {"alg": "HS512", "typ": "JWT", "kid": "refreshing"}
    return jws.serialize_compact(
        header, json.dumps(_issued(now) | payload), _REFRESHING, algorithms=["HS512"]
    )


def signed(claims: dict[str, Any]) -> str:
    """A token with the header that Keycloak gives it."""
    header = {"alg": "RS256", "typ": "JWT", "kid": "one"}
    return jws.serialize_compact(header, json.dumps(claims), KEY)


def _issued(now: datetime) -> dict[str, Any]:
    """The claims that ID, access and refresh tokens share."""
    at = int(now.timestamp())
    return {
        "exp": at + 300,
        "iat": at,
        "auth_time": at - 5,
        "jti": f"onrtac:{UUID(int=at)}",
        "sid": SESSION,
        "acr": "1",
    }


def _half_hash(token: str) -> str:
    """``at_hash`` (OpenID Connect Core 1.0 section 3.1.3.6)."""
    half = hashlib.sha256(token.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()


def _published(key: RSAKey, alg: str, use: str) -> dict[str, Any]:
    """A key as in the JWKS of a realm, with a certificate that is not looked at here."""
    certificate = b64encode(b"a certificate").decode()
    thumb = urlsafe_b64encode(hashlib.sha256(b"a certificate").digest()).rstrip(b"=").decode()
    more = {"alg": alg, "use": use, "x5c": [certificate], "x5t": thumb[:27], "x5t#S256": thumb}
    return dict(key.as_dict(private=False)) | more


def _discovery(issuer: str) -> dict[str, Any]:
    """The discovery document of the realm, without the members about what is never asked for."""
    protocol = f"{issuer}/protocol/openid-connect"
    methods = ["private_key_jwt", "client_secret_basic", "client_secret_post", "client_secret_jwt"]
    return {
        "authorization_endpoint": f"{protocol}/auth",
        "token_endpoint": f"{protocol}/token",
        "introspection_endpoint": f"{protocol}/token/introspect",
        "userinfo_endpoint": f"{protocol}/userinfo",
        "end_session_endpoint": f"{protocol}/logout",
        "jwks_uri": f"{protocol}/certs",
        "grant_types_supported": ["authorization_code", "refresh_token", "password"],
        "response_types_supported": ["code", "none", "id_token", "code id_token"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["PS384", "RS384", "EdDSA", "ES384", "RS256"],
        "response_modes_supported": ["query", "fragment", "form_post", "query.jwt"],
        "token_endpoint_auth_methods_supported": methods,
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "name", "email"],
        "scopes_supported": ["openid", "profile", "email", "roles", "web-origins", "acr", "basic"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": True,
    }
