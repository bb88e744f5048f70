"""Schemas of values in paths, queries, forms and headers: each pattern is the rule that the service checks."""

from __future__ import annotations

from albumcore_adapters.http.openapi.specs import Schema, text


def any_case(*words: str) -> Schema:
    """One of the words, in any case."""
    spelled = (
        "".join(f"[{one.upper()}{one.lower()}]" if one.isalpha() else one for one in word)
        for word in words
    )
    return text(
        pattern=f"^({'|'.join(spelled)})$", description=f"{' or '.join(words)}, in any case"
    )


def _or_nothing(pattern: str) -> str:
    return f"^({pattern})?$"


# Texts

PLAIN: Schema = {"pattern": r"^[^\u0000]*$"}
"""Any text but NUL."""

_BLANKS = r"\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
NAMED: Schema = {"pattern": rf"^[^\u0000]*[^\u0000{_BLANKS}][^\u0000]*$"}
"""Any text but NUL that is more than blanks, which are trimmed."""

USER: Schema = text(1, description="a sub, or an e-mail address in any case")
TOKEN: Schema = text(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$")
IDEMPOTENCY_KEY: Schema = text(
    pattern=r'^([!#-+\--~]{1,255}|"([!#-\[\]-~]|\\["\\]){1,255}")$',
    description="1 to 255 visible ASCII characters, bare without comma and quotation mark, or in quotation marks",
)

# Booleans. Real clients send other words for false, so every text is accepted (Kheops API, conventions).

WORD: Schema = {
    "type": ["boolean", "string"],
    "description": "true, in any case, is true; any other text is false",
}
TRUE: Schema = {"anyOf": [{"const": True}, any_case("true")]}

# Numbers

NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
POSITIVE: Schema = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
INTEGER_OR_NONE: Schema = text(
    pattern=_or_nothing("[+-]?[0-9]{1,12}"), description="a whole number; empty: any"
)

# Days and times: those of the calendar, from the year 1 to 9999

_LEAP = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
_YEAR = "(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"


def day(between: str = "") -> str:
    """The pattern of a day of the calendar, year first, with a separator between its parts."""
    months = (
        f"(0[13578]|1[02]){between}(0[1-9]|[12][0-9]|3[01])",
        f"(0[469]|11){between}(0[1-9]|[12][0-9]|30)",
        f"02{between}(0[1-9]|1[0-9]|2[0-8])",
    )
    return f"({_YEAR}{between}({'|'.join(months)})|{_LEAP}{between}02{between}29)"


def _range(one: str) -> str:
    return f"{one}|{one}-{one}|-{one}|{one}-"


_TIME = "([01][0-9]|2[0-3])(([0-5][0-9])(([0-5][0-9]|60)([.][0-9]{1,6})?)?)?"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"

DAYS: Schema = text(pattern=f"^({_range(day())})$", description="a day, or a range of days (UTC)")
DAYS_OR_NONE: Schema = text(
    pattern=_or_nothing(_range(day())), description="a day, or a range of days; empty: any"
)
TIMES_OR_NONE: Schema = text(
    pattern=_or_nothing(_range(_TIME)), description="hhmmss.ffffff, or a range; empty: any"
)
DAY_OR_MOMENT: Schema = text(pattern=f"^{day('-')}( {_CLOCK}:[0-5][0-9])?$", description="UTC")
_LOCAL = f"{day('-')}[Tt]{_CLOCK}(:[0-5][0-9]([.][0-9]{{1,9}})?)?"
_ZONE = "([Zz]|[-+ ]([01][0-9]|2[0-3])(:?[0-5][0-9])?)"
MOMENT: Schema = text(pattern=f"^{_LOCAL}{_ZONE}$", description="ISO 8601 with an offset")
PAST_TIME: Schema = text(
    pattern=f"^{_LOCAL}{_ZONE}?$",
    description="a time of the past in ISO 8601; UTC without an offset",
)

_DATE = (
    f"((0?[13578]|1[02])/(0?[1-9]|[12][0-9]|3[01])/{_YEAR}|(0?[469]|11)/(0?[1-9]|[12][0-9]|30)/{_YEAR}"
    f"|0?2/(0?[1-9]|1[0-9]|2[0-8])/{_YEAR}|0?2/29/{_LEAP})"
)
DATE: Schema = text(pattern=f"^{_DATE}$", description="MM/DD/YYYY")
DATE_OR_NONE: Schema = text(pattern=_or_nothing(_DATE), description="MM/DD/YYYY; empty: any")

# Ids and data of the TSCharts API. An id that is longer than any valid one is not found.

ID: Schema = text(pattern="^-?[0-9]+$", description="an id")
ID_OR_NONE: Schema = text(pattern=_or_nothing("-?[0-9]+"), description="an id; empty: any")
BASE64: Schema = text(
    pattern=r"^[A-Za-z0-9+/=\r\n]*[A-Za-z0-9+/][A-Za-z0-9+/=\r\n]*$",
    description="base64; it is returned as it was sent",
)

# Web addresses, as they are accepted for webhooks

_HEX = "[0-9A-Fa-f]{1,4}"
_IPV6 = "|".join(
    (
        f"({_HEX}:){{7}}{_HEX}",
        f"({_HEX}:){{1,7}}:",
        f":((:{_HEX}){{1,7}}|:)",
        *(f"({_HEX}:){{1,{before}}}(:{_HEX}){{1,{7 - before}}}" for before in range(1, 7)),
    )
)
_PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_ADDRESS = (
    rf"[Hh][Tt][Tt][Pp][Ss]?://(\[({_IPV6})\]|[A-Za-z0-9_][A-Za-z0-9_-]*([.][A-Za-z0-9_-]+)*[.]?)"
    f"(:{_PORT})?([/?#][!-~]*)?"
)
ADDRESS: Schema = text(
    1, 1024, pattern=f"^{_ADDRESS}$", description="http or https, without a user name"
)
ADDRESS_OR_NONE: Schema = text(
    0, 1024, pattern=_or_nothing(_ADDRESS), description="http or https; empty: no change"
)

# Events

WEBHOOK_EVENT: Schema = any_case("new_series", "remove_series", "new_user", "delete_album")
WEBHOOK_EVENTS: Schema = {
    "type": "array",
    "items": text(
        pattern=_or_nothing(str(WEBHOOK_EVENT["pattern"]).strip("^$")),
        description=f"{WEBHOOK_EVENT['description']}; one empty value alone: none",
    ),
    "if": {"contains": {"const": ""}},
    "then": {"maxItems": 1},
}
