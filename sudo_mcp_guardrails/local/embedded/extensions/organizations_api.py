"""Gap: every account is the management account of an organization of its own, and no account can join another.

ministack 1.5.33 makes an organization the moment an account calls any Organizations operation, and has no
CreateOrganization, so a member account cannot be told from the management account, which is the difference that
SCPs rest on. This adds CreateOrganization, InviteAccountToOrganization, AcceptHandshake and ListHandshakesForAccount;
answers AWSOrganizationsNotInUse outside an organization; lets a member only read its own organization; and attaches
FullAWSAccess to a new unit, as AWS does. An organization cannot be deleted or left.
https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json, get_account_id, get_region, new_uuid, request_scope
from ministack.services import organizations

from .support import PARTITION

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Answer

_WITHOUT_ORGANIZATION = frozenset({"CreateOrganization", "AcceptHandshake", "ListHandshakesForAccount"})
_FOR_MEMBERS = frozenset({"DescribeOrganization", *_WITHOUT_ORGANIZATION})

# Handshakes belong to two accounts, so they are not scoped to one as ministack's own stores are.
_handshakes: dict[str, dict[str, Any]] = {}


def management_account_of(account: str) -> str | None:
    """The management account of the organization that `account` is in (itself where it is that), or None."""
    for owner, key in list(organizations._orgs._data):
        if key == "self" and organizations._accounts.contains_scoped(owner, None, account):
            return str(owner)
    return None


def _answer(content: dict[str, Any]) -> Answer:
    answer: Answer = organizations._json(200, content)
    return answer


def _refuse(code: str, message: str) -> Answer:
    refusal: Answer = error_response_json(code, message, 400)
    return refusal


def _create_organization(payload: dict[str, Any]) -> Answer:
    if management_account_of(get_account_id()) is not None:
        return _refuse("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")
    if payload.get("FeatureSet", "ALL") != "ALL":
        return _refuse("InvalidInputException", "only FeatureSet ALL is implemented: without it there are no SCPs")
    organizations._ensure_org()
    return _answer({"Organization": dict(organizations._orgs["self"])})


def _invite(payload: dict[str, Any]) -> Answer:
    target = payload.get("Target") or {}
    account = str(target.get("Id", ""))
    if target.get("Type") != "ACCOUNT" or not re.fullmatch(r"[0-9]{12}", account):
        return _refuse("InvalidInputException", "Target must be an ACCOUNT with a 12-digit Id")
    if management_account_of(account) is not None:
        return _refuse("HandshakeConstraintViolationException", f"Account {account} is already in an organization")
    owner, organization = get_account_id(), organizations._orgs["self"]
    handshake_id = "h-" + new_uuid().replace("-", "")[:10]
    _handshakes[handshake_id] = {
        "Id": handshake_id,
        "Arn": f"arn:{PARTITION}:organizations::{owner}:handshake/{organization['Id']}/invite/{handshake_id}",
        "Parties": [{"Id": organization["Id"][2:], "Type": "ORGANIZATION"}, {"Id": account, "Type": "ACCOUNT"}],
        "State": "OPEN",
        "Action": "INVITE",
        "RequestedTimestamp": int(time.time()),
        "_Account": account,
        "_Owner": owner,
    }
    return _answer({"Handshake": _public(_handshakes[handshake_id])})


def _accept(payload: dict[str, Any]) -> Answer:
    account = get_account_id()
    handshake = _handshakes.get(str(payload.get("HandshakeId", "")))
    if handshake is None or handshake["_Account"] != account:
        return _refuse("HandshakeNotFoundException", "We can't find that handshake.")
    if handshake["State"] != "OPEN" or management_account_of(account) is not None:
        return _refuse("InvalidHandshakeTransitionException", f"The handshake is {handshake['State']}.")
    with request_scope(handshake["_Owner"], get_region()):
        _join(account)
    handshake["State"] = "ACCEPTED"
    return _answer({"Handshake": _public(handshake)})


def _join(account: str) -> None:
    """Put `account` below the root of the calling organization, with FullAWSAccess attached."""
    owner = get_account_id()
    organization = organizations._orgs["self"]
    organizations._accounts[account] = {
        "Id": account,
        "Arn": f"arn:{PARTITION}:organizations::{owner}:account/{organization['Id']}/{account}",
        "Email": f"account+{account}@example.com",
        "Name": f"account {account}",
        "Status": "ACTIVE",
        "JoinedMethod": "INVITED",
        "JoinedTimestamp": int(time.time()),
        "Path": "/",
        "_ParentId": next(iter(organizations._roots)),
    }
    _attach_full_access(account)


def _attach_full_access(target: str) -> None:
    full = organizations.FULL_ACCESS_POLICY_ID
    organizations._attachments[full] = [*(organizations._attachments.get(full) or []), target]


def _list_handshakes(_payload: dict[str, Any]) -> Answer:
    mine = [_public(handshake) for handshake in _handshakes.values() if handshake["_Account"] == get_account_id()]
    return _answer({"Handshakes": mine})


def _public(handshake: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in handshake.items() if not key.startswith("_")}


def _unit_with_full_access(create: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    def operation(payload: dict[str, Any]) -> Answer:
        before = set(organizations._ous)
        answer = create(payload)
        for unit in set(organizations._ous) - before:
            _attach_full_access(unit)
        return answer

    return operation


def _guarded(name: str, operation: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    """The operation for who may call it: the management account, a member for its own view, nobody outside."""

    def guarded(payload: dict[str, Any]) -> Answer:
        caller = get_account_id()
        owner = management_account_of(caller)
        if owner is None and name not in _WITHOUT_ORGANIZATION:
            return _refuse("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        if owner not in (None, caller):
            if name not in _FOR_MEMBERS:
                return _refuse("AccessDeniedException", "You don't have permissions to access this resource.")
            if name == "DescribeOrganization":
                with request_scope(str(owner), get_region()):
                    return operation(payload)
        return operation(payload)

    return guarded


def install() -> None:
    """Replace the operation table of the Organizations service by guarded operations."""
    table = organizations._DISPATCH
    table["CreateOrganization"] = _create_organization
    table["InviteAccountToOrganization"] = _invite
    table["AcceptHandshake"] = _accept
    table["ListHandshakesForAccount"] = _list_handshakes
    table["CreateOrganizationalUnit"] = _unit_with_full_access(table["CreateOrganizationalUnit"])
    for name, operation in list(table.items()):
        table[name] = _guarded(name, operation)
    reset = organizations.reset

    def reset_all() -> None:
        reset()
        _handshakes.clear()

    organizations.reset = reset_all
