"""The action catalogue, and patterns that cover a set of actions and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.catalogue import (
    NEWER_ACTIONS,
    UnknownActionError,
    catalogue_version,
    compact,
    expand,
    service_actions,
)
from sudo_mcp_guardrails.iam.matching import action_matches
from sudo_mcp_guardrails.iam.scope import owned_arns, owned_types

SERVICES = ("s3", "lambda", "dynamodb", "ec2", "sqs", "cloudformation", "secretsmanager", "ssm", "logs", "iam")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_compact_covers_exactly_what_is_wanted(data: st.DataObject) -> None:
    service = data.draw(st.sampled_from(SERVICES))
    names = list(service_actions(service))
    beginnings = data.draw(st.sets(st.sampled_from(sorted({n.split(":")[1][:4] for n in names})), max_size=6))
    single = data.draw(st.sets(st.sampled_from(names), max_size=8))
    wanted = single | {n for n in names if n.split(":")[1][:4] in beginnings}
    patterns = compact(service, wanted)
    covered = {n for n in names if any(action_matches(p, n) for p in patterns)}
    assert covered == wanted
    assert len(patterns) <= len(wanted)


@pytest.mark.parametrize("service", ["apigateway", "managedblockchain"])
def test_compact_tells_no_actions_apart_by_their_case(service: str) -> None:
    other = f"{service}:GET"
    wanted = {name for name in service_actions(service) if name.startswith(f"{service}:Get")}
    assert other not in wanted
    assert not any(action_matches(pattern, other) for pattern in compact(service, wanted))


def test_compact_is_worth_it() -> None:
    names = [n for n in service_actions("lambda") if ":List" in n]
    assert compact("lambda", names) == ("lambda:List*",)
    assert compact("lambda", names[:2]) == tuple(names[:2])
    assert compact("lambda", ()) == ()


def test_expand() -> None:
    assert "s3:GetObject" in expand("s3:getobject*")
    assert expand("s3:Nothing") == ()


def test_unknown_service() -> None:
    with pytest.raises(
        UnknownActionError, match=f"service 'nope' is not in the action catalogue {catalogue_version()}"
    ):
        service_actions("nope")


@pytest.mark.parametrize("name", sorted(NEWER_ACTIONS))
def test_newer_actions_are_there(name: str) -> None:
    assert name in service_actions(name.split(":", maxsplit=1)[0])


class TestOwned:
    def test_buckets_and_their_objects_are_one_pattern(self) -> None:
        assert owned_arns("s3", "111111111111", "bot-") == ("arn:${AWS::Partition}:s3:::bot-*",)

    def test_tables_with_what_is_below_them(self) -> None:
        owned = owned_arns("dynamodb", "111111111111", "bot-")
        assert "arn:${AWS::Partition}:dynamodb:*:111111111111:table/bot-*" in owned
        assert not any("/index/" in arn for arn in owned)

    def test_types_narrow(self) -> None:
        owned = owned_arns("cloudformation", "111111111111", "bot-", types=frozenset({"stack"}))
        assert owned == ("arn:${AWS::Partition}:cloudformation:*:111111111111:stack/bot-*",)

    @pytest.mark.parametrize("service", ["ec2", "kms"])
    def test_what_aws_names_is_not_owned(self, service: str) -> None:
        assert not {"instance", "key", "vpc", "volume"} & set(owned_types(service))

    def test_what_reaches_beyond_its_name_is_not_owned(self) -> None:
        assert "accesspoint" not in owned_types("s3")
        assert "destination" not in owned_types("logs")

    @pytest.mark.parametrize("service", SERVICES)
    def test_every_pattern_has_the_account_and_the_prefix(self, service: str) -> None:
        for arn in owned_arns(service, "111111111111", "bot-"):
            assert arn.endswith("bot-*")
            assert ":111111111111:" in arn or service == "s3"
            assert "${" not in arn.replace("${AWS::Partition}", "")
