"""The users of an album over HTTP (Kheops API 5)."""

from __future__ import annotations

from adapters.http.kheops.ask import Ask
from adapters.http.kheops.overview import members_json
from adapters.http.kheops.params import Page
from adapters.http.kheops.putting import keeping_images
from albumcore import Album


def list_all(ask: Ask) -> None:
    """List the members, by e-mail address; any member may."""
    page = Page.of(ask.query)
    members = members_json(ask.deployment, ask.album)
    ask.answer(members[page.slice], total=len(members))


def add(ask: Ask) -> None:
    """Add a user; who is a member already stays what he is."""
    ask.decide(Album.add_member, ask.user())
    ask.done(201)


def remove(ask: Ask) -> None:
    """Remove a user, or leave where the user is the caller; the album ends with its last member.

    The images of an album that ends stay with the one who leaves.
    """
    ask.decide(
        keeping_images(ask.deployment, ask.caller, ask.album, Album.remove_member), ask.user()
    )
    ask.done()


def add_admin(ask: Ask) -> None:
    """Add a user as an admin, or promote a member."""
    ask.decide(Album.add_admin, ask.user())
    ask.done()


def remove_admin(ask: Ask) -> None:
    """Make an admin a plain member, oneself included."""
    ask.decide(Album.demote_admin, ask.user())
    ask.done()
