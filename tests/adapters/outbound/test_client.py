"""Outbound requests: which addresses are connected to, for how long, and which responses are accepted."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve, frozen

from albumcore_adapters.outbound import (
    AddressRefused,
    BadResponse,
    Outbound,
    OutboundError,
    Unreachable,
    checked_network,
)
from albumcore_adapters.outbound.addresses import is_public, parse_url
from support.certificates import write_certificate
from support.receiver import HANG_UP, Answer, Receiver, crowded, receiving, silent

PATIENT = 20.0
BRIEF = 0.2

OPEN = Outbound(allow_private=True, connect_seconds=PATIENT, read_seconds=PATIENT)
HASTY = evolve(OPEN, connect_seconds=BRIEF, read_seconds=BRIEF)
"""For responses that never come: anything else may take longer than this on a loaded machine."""


def resolving(*addresses: str) -> Any:
    """A resolver that returns these addresses for every host."""

    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    return resolve


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server over HTTP."""
    with receiving() as receiver:
        yield receiver


@frozen
class Trust:
    """A certificate for the host ``trusted.test`` alone, and a client that trusts it."""

    server: ssl.SSLContext
    outbound: Outbound


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """A new certificate; every host resolves to 127.0.0.1."""
    path = tmp_path_factory.mktemp("tls") / "trusted.pem"
    write_certificate(path, "trusted.test")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context(cafile=str(path))
    return Trust(server, evolve(OPEN, tls=client, resolve=resolving("127.0.0.1")))


# Addresses


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "2a00:1450:4001::200e"],
)
def test_is_public_of_a_public_address(address: str) -> None:
    """A unicast address of the internet is public, in IPv4 and IPv6."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255"),
        *("192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1"),
        *("203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1"),
        *("ff0e::1", "2001:db8::1", "2001::1", "100::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:224.0.0.1", "::127.0.0.1", "::1.1.1.1"),
        *("2002:7f00:1::", "2002:101:101::", "64:ff9b::7f00:1", "64:ff9b::1.1.1.1"),
        *("64:ff9b:1::7f00:1", "3fff::1", "192.88.99.1", "192.0.0.8", "168.63.129.16"),
    ],
)
def test_is_public_of_any_other_address(address: str) -> None:
    """Private, loopback, link-local, reserved, multicast and translated addresses are not public."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("", "/only/a/path", "//host/path", "host:80", "https:", "https://", "http:///path"),
        *("ftp://host/", "file:///etc/passwd", "gopher://host/", "HTTPX://host/"),
        *("http://user@host/", "http://user:password@host/", "http://@host/", "http://:@host/"),
        *("http://host:0/", "http://host:65536/", "http://host:-1/", "http://host:x/"),
        *("http://ho st/", "http://host/a b", "http://host/\n", "http://host/\x00", "http://hôst/"),
        *("http://host/ü", "http://[::1", "http://[host]/", "http://[fe80::1%25eth0]/"),
        *("http://[::1]x/", "http://[::1]*", "http://x[::1]/", "http://[::1]:8:8/"),
        *("http://.host/", "http://a..b/", "http://a\\b/", "http://a%2eb/", "http://-a/"),
        "http://" + "a" * 254 + "/",
    ],
)
def test_parse_url_of_a_malformed_url(url: str) -> None:
    """Only ``http`` and ``https`` without a user name are accepted."""
    with pytest.raises(AddressRefused, match="not an http or https address") as refused:
        OPEN.get_json(url)
    assert "password" not in refused.value.detail


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("http://host", ("http", "host", 80), "/"),
        ("HTTPS://Host.Example:8443/A;b?c=d#e", ("https", "host.example", 8443), "/A;b?c=d"),
        ("https://host?q", ("https", "host", 443), "/?q"),
        ("https://host:443/", ("https", "host", 443), "/"),
        ("http://[0:0::1]:8/", ("http", "::1", 8), "/"),
        ("http://my_host.:8/", ("http", "my_host.", 8), "/"),
    ],
)
def test_parse_url_in_parts(url: str, origin: tuple[str, str, int], target: str) -> None:
    """The origin is scheme, host in lower case and port; path and query are sent as they are."""
    address = parse_url(url)
    assert (address.origin, address.target) == (origin, target)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1"])
