"""Which groups somebody is in now, as fakes of four directories tell it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sudo_mcp_guardrails.approval.deciding.directory import Identity, read_directories
from sudo_mcp_guardrails.approval.errors import DecisionError

POOL = "eu-central-1_pool"
COGNITO = Identity(
    "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_pool#s",
    {
        "iss": f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}",
        "sub": "s",
        "cognito:username": "alice",
        "cognito:groups": "[admins]",
    },
)
USER_ID = "906736722d-0f7d1e2a-1111-2222-3333-444455556666"
CENTER = Identity(f"https://idp#{USER_ID}", {"iss": "https://idp", "sub": USER_ID})
IAM_USER = Identity("arn:aws:iam::111111111111:user/team/Rita", {})


class Pages:
    """Answers one page after the other."""

    def __init__(self, *pages: dict[str, Any], gone: str = "") -> None:
        self.pages, self.gone, self.calls = list(pages), gone, []  # type: ignore[var-annotated]

    def _next(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        if self.gone:
            raise ClientError({"Error": {"Code": self.gone, "Message": ""}}, "Call")
        return self.pages.pop(0)

    admin_list_groups_for_user = list_group_memberships_for_member = list_groups_for_user = get_item = _next

    def describe_group(self, **call: Any) -> dict[str, Any]:
        return {"DisplayName": f"name of {call['GroupId']}"}


def ask(setting: str, client: Any, who: Identity) -> tuple[str, ...]:
    return read_directories(setting, {setting.partition(":")[0]: client}).groups(who)


def test_a_user_pool_is_asked_for_all_pages_and_the_token_is_not_believed() -> None:
    client = Pages({"Groups": [{"GroupName": "sre"}], "NextToken": "n"}, {"Groups": [{"GroupName": "security"}]})
    assert ask(f"cognito:{POOL}", client, COGNITO) == ("security", "sre")
    assert client.calls[1] == {"UserPoolId": POOL, "Username": "alice", "NextToken": "n"}


def test_an_identity_store_names_its_groups() -> None:
    client = Pages({"GroupMemberships": [{"GroupId": "g1"}, {"GroupId": "g2"}]})
    assert ask("identity-center:d-1", client, CENTER) == ("name of g1", "name of g2")
    assert client.calls == [{"IdentityStoreId": "d-1", "MemberId": {"UserId": USER_ID}}]


def test_iam_users_have_the_groups_of_their_account() -> None:
    client = Pages({"Groups": [{"GroupName": "sre"}]})
    assert ask("iam:111111111111", client, IAM_USER) == ("sre",)
    assert client.calls == [{"UserName": "Rita"}]


def test_a_table_is_asked_by_the_plain_identity() -> None:
    client = Pages({"Item": {"identity": {"S": "x"}, "groups": {"SS": ["sre"]}}})
    assert ask("table:groups", client, IAM_USER) == ("sre",)
    assert client.calls[0]["Key"] == {"identity": {"S": "arn:aws:iam::111111111111:user/team/rita"}}


@pytest.mark.parametrize(
    ("setting", "who", "gone"),
    [
        (f"cognito:{POOL}", COGNITO, "UserNotFoundException"),
        ("identity-center:d-1", CENTER, "ResourceNotFoundException"),
        ("iam:111111111111", IAM_USER, "NoSuchEntity"),
    ],
)
def test_who_is_gone_is_in_no_group(setting: str, who: Identity, gone: str) -> None:
    assert ask(setting, Pages(gone=gone), who) == ()


def test_who_goes_while_the_groups_are_told_is_in_none_of_the_pages_before() -> None:
    class Leaving(Pages):
        def _leave(self, **call: Any) -> dict[str, Any]:
            page = self._next(**call)
            self.gone = "UserNotFoundException"
            return page

        admin_list_groups_for_user = _leave

    with pytest.raises(DecisionError, match="not in it any more"):
        ask(f"cognito:{POOL}", Leaving({"Groups": [{"GroupName": "sre"}], "NextToken": "n"}), COGNITO)


@pytest.mark.parametrize(
    ("setting", "who"),
    [
        (f"cognito:{POOL}", IAM_USER),
        ("cognito:another_pool", COGNITO),
        (f"cognito:{POOL}", Identity("x", {"iss": f"https://x/{POOL}"})),
        ("identity-center:d-1", Identity("x", {"sub": "alice"})),
        ("iam:222222222222", IAM_USER),
        ("ldap:x", IAM_USER),
        ("table:", IAM_USER),
        ("", IAM_USER),
    ],
)
def test_who_cannot_be_told_is_refused(setting: str, who: Identity) -> None:
    with pytest.raises(DecisionError):
        ask(setting, Pages(), who)


def test_a_directory_that_does_not_answer_says_nothing() -> None:
    with pytest.raises(ClientError):
        ask(f"cognito:{POOL}", Pages(gone="TooManyRequestsException"), COGNITO)


def test_each_of_several_directories_is_asked_about_its_own_people() -> None:
    pool, users = Pages({"Groups": [{"GroupName": "a"}]}), Pages({"Groups": [{"GroupName": "b"}]})
    both = read_directories(f"cognito:{POOL}, iam:111111111111", {"cognito": pool, "iam": users})
    assert (both.groups(COGNITO), both.groups(IAM_USER)) == (("a",), ("b",))
