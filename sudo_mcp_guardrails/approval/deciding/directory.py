"""Which groups somebody is in at this moment, as the directory that keeps them answers now.

A token says which groups its person was in when it was issued; who left since then is still in it. So the directory is
asked at every look and at every decision. What it cannot tell is refused: nobody is in a group by default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.approval.bounds import MAX_ITEMS, check_names
from sudo_mcp_guardrails.approval.deciding.people import plain
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.store.aws import code_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PAGES: Final = 50
_GONE: Final = frozenset({"UserNotFoundException", "ResourceNotFoundException", "NoSuchEntity"})
_USER_ARN: Final = re.compile(r"arn:[a-z-]+:iam::(\d{12}):user/(?:.*/)?([^/]+)")
_USER_ID: Final = re.compile(r"([0-9a-f]{10}-)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KINDS: Final = ("cognito", "identity-center", "table", "iam")


@dataclass(frozen=True)
class Identity:
    """Somebody who was authenticated.

    Attributes:
        name: what he is known by: ``<issuer>#<subject>``, or the ARN of an IAM user.
        claims: of his token, as the authorizer verified it; empty for an IAM user.
    """

    name: str
    claims: Mapping[str, Any]


class Directory(Protocol):
    """Answers who is in which groups."""

    def groups(self, identity: Identity) -> tuple[str, ...] | None:
        """Return the groups that somebody is in now, in order.

        None where this directory does not know people of this kind, such as one of tokens for an IAM user.

        Raises:
            DecisionError: it knows people of this kind and cannot tell about this one.
            Exception: it could not be asked; nothing is known then.
        """


@dataclass(frozen=True)
class CognitoDirectory:
    """A user pool: ``AdminListGroupsForUser``.

    Attributes:
        client: boto3's client ``cognito-idp``.
        pool: id of the user pool; tokens of other issuers are none of its people's.
    """

    client: Any
    pool: str

    def groups(self, identity: Identity) -> tuple[str, ...] | None:
        """Return them; see :class:`Directory`."""
        claims = identity.claims
        if not str(claims.get("iss", "")).endswith(f"/{self.pool}"):
            return None
        # An id token and an access token name the user by different claims.
        user = claims.get("cognito:username") or claims.get("username")
        if not isinstance(user, str) or not user:
            raise DecisionError(f"the token of {identity.name!r} names no user of the pool")
        pages = _pages(
            self.client.admin_list_groups_for_user, "NextToken", "NextToken", UserPoolId=self.pool, Username=user
        )
        return _named(each["GroupName"] for page in pages for each in page.get("Groups", ()))


@dataclass(frozen=True)
class IdentityCenterDirectory:
    """An identity store of IAM Identity Center: ``ListGroupMembershipsForMember`` and ``DescribeGroup``.

    Attributes:
        client: boto3's client ``identitystore``.
        store: id of the identity store.
        claim: that has the user's id in the store.
    """

    client: Any
    store: str
    claim: str = "sub"

    def groups(self, identity: Identity) -> tuple[str, ...] | None:
        """Return their display names; see :class:`Directory`."""
        if not identity.claims:
            return None
        user = str(identity.claims.get(self.claim, ""))
        if not _USER_ID.fullmatch(user):
            raise DecisionError(f"claim {self.claim!r} of {identity.name!r} is no user id of an identity store")
        pages = _pages(
            self.client.list_group_memberships_for_member,
            "NextToken",
            "NextToken",
            IdentityStoreId=self.store,
            MemberId={"UserId": user},
        )
        ids = [each["GroupId"] for page in pages for each in page.get("GroupMemberships", ())]
        return _named(
            self.client.describe_group(IdentityStoreId=self.store, GroupId=each)["DisplayName"] for each in ids
        )


@dataclass(frozen=True)
class IamDirectory:
    """Groups of IAM users of one account: ``ListGroupsForUser``.

    Attributes:
        client: boto3's client ``iam``.
        account: 12 digits.
    """

    client: Any
    account: str

    def groups(self, identity: Identity) -> tuple[str, ...] | None:
        """Return them; see :class:`Directory`."""
        found = _USER_ARN.fullmatch(identity.name)
        if found is None or found[1] != self.account:
            return None
        pages = _pages(self.client.list_groups_for_user, "Marker", "Marker", UserName=found[2])
        return _named(each["GroupName"] for page in pages for each in page.get("Groups", ()))


@dataclass(frozen=True)
class TableDirectory:
    """A table of DynamoDB that something else fills: key ``identity`` (S), ``groups`` (SS or a list of S).

    Attributes:
        client: boto3's low-level client of DynamoDB.
        table: its name; identities stand there as :func:`~sudo_mcp_guardrails.approval.deciding.people.plain` has them.
    """

    client: Any
    table: str

    def groups(self, identity: Identity) -> tuple[str, ...] | None:
        """Return them; see :class:`Directory`."""
        key = {"identity": {"S": plain(identity.name)}}
        item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {})
        listed = item.get("groups", {})
        return _named([*listed.get("SS", ()), *(text_of({"x": each}, "x") for each in listed.get("L", ()))])


@dataclass(frozen=True)
class Directories:
    """Several directories, each asked about its own people.

    Attributes:
        asked: in this order; the first that knows people of a kind answers.
    """

    asked: tuple[Directory, ...]

    def groups(self, identity: Identity) -> tuple[str, ...]:
        """Return the groups that somebody is in now.

        Raises:
            DecisionError: no directory knows people of this kind, or the one that does cannot tell.
            Exception: it could not be asked; nothing is known then.
        """
        for directory in self.asked:
            found = directory.groups(identity)
            if found is not None:
                check_names(f"groups of {identity.name!r}", found)
                return found
        raise DecisionError(f"no directory knows {identity.name!r}, so that nobody can tell his groups")


def read_directories(text: str, clients: Mapping[str, Any]) -> Directories:
    """Return the directories that a setting names.

    Args:
        text: one or more, joined by commas: ``cognito:<user pool id>``, ``identity-center:<identity store id>`` and
            where need be ``:<claim>``, ``table:<table name>``, ``iam:<account>``.
        clients: boto3's clients by the same words.

    Raises:
        DecisionError: one is none of these.
    """
    return Directories(tuple(_directory(each.strip(), clients) for each in text.split(",")))


def _directory(text: str, clients: Mapping[str, Any]) -> Directory:
    kind, _, name = text.partition(":")
    if kind not in _KINDS or not name:
        raise DecisionError(f"directory {text[:80]!r} is none, allowed are {', '.join(f'{one}:…' for one in _KINDS)}")
    client = clients.get(kind)
    if kind == "cognito":
        return CognitoDirectory(client, name)
    if kind == "identity-center":
        store, _, claim = name.partition(":")
        return IdentityCenterDirectory(client, store, claim or "sub")
    return TableDirectory(client, name) if kind == "table" else IamDirectory(client, name)


def _pages(operation: Any, asked: str, told: str, **options: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3
    """Yield all pages of a listing; none for somebody who is not there any more.

    Raises:
        DecisionError: there are too many, or he went while they were told: the pages before do not count then.
    """
    for number in range(_PAGES):
        try:
            page = operation(**options)
        except Exception as error:
            if code_of(error) not in _GONE:
                raise
            if number:
                raise DecisionError("the directory lists groups of somebody who is not in it any more") from None
            return
        yield page
        if not page.get(told):
            return
        options[asked] = page[told]
    raise DecisionError(f"the directory lists more than {_PAGES} pages of groups, allowed are {MAX_ITEMS} groups")


def _named(names: Any) -> tuple[str, ...]:  # noqa: ANN401 - of boto3
    return tuple(sorted({str(name) for name in names}))
