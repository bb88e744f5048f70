"""The rules that the text of an identifier keeps."""

from __future__ import annotations

import pytest

from albumcore.errors import Invalid
from albumcore.ids import album_id, is_uid, series_uid, study_uid, user_id


@pytest.mark.parametrize("text", ["Q7bZ2mP0xT", "a", "0" * 64])
def test_album_id_is_letters_and_digits(text: str) -> None:
    """It comes back as it is."""
    assert album_id(text) == text


@pytest.mark.parametrize("text", ["", "a" * 65, "a-b", "a b", "é", "Q7bZ2mP0xT\n", "\u0661"])
def test_album_id_of_other_characters_is_refused(text: str) -> None:
    """Also a line end at its end, and digits that are not ASCII."""
    with pytest.raises(Invalid) as refused:
        album_id(text)
    assert refused.value.field == "album"


@pytest.mark.parametrize("text", ["c2fd0b66-dac4-4b98", "a", "u" * 255, "José o'Neil|auth0"])
def test_user_id_is_opaque(text: str) -> None:
    """Case, spaces and signs are the identity provider's affair."""
    assert user_id(text) == text


@pytest.mark.parametrize("text", ["", "u" * 256, "a\n", "\x00", "a\x7f", "a\ud800"])
def test_user_id_without_a_sound_text_is_refused(text: str) -> None:
    """1 to 255 characters, no control characters, no half characters."""
    with pytest.raises(Invalid) as refused:
        user_id(text)
    assert refused.value.field == "user"


@pytest.mark.parametrize(
    "text",
    ["1.2.840.10008", "0", "0.0.0", "3.14.840.5", "1." * 31 + "12", "2.16.840.1.113669.632.20"],
)
def test_uids_by_the_standard(text: str) -> None:
    """DICOM PS3.5 section 9.1; the documented API has a series below 3."""
    assert is_uid(text)
    assert study_uid(text) == text
    assert series_uid(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1.",
        ".1",
        "1..2",
        "01",
        "1.02",
        "1.a",
        "1.2\n",
        " 1.2",
        "1." * 31 + "123",
        "\u0661.\u0662",
    ],
)
def test_what_is_no_uid_is_refused(text: str) -> None:
    """Empty components, leading zeros, other characters, more than 64 of them."""
    assert not is_uid(text)
    with pytest.raises(Invalid) as refused:
        study_uid(text)
    assert refused.value.field == "study"
    with pytest.raises(Invalid) as refused:
        series_uid(text)
    assert refused.value.field == "series"
