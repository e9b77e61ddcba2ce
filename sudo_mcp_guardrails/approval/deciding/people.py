"""Who is the same person: one counts once, by whatever name he signs in."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property

from sudo_mcp_guardrails.approval.bounds import check_name, check_names
from sudo_mcp_guardrails.approval.errors import DecisionError


def plain(identity: str) -> str:
    """Return what identities are compared by.

    Case and forms of characters do not tell two people apart: to take two for one costs an approval, to take one for
    two would give him two votes.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", identity).casefold()).strip()


@dataclass(frozen=True)
class Person:
    """A person, and everything that he signs in by.

    Attributes:
        name: of the person, such as ``alice``; it is one of his identities.
        identities: such as the subject at an identity provider, ``https://idp.example.com#8f2c``, or an IAM user's ARN.

    Raises:
        DecisionError: a name is empty or too long, or an identity stands twice.
    """

    name: str
    identities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        check_name("name of a person", self.name)
        check_names(f"identities of {self.name!r}", self.identities)


@dataclass(frozen=True)
class People:
    """Everybody who may decide or stand behind a request.

    Attributes:
        listed: people with their identities.
        directory: what all identities begin with in which everybody is exactly once, such as
            ``https://idp.example.com#``: one of these that nobody lists is a person of its own. Default: nobody is
            known but those who are listed.

    Raises:
        DecisionError: two people have one identity.
    """

    listed: tuple[Person, ...] = ()
    directory: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        check_name("directory", self.directory, empty=True)
        found: dict[str, str] = {}
        for person in self.listed:
            for identity in {plain(each) for each in (person.name, *person.identities)}:
                if identity in found:
                    raise DecisionError(f"identity {identity!r} is one of {found[identity]!r} and of {person.name!r}")
                found[identity] = person.name

    def of(self, identity: str) -> str | None:
        """Return the person that an identity belongs to, in the form to compare; None where nobody can tell."""
        known = plain(identity)
        if known in self._names:
            return self._names[known]
        return known if self.directory and known.startswith(plain(self.directory)) else None

    @cached_property
    def _names(self) -> dict[str, str]:
        return {plain(each): plain(one.name) for one in self.listed for each in (one.name, *one.identities)}