def test_get_json_from_a_private_address(receiver: Receiver, host: str) -> None:
    """An address of this machine is refused in any spelling, before anything is sent."""
    with pytest.raises(AddressRefused, match="not on the public internet"):
        Outbound().get_json(f"http://{host}:{receiver.port}/")
    assert receiver.requests == []


@pytest.mark.parametrize("addresses", [("1.1.1.1", "10.0.0.1"), ("10.0.0.1", "1.1.1.1")])
def test_post_to_a_host_with_one_private_address(addresses: tuple[str, ...]) -> None:
    """A host is refused if one of its addresses is private."""
    with pytest.raises(AddressRefused):
        Outbound(resolve=resolving(*addresses)).post("http://host/", b"{}", {})


def test_get_json_resolves_a_host_once(receiver: Receiver) -> None:
    """The connection goes to the resolved address; the Host header has the name."""
    asked = []

    def resolve(host: str, port: int, **options: Any) -> Any:
        asked.append((host, port))
        return socket.getaddrinfo("127.0.0.1", port, **options)

    receiver.answer(Answer.json(1))
    url = f"http://host.invalid:{receiver.port}/a?b"
    assert evolve(OPEN, resolve=resolve).get_json(url) == 1
    assert asked == [("host.invalid", receiver.port)]
    assert receiver.requests[0].headers["host"] == f"host.invalid:{receiver.port}"


def test_get_json_from_an_address_of_ipv6() -> None:
    """An IPv6 address has brackets in the Host header, and none for the resolver."""
    asked = []

    def resolve(host: str, port: int, **options: Any) -> Any:
        asked.append(host)
        return socket.getaddrinfo("127.0.0.1", port, **options)

    with receiving() as receiver:
        receiver.answer(Answer.json(1))
        evolve(OPEN, resolve=resolve).get_json(f"http://[2606::1]:{receiver.port}/")
        assert receiver.requests[0].headers["host"] == f"[2606::1]:{receiver.port}"
    assert asked == ["2606::1"]


def test_get_json_tries_every_address(receiver: Receiver) -> None:
    """If the first address of a host refuses the connection, the next one is tried."""
    receiver.answer(Answer.json(1))
    both = evolve(OPEN, resolve=resolving("127.0.0.2", "127.0.0.1"))
    assert both.get_json(f"http://host:{receiver.port}/") == 1
    with pytest.raises(Unreachable, match="could not be connected to"):
        evolve(OPEN, resolve=resolving("127.0.0.2")).get_json(f"http://host:{receiver.port}/")


