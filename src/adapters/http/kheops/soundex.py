"""American Soundex: how a name sounds, as a letter and three digits."""

from __future__ import annotations

import unicodedata

_CODES = {
    letter: code
    for code, letters in {
        "1": "BFPV",
        "2": "CGJKQSXZ",
        "3": "DT",
        "4": "L",
        "5": "MN",
        "6": "R",
    }.items()
    for letter in letters
}


def soundex(text: str) -> str:
    """The Soundex code of ``text``; empty where it has no letter from A to Z, accents aside.

    Letters of one code count once where nothing, or only H or W, stands between them.
    """
    plain = unicodedata.normalize("NFKD", text).upper()
    letters = [letter for letter in plain if "A" <= letter <= "Z"]
    codes: list[str] = []
    last = ""
    for letter in letters:
        code = _CODES.get(letter, "")
        if code and code != last:
            codes.append(code)
        if letter not in "HW":
            last = code
    if not letters:
        return ""
    if _CODES.get(letters[0]):
        del codes[0]
    return letters[0] + "".join(codes[:3]).ljust(3, "0")
