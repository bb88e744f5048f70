"""Registration of a person under a pseudonym: the first event of a stream ``user-<pseudonym>``, and its decision.

Applications whose user ids are pseudonyms record it, so that the history vouches for the table that maps them to
people. Other applications have no use for it.
"""

from __future__ import annotations

from attrs import frozen

from albumcore.errors import Forbidden, IdTaken, Invalid
from albumcore.ids import is_digest
from albumcore.kernel import Act, changed, stored
from albumcore.user_tokens.user_tokens import UserTokens

__all__ = ["PersonRegistered", "register_person"]


@stored("user.person_registered")
@frozen
class PersonRegistered:
    """A person was registered under the pseudonym that is the key of the stream."""

    commitment: str

    def evolve(self, state: UserTokens, act: Act) -> UserTokens:
        """The tokens stay as they are; their owner is known."""
        return changed(state, owner=act.user)


def register_person(state: UserTokens, act: Act, commitment: str) -> tuple[PersonRegistered, ...]:
    """Register a person under a pseudonym, which is the user who acts and the key of the stream.

    Args:
        state: The tokens of the pseudonym.
        act: The act of the pseudonym itself.
        commitment: SHA-256 of a random salt and the person's subject identifier, in 64 hexadecimal digits. It reveals
            nothing of the person without the salt, which the application stores beside the identifier.

    Raises:
        Forbidden: the source is not that user in person.
        Invalid: the commitment is not a SHA-256 in hexadecimal.
        IdTaken: the user has tokens already, and so was registered before.
    """
    if not act.source.in_person or state.owner not in (None, act.user):
        raise Forbidden("only the user in person is registered")
    if not is_digest(commitment):
        raise Invalid("commitment", "it is not a SHA-256 in hexadecimal")
    if state.tokens:
        raise IdTaken("this user was registered before")
    return (PersonRegistered(commitment),)