def test_get_json_ignores_proxies(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve hosts itself, so those of the environment are ignored."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.2:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    receiver.answer(Answer.json(1))
    assert OPEN.get_json(receiver.address) == 1


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_get_json_follows_redirects(receiver: Receiver, status: int) -> None:
    """Relative and absolute redirects with every status, up to five."""
    for number in range(5):
        location = f"{number + 1}" if number % 2 else f"{receiver.address}/a/{number + 1}"
        receiver.answer(Answer.redirect(location, status), path=f"/a/{number}")
    receiver.answer(Answer.json({"here": True}), path="/a/5")
    assert OPEN.get_json(f"{receiver.address}/a/0") == {"here": True}
    assert receiver.paths == [f"/a/{number}" for number in range(6)]


def test_get_json_of_too_many_redirects(receiver: Receiver) -> None:
    """The sixth redirect is not followed."""
    receiver.answer(Answer.redirect("/again"))
    with pytest.raises(BadResponse, match="more than 5 times"):
        OPEN.get_json(receiver.address)
    assert len(receiver.requests) == 6


def test_get_json_redirected_to_a_private_address(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of a redirect is checked like the first one."""
    # A test cannot run a public server, so 127.0.0.1 counts as public here, and nothing else.
    monkeypatch.setattr(checked_network, "is_public", lambda address: address == "127.0.0.1")
    with receiving(host="127.0.0.2") as private:
        receiver.answer(Answer.redirect(f"{private.address}/secrets"))
        with pytest.raises(AddressRefused, match="public internet"):
            Outbound(connect_seconds=PATIENT, read_seconds=PATIENT).get_json(receiver.address)
        assert private.requests == []
    assert receiver.paths == ["/"]


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, BadResponse),
        ({"Location": "http://[::1"}, BadResponse),
        ({"Location": "ftp://host/"}, AddressRefused),
        ({"Location": "http://user@127.0.0.1/"}, AddressRefused),
        ({"Location": "/\xfc"}, AddressRefused),
    ],
)
def test_get_json_redirected_nowhere(
    receiver: Receiver, headers: dict[str, str], error: type[OutboundError]
) -> None:
    """A redirect without a usable address is an error."""
    receiver.answer(Answer(status=302, headers=headers))
    with pytest.raises(error):
        OPEN.get_json(receiver.address)
    assert len(receiver.requests) == 1


def test_get_json_redirected_between_schemes(trust: Trust, receiver: Receiver) -> None:
    """From http to https a redirect is followed, from https to http it is not."""
    receiver.answer(Answer.json(1))
    with receiving(trust.server) as secure:
        start = f"https://trusted.test:{secure.port}/"
        secure.answer(Answer.redirect(f"http://trusted.test:{receiver.port}/back"))
        with pytest.raises(AddressRefused, match="from https to http"):
            trust.outbound.get_json(start)
        assert receiver.requests == []
        receiver.answer(Answer.redirect(start))
        secure.answer(Answer.json(2))
        assert trust.outbound.get_json(f"http://trusted.test:{receiver.port}/") == 2


# Trust


def test_get_json_from_a_host_that_is_not_trusted(trust: Trust) -> None:
    """The certificate must be for the host of the URL, from a trusted authority."""
    with receiving(trust.server) as secure:
        secure.answer(Answer.json(1))
        assert trust.outbound.get_json(f"https://trusted.test:{secure.port}/") == 1
        with pytest.raises(Unreachable, match="No trusted TLS"):
            trust.outbound.get_json(f"https://other.test:{secure.port}/")
        stranger = evolve(OPEN, resolve=resolving("127.0.0.1"))
        with pytest.raises(Unreachable, match="No trusted TLS"):
            stranger.get_json(f"https://trusted.test:{secure.port}/")
        assert len(secure.requests) == 1


def test_get_json_over_tls_from_a_server_that_has_none(receiver: Receiver) -> None:
    """An HTTP server at the port does not speak TLS."""
    with pytest.raises(Unreachable):
        OPEN.get_json(f"https://127.0.0.1:{receiver.port}/")


# Time limits


def test_get_json_from_a_host_that_does_not_exist() -> None:
    """A host that cannot be resolved is unreachable, and so is a name that resolvers reject."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror

    for resolve in (unknown, resolving()):
        with pytest.raises(Unreachable, match="has no address"):
            evolve(OPEN, resolve=resolve).get_json("http://host/")
    with pytest.raises(Unreachable, match="has no address"):
        OPEN.get_json(f"http://{'a' * 64}/")


def test_get_json_from_a_host_that_is_resolved_slowly() -> None:
    """Resolving a host has a time limit."""
    found = threading.Event()

    def resolve(*_: Any, **__: Any) -> Any:
        assert found.wait(PATIENT)
        return resolving("127.0.0.1")("host", 1)

    try:
        with pytest.raises(Unreachable, match="not found in time"):
            evolve(OPEN, connect_seconds=BRIEF, resolve=resolve).get_json("http://host/")
    finally:
        found.set()


def test_get_json_from_a_port_that_refuses_connections(receiver: Receiver) -> None:
    """A refused connection has another error than a slow one."""
    with pytest.raises(Unreachable, match="could not be connected to"):
        OPEN.get_json(f"http://127.0.0.2:{receiver.port}/")


def test_get_json_from_a_host_that_accepts_no_connection(receiver: Receiver) -> None:
    """Each address has its share of the time to connect."""
    with crowded("127.0.0.2", receiver.port):
        url = f"http://host:{receiver.port}/"
        hasty = evolve(OPEN, connect_seconds=0.5, resolve=resolving("127.0.0.2"))
        with pytest.raises(Unreachable, match="not answer in time"):
            hasty.get_json(url)
        receiver.answer(Answer.json(1))
        assert evolve(hasty, resolve=resolving("127.0.0.2", "127.0.0.1")).get_json(url) == 1


def test_get_json_from_a_server_that_sends_nothing(receiver: Receiver) -> None:
    """The TLS handshake and the response have a time limit each."""
    with silent() as address, pytest.raises(Unreachable, match="not answer in time"):
        evolve(OPEN, connect_seconds=BRIEF).get_json(f"https://{address}/")
    receiver.answer(Answer.json(1, delay=2))
    with pytest.raises(Unreachable, match="not answer in time"):
        evolve(OPEN, read_seconds=BRIEF).get_json(receiver.address)


def test_get_json_after_the_deadline(receiver: Receiver) -> None:
    """When no time is left, nothing is resolved or sent."""
    with pytest.raises(Unreachable, match="not answer in time"):
        evolve(OPEN, connect_seconds=0).get_json(receiver.address)
    assert receiver.requests == []


ENDLESS = b"x" * 2000
DRIPS = {
    "body": Answer(body=ENDLESS, drip=0.05),
    "headers": Answer(raw=b"HTTP/1.1 200 OK\r\nX: " + ENDLESS, drip=0.05),
    "continue": Answer(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, drip=0.005),
}


@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS.keys())
def test_get_json_from_a_server_that_drips(receiver: Receiver, answer: Answer) -> None:
    """Each byte comes in time, but the whole response does not."""
    receiver.answer(answer)
    with pytest.raises(Unreachable, match="not answer in time"):
        HASTY.get_json(receiver.address)


def test_get_json_from_a_server_that_drips_over_tls(trust: Trust) -> None:
    """The same within TLS."""
    with receiving(trust.server) as secure:
        secure.answer(DRIPS["body"])
        with pytest.raises(Unreachable, match="not answer in time"):
            evolve(trust.outbound, read_seconds=BRIEF).get_json(
                f"https://trusted.test:{secure.port}/"
            )
        assert len(secure.requests) == 1


def test_get_json_redirected_slowly(receiver: Receiver) -> None:
    """Redirects do not extend the time limit of a call."""
    receiver.answer(*[Answer.redirect("/", delay=0.4)] * 2, Answer.json(1, delay=0.4))
    with pytest.raises(Unreachable, match="not answer in time"):
        evolve(OPEN, connect_seconds=0.5, read_seconds=0.5).get_json(receiver.address)


def test_post_to_a_server_that_does_not_read() -> None:
    """Sending a body has a time limit."""
    with silent() as address, pytest.raises(Unreachable, match="not answer in time"):
        HASTY.post(f"http://{address}/", b"x" * 2**24, {})


# Responses


def test_get_json_sends_a_plain_request(receiver: Receiver) -> None:
    """A GET without a body, with four headers; the response must not be compressed."""
    receiver.answer(Answer(body=b'{"a": [1]}', headers={"Content-Type": "text/html"}))
    assert OPEN.get_json(f"{receiver.address}/x/?y=z") == {"a": [1]}
    (request,) = receiver.requests
    assert (request.method, request.path, request.body) == ("GET", "/x/?y=z", b"")
    assert request.headers == {
        "host": receiver.address.removeprefix("http://"),
        "user-agent": "albumcore",
        "accept-encoding": "identity",
        "connection": "close",
    }


BAD_RESPONSES = {
    "error": (Answer(status=500, body=b"{}"), "500 instead of 200"),
    "created": (Answer(status=201, body=b"{}"), "201 instead of 200"),
    "not modified": (Answer(status=304), "304 instead of 200"),
    "empty": (Answer(), "not JSON"),
    "html": (Answer(body=b"<html>"), "not JSON"),
    "latin-1": (Answer(body=b'"\xfc"'), "not JSON"),
    "deep": (Answer(body=b"[" * 60_000), "not JSON"),
    "surrogate": (Answer(body=rb'"\ud800"'), "not JSON"),
    "infinite": (Answer(body=b"[NaN, 1e999]"), "not JSON"),
    "not HTTP": (Answer(raw=b"SSH-2.0-x\r\n\r\n"), "not HTTP"),
    "hung up": (HANG_UP, "not HTTP"),
    "cut off": (Answer(body=b"{}", headers={"Content-Length": "9"}), "not HTTP"),
    "two lengths": (
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12"),
        "not HTTP",
    ),
    "long header": (Answer(raw=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), "not HTTP"),
}


@pytest.mark.parametrize(("answer", "detail"), BAD_RESPONSES.values(), ids=BAD_RESPONSES.keys())
def test_get_json_of_a_bad_response(receiver: Receiver, answer: Answer, detail: str) -> None:
    """A response other than a 200 with JSON is an error, which repeats nothing of it."""
    receiver.answer(answer)
    with pytest.raises(BadResponse, match=detail) as bad:
        OPEN.get_json(receiver.address)
    assert str(bad.value) == bad.value.detail


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "9" * 15}], ids=["true", "boast"])
def test_get_json_of_a_long_response(receiver: Receiver, headers: dict[str, str]) -> None:
    """A body is read up to the limit, whatever its Content-Length."""
    receiver.answer(Answer(body=b" " * 99 + b"1"))
    assert OPEN.get_json(receiver.address, limit=100) == 1
    receiver.answer(Answer(body=b" " * 100 + b"1", headers=headers))
    with pytest.raises(BadResponse, match="longer than 100 bytes"):
        OPEN.get_json(receiver.address, limit=100)
    receiver.answer(Answer(body=b" " * 65_535 + b"1"))
    assert OPEN.get_json(receiver.address) == 1
    receiver.answer(Answer(body=b" " * 65_536 + b"1"))
    with pytest.raises(BadResponse, match="longer than 65536 bytes"):
        OPEN.get_json(receiver.address)


