"""American Soundex."""

from __future__ import annotations

import pytest

from adapters.http.kheops.soundex import soundex


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Robert", "R163"),
        ("Rupert", "R163"),
        ("Rubin", "R150"),
        ("Ashcraft", "A261"),
        ("Ashcroft", "A261"),
        ("Tymczak", "T522"),
        ("Pfister", "P236"),
        ("Honeyman", "H555"),
        ("Hermann", "H655"),
        ("Jackson", "J250"),
        ("Lee", "L000"),
        ("Xavier", "X160"),
        ("Alexandra", "A425"),
        ("Gutiérrez", "G362"),
        ("van Deusen", "V532"),
        ("o'hara 12", "O600"),
        ("42 %", ""),
        ("", ""),
    ],
)
def test_code(text: str, code: str) -> None:
    """A name's code is its first letter and three digits; accents and what is no letter do not count."""
    assert soundex(text) == code
