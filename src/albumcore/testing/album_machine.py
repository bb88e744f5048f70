"""The state machine of albums: two of them, several users, capability tokens, report providers and webhooks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, initialize, multiple, precondition, rule

from albumcore.albums import Album
from albumcore.albums.capability_tokens import issue_capability_token, revoke_capability_token
from albumcore.albums.comments import post_comment
from albumcore.albums.lifecycle import create_album, delete_album, edit_album
from albumcore.albums.members import (
    add_admin,
    add_member,
    demote_admin,
    leave_album,
    promote_member,
    remove_member,
)
from albumcore.albums.report_providers import (
    create_report_provider,
    delete_report_provider,
    edit_report_provider,
)
from albumcore.albums.studies import (
    add_favorite,
    add_report,
    import_series,
    import_study,
    remove_favorite,
    remove_series,
    remove_study,
)
from albumcore.albums.webhooks import create_webhook, delete_webhook, edit_webhook, trigger_webhook
from albumcore.errors import AlbumcoreError
from albumcore.ids import AlbumId, CapabilityTokenId, ReportProviderId, UserId, WebhookId
from albumcore.kernel import Decision, Source
from albumcore.streams import album_stream
from albumcore.testing.arguments import (
    ALBUMS,
    CAST,
    Series,
    album_arguments,
    digest_from,
    token_arguments,
)
from albumcore.testing.commands import History
from albumcore.testing.machines import StoreMachine
from albumcore.user_tokens import Grants

__all__ = [
    "AlbumMachine",
]


ARGUMENTS = album_arguments(CAST)
_Drawn = tuple[Any, ...]
_EARLY, _LATE = 10, 16
"""Number of commands before the first removal of a member, and before the first deletion of an album."""


# Most commands go to the first album.
_album = st.sampled_from([ALBUMS[0]] * 6 + [ALBUMS[1]])
_user = st.sampled_from(CAST.users)
_series = ARGUMENTS[import_series]
_held = CAST.series[0]
_key = CapabilityTokenId(f"{ALBUMS[0]}{CAST.tokens[0]}")


def _decisions_without_rule() -> st.SearchStrategy[tuple[Decision, tuple[Any, ...]]]:
    """The decisions that no method of `AlbumMachine` is named after, each with arguments."""
    return st.one_of(
        [
            st.tuples(st.just(decision), arguments)
            for decision, arguments in ARGUMENTS.items()
            if not hasattr(AlbumMachine, decision.__name__)
        ]
    )


_without_rule = st.deferred(_decisions_without_rule)


class AlbumMachine(StoreMachine[Album]):
    """Tries every decision of an album, in any order, by every kind of source.

    It drives the two `ALBUMS`: the ids of one album must have no meaning in the other.
    """

    sources: Bundle[Source] = Bundle("sources")
    admins: Bundle[Source] = Bundle("admins")
    keys: Bundle[Source] = Bundle("keys")
    reporters: Bundle[Source] = Bundle("reporters")
    any_source = admins | sources
    held: Bundle[Series] = Bundle("held")
    hooks: Bundle[WebhookId] = Bundle("hooks")
    known_user = sources.map(lambda source: source.user)

    def on(self, album: AlbumId, source: Source, decision: Decision, *args: Any) -> bool:
        """Try a decision on an album; returns whether an event was recorded."""
        return self.attempt(album_stream(album), source, decision, *args)

    # Albums

    def begin(self) -> None:
        """Create the first album, with two admins, a plain member, and one of everything else.

        Hypothesis runs the initializing rules in any order; the first to run creates everything.
        """
        if self.tries:
            return
        creator, admin, member, _ = CAST.users
        everything: list[tuple[Decision, tuple[Any, ...]]] = [
            (create_album, ("Album",)),
            (add_admin, (admin,)),
            (add_member, (member,)),
            (import_study, (_held[0], [_held[1]])),
            (create_report_provider, (CAST.providers[0], "Scribe", "https://scribe.example")),
            (create_webhook, (CAST.webhooks[0], "Bell", "https://bell.example")),
            (issue_capability_token, (_key, digest_from(_key), "Key", Grants(True, True))),
        ]
        for decision, args in everything:
            self.on(ALBUMS[0], Source(creator), decision, *args)

    @initialize(targets=(sources, admins))
    def have_admins(self) -> MultipleResults[Source]:
        """Two admins."""
        self.begin()
        return multiple(*map(Source, CAST.users[:2]))

    @initialize(target=sources)
    def have_others(self) -> MultipleResults[Source]:
        """A plain member, and a user who is not a member."""
        self.begin()
        return multiple(*map(Source, CAST.users[2:]))

    @initialize(target=held)
    def have_a_study(self) -> Series:
        """A study with one series."""
        self.begin()
        return _held

    @initialize(targets=(sources, reporters))
    def have_a_report_provider(self) -> Source:
        """A report provider that acts for its creator."""
        self.begin()
        return Source(CAST.users[0], report_provider=CAST.providers[0])

    @initialize(targets=(sources, keys))
    def have_a_capability_token(self) -> Source:
        """A capability token with read and write access."""
        self.begin()
        return Source(CAST.users[0], capability_token=_key)

    @initialize(target=hooks)
    def have_a_webhook(self) -> WebhookId:
        """A webhook that receives no events."""
        self.begin()
        return CAST.webhooks[0]

    @rule(album=_album, source=any_source, tried=_without_rule)
    def decide(
        self, album: AlbumId, source: Source, tried: tuple[Decision, tuple[Any, ...]]
    ) -> None:
        """Try a decision that has no rule of its own. Only the second album can still be created, and once."""
        decision, args = tried
        self.on(album, source, decision, *args)

    @rule(album=_album, source=any_source, args=ARGUMENTS[edit_album])
    def edit_album(self, album: AlbumId, source: Source, args: _Drawn) -> None:
        """Change name, description, member flags, or one's own notifications."""
        self.on(album, source, edit_album, *args)

    @precondition(lambda self: len(self.history) > _LATE)
    @rule(album=_album, source=any_source)
    def delete_album(self, album: AlbumId, source: Source) -> None:
        """End an album, late enough for a life before it."""
        self.on(album, source, delete_album)

    @rule(album=_album, source=any_source, back=st.integers(0, 20))
    def undo(self, album: AlbumId, source: Source, back: int) -> None:
        """Take back an event of the album, mostly one of the last ones."""
        stream = album_stream(album).name
        version = max(1, sum(one.stream == stream for one in self.history) - back)
        with suppress(AlbumcoreError):
            self.history += self.handle_undo(album, version, source)

    def handle_undo(self, album: AlbumId, version: int, source: Source) -> History[Album]:
        """Let the store take back an event. Override it to predict the result, or to compare another store.

        Raises:
            AlbumcoreError: the event is not taken back.
        """
        provider = ReportProviderId(f"anew{len(self.history)}")
        return self.store.undo(album, version, source, new_provider=provider)

    # Members

    @rule(target=sources, album=_album, source=any_source, user=_user)
    def add_member(self, album: AlbumId, source: Source, user: UserId) -> Any:
        """Add any user."""
        added = self.on(album, source, add_member, user)
        return Source(user) if added else multiple()

    @rule(targets=(sources, admins), album=_album, source=any_source, user=_user)
    def add_admin(self, album: AlbumId, source: Source, user: UserId) -> Any:
        """Add any user as an admin, or promote a member."""
        added = self.on(album, source, add_admin, user)
        return Source(user) if added else multiple()

    @rule(album=_album, source=any_source, user=known_user)
    def promote_member(self, album: AlbumId, source: Source, user: UserId) -> None:
        """Promote a user who has acted or been added."""
        self.on(album, source, promote_member, user)

    @precondition(lambda self: len(self.history) > _EARLY)
    @rule(album=_album, source=any_source, user=known_user)
    def demote_admin(self, album: AlbumId, source: Source, user: UserId) -> None:
        """Demote a user who has acted or been added."""
        self.on(album, source, demote_admin, user)

    @precondition(lambda self: len(self.history) > _EARLY)
    @rule(album=_album, source=any_source, user=known_user)
    def remove_member(self, album: AlbumId, source: Source, user: UserId) -> None:
        """Remove a user who has acted or been added; the source itself too."""
        self.on(album, source, remove_member, user)

    @precondition(lambda self: len(self.history) > _EARLY)
    @rule(album=_album, source=any_source)
    def leave_album(self, album: AlbumId, source: Source) -> None:
        """Leave; the last member's leaving ends the album."""
        self.on(album, source, leave_album)

    # Studies and series

    @rule(target=held, album=_album, source=any_source, args=ARGUMENTS[import_study])
    def import_study(self, album: AlbumId, source: Source, args: _Drawn) -> Any:
        """Import series of a study, some of which may be in the album already."""
        self.on(album, source, import_study, *args)
        study_uid, series_uids = args
        return multiple(*((study_uid, uid) for uid in series_uids))

    @rule(target=held, album=_album, source=any_source, series=_series)
    def import_series(self, album: AlbumId, source: Source, series: Series) -> Series:
        """Import one series, which may be in the album already."""
        self.on(album, source, import_series, *series)
        return series

    @rule(target=held, album=_album, source=reporters | any_source, series=_series)
    def add_report(self, album: AlbumId, source: Source, series: Series) -> Series:
        """Add a report, mostly through a report provider."""
        self.on(album, source, add_report, *series)
        return series

    @rule(album=_album, source=any_source, series=held)
    def remove_study(self, album: AlbumId, source: Source, series: Series) -> None:
        """Remove a study that an earlier command tried to import."""
        self.on(album, source, remove_study, series[0])

    @rule(album=_album, source=any_source, series=held)
    def remove_series(self, album: AlbumId, source: Source, series: Series) -> None:
        """Remove a series that an earlier command tried to import."""
        self.on(album, source, remove_series, *series)

    @rule(album=_album, source=any_source, series=held, whole=st.booleans())
    def add_favorite(self, album: AlbumId, source: Source, series: Series, whole: bool) -> None:
        """Make a series, or its whole study, a favourite."""
        self.on(album, source, add_favorite, *(series[:1] if whole else series))

    @rule(album=_album, source=any_source, series=held, whole=st.booleans())
    def remove_favorite(self, album: AlbumId, source: Source, series: Series, whole: bool) -> None:
        """Remove a series, or its whole study, from the favourites, where it may not be."""
        self.on(album, source, remove_favorite, *(series[:1] if whole else series))

    # Comments

    @rule(album=_album, source=any_source, args=ARGUMENTS[post_comment])
    def post_comment(self, album: AlbumId, source: Source, args: _Drawn) -> None:
        """Post a comment to all, or in private to any user."""
        self.on(album, source, post_comment, *args)

    @rule(album=_album, source=any_source, user=known_user)
    def whisper(self, album: AlbumId, source: Source, user: UserId) -> None:
        """Post a private comment to a user who has acted or been added."""
        self.on(album, source, post_comment, "Between us", user)

    # Report providers

    @rule(
        targets=(sources, reporters),
        album=_album,
        source=any_source,
        args=ARGUMENTS[create_report_provider],
    )
    def create_report_provider(self, album: AlbumId, source: Source, args: _Drawn) -> Any:
        """Add a report provider; it acts for its creator from then on."""
        made = self.on(album, source, create_report_provider, *args)
        return Source(source.user, report_provider=args[0]) if made else multiple()

    @rule(target=sources, user=known_user, reporter=reporters)
    def start_report(self, user: UserId, reporter: Source) -> Source:
        """Let the provider act for another user from now on."""
        return Source(user, report_provider=reporter.report_provider)

    @rule(
        album=_album,
        source=any_source,
        reporter=reporters,
        args=ARGUMENTS[edit_report_provider],
    )
    def edit_report_provider(
        self, album: AlbumId, source: Source, reporter: Source, args: _Drawn
    ) -> None:
        """Change name or address of a report provider, of this album or of the other."""
        _, name, url = args
        self.on(album, source, edit_report_provider, reporter.report_provider, name, url)

    @rule(album=_album, source=any_source, reporter=reporters)
    def delete_report_provider(self, album: AlbumId, source: Source, reporter: Source) -> None:
        """Delete a report provider, of this album or of the other."""
        self.on(album, source, delete_report_provider, reporter.report_provider)

    # Webhooks

    @rule(target=hooks, album=_album, source=any_source, args=ARGUMENTS[create_webhook])
    def create_webhook(self, album: AlbumId, source: Source, args: _Drawn) -> Any:
        """Create a webhook."""
        made = self.on(album, source, create_webhook, *args)
        return args[0] if made else multiple()

    @rule(album=_album, source=any_source, hook=hooks, args=ARGUMENTS[edit_webhook])
    def edit_webhook(self, album: AlbumId, source: Source, hook: WebhookId, args: _Drawn) -> None:
        """Change a webhook, of this album or of the other."""
        self.on(album, source, edit_webhook, hook, *args[1:])

    @rule(album=_album, source=any_source, hook=hooks)
    def delete_webhook(self, album: AlbumId, source: Source, hook: WebhookId) -> None:
        """Delete a webhook, of this album or of the other."""
        self.on(album, source, delete_webhook, hook)

    @rule(album=_album, source=any_source, hook=hooks, args=ARGUMENTS[trigger_webhook])
    def trigger_webhook(
        self, album: AlbumId, source: Source, hook: WebhookId, args: _Drawn
    ) -> None:
        """Deliver series or a member to a webhook by hand."""
        self.on(album, source, trigger_webhook, hook, *args[1:])

    # Capability tokens

    @rule(
        targets=(sources, keys),
        album=_album,
        source=any_source,
        args=token_arguments(st.sampled_from(CAST.tokens)),
    )
    def issue_capability_token(self, album: AlbumId, source: Source, args: _Drawn) -> Any:
        """Issue a token; it acts as a source from then on. Its digest is unique in the store."""
        token_id = CapabilityTokenId(f"{album}{args[0]}")
        made = self.on(
            album,
            source,
            issue_capability_token,
            token_id,
            digest_from(token_id),
            *args[2:],
        )
        return Source(source.user, capability_token=token_id) if made else multiple()

    @rule(album=_album, source=any_source, key=keys)
    def revoke_capability_token(self, album: AlbumId, source: Source, key: Source) -> None:
        """Revoke a token, of this album or of the other."""
        self.on(album, source, revoke_capability_token, key.capability_token)