# Posting


def test_post_sends_the_body(receiver: Receiver) -> None:
    """The bytes arrive unchanged, as JSON, with the given headers; these cannot replace those of the client."""
    body = b'{"name": "\xc3\xbc"}' * 10_000
    given = {"X-Kheops-Event": "new_user", "User-Agent": "other", "Content-Type": "text/plain"}
    assert OPEN.post(f"{receiver.address}/hook?key=1", body, given) == 200
    (request,) = receiver.requests
    assert (request.method, request.path, request.body) == ("POST", "/hook?key=1", body)
    assert request.headers == {
        "host": receiver.address.removeprefix("http://"),
        "user-agent": "albumcore",
        "accept-encoding": "identity",
        "connection": "close",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "x-kheops-event": "new_user",
    }


@pytest.mark.parametrize("status", [200, 202, 204, 302, 308, 404, 500])
def test_post_returns_the_status(receiver: Receiver, status: int) -> None:
    """Any status is returned, and a redirect is not followed."""
    receiver.answer(Answer.redirect("/elsewhere", status))
    assert OPEN.post(receiver.address, b"{}", {}) == status
    assert receiver.paths == ["/"]


ENDINGS = {
    "dripping": Answer(status=201, body=ENDLESS, drip=0.05),
    "cut off": Answer(status=201, body=b"{", headers={"Content-Length": "9"}),
}


@pytest.mark.parametrize("answer", ENDINGS.values(), ids=ENDINGS.keys())
def test_post_with_a_response_that_does_not_end(receiver: Receiver, answer: Answer) -> None:
    """The status is returned, even if the body does not end."""
    receiver.answer(answer)
    assert evolve(OPEN, read_seconds=1).post(receiver.address, b"{}", {}) == 201


def test_post_with_a_long_response() -> None:
    """Only the beginning of the body is read."""
    with receiving() as receiver:
        receiver.answer(Answer(status=201, body=b"x" * 2**26))
        assert OPEN.post(receiver.address, b"{}", {}) == 201
    assert receiver.refused == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HANG_UP, BadResponse),
        (Answer(raw=b"!\r\n\r\n"), BadResponse),
        (Answer(delay=60), Unreachable),
    ],
)
def test_post_without_a_response(
    receiver: Receiver, answer: Answer, error: type[OutboundError]
) -> None:
    """The error tells a bad response from none."""
    receiver.answer(answer)
    with pytest.raises(error):
        evolve(OPEN, read_seconds=1).post(receiver.address, b"{}", {})
    assert len(receiver.requests) == 1


def test_outbound_errors_repeat_nothing_of_the_address(receiver: Receiver) -> None:
    """A URL may hold a secret, so no error repeats any of it."""
    receiver.answer(HANG_UP)
    for outbound in (OPEN, Outbound()):
        with pytest.raises(OutboundError) as failed:
            outbound.post(f"{receiver.address}/secret", b"{}", {})
        assert "secret" not in str(failed.value)
        assert "127.0.0.1" not in str(failed.value)
