"""The management policies: in AWS's syntax and values, small enough, and none about the setting of another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.management import MANAGEMENT
from sudo_mcp_guardrails.policies.organization.management._parts import assigned
from sudo_mcp_guardrails.policies.organization.packs import QUOTAS
from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy

SETTINGS = OrganizationSettings()
KNOWN: dict[str, dict[str, set[str]]] = {
    "ec2_attributes": {
        "vpc_block_public_access.internet_gateway_block.mode": {"off", "block_ingress", "block_bidirectional"},
        "vpc_block_public_access.internet_gateway_block.exclusions_allowed": {"enabled", "disabled"},
        "serial_console_access.status": {"enabled", "disabled"},
        "image_block_public_access.state": {"unblocked", "block_new_sharing"},
        "snapshot_block_public_access.state": {"unblocked", "block_new_sharing", "block_all_sharing"},
        "instance_metadata_defaults.http_tokens": {"no_preference", "required", "optional"},
        "instance_metadata_defaults.http_put_response_hop_limit": {str(n) for n in (-1, *range(1, 65))},
        "instance_metadata_defaults.http_endpoint": {"no_preference", "enabled", "disabled"},
        "instance_metadata_defaults.instance_metadata_tags": {"no_preference", "enabled", "disabled"},
    },
    "s3_attributes": {"public_access_block_configuration": {"all", "none"}},
}
"""Settings and their values. Source: Organizations user guide, "EC2 policy syntax and examples" and "Amazon S3 …"."""
SECURE = {
    "s3-public-access": {"public_access_block_configuration": "all"},
    "vpc-public-access": {
        "vpc_block_public_access.internet_gateway_block.mode": "block_ingress",
        "vpc_block_public_access.internet_gateway_block.exclusions_allowed": "disabled",
    },
    "instance-metadata": {
        "instance_metadata_defaults.http_tokens": "required",
        "instance_metadata_defaults.http_put_response_hop_limit": "2",
        "instance_metadata_defaults.http_endpoint": "no_preference",
        "instance_metadata_defaults.instance_metadata_tags": "no_preference",
    },
    "snapshot-public-access": {"snapshot_block_public_access.state": "block_all_sharing"},
    "image-public-access": {"image_block_public_access.state": "block_new_sharing"},
    "serial-console": {"serial_console_access.status": "disabled"},
}


def leaves(tree: Any, place: str = "") -> dict[str, str]:
    """Return each setting with what is assigned to it; anything but an assignment at the end is an error."""
    if set(tree) == {"@@assign"}:
        assert isinstance(tree["@@assign"], str)
        return {place: tree["@@assign"]}
    assert not any(key.startswith("@@") for key in tree)
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{place}.{key}".lstrip("."))
    return found


@pytest.mark.parametrize("policy", MANAGEMENT, ids=lambda p: p.id)
class TestEach:
    def test_says_what_it_should_in_values_that_aws_knows(self, policy: ManagementPolicy) -> None:
        (root, body), *rest = policy.content(SETTINGS).items()
        assert rest == []
        assert root == ("s3_attributes" if policy.kind is PolicyKind.S3 else "ec2_attributes")
        found = leaves(body)
        assert found == SECURE[policy.id]
        assert all(value in KNOWN[root][setting] for setting, value in found.items())

    def test_fits(self, policy: ManagementPolicy) -> None:
        quota = QUOTAS[policy.kind]
        assert quota.characters == 10_000
        assert len(json.dumps(policy.content(SETTINGS), separators=(",", ":"))) <= quota.characters

    def test_says_why(self, policy: ManagementPolicy) -> None:
        assert policy.reason
        assert policy.stops


def test_no_two_assign_the_same_setting() -> None:
    """Where two policies that meet in an account assign the same setting, which one wins depends on where they are."""
    settings = [(root, s) for p in MANAGEMENT for root, body in p.content(SETTINGS).items() for s in leaves(body)]
    assert len(set(settings)) == len(settings)
    assert len({p.id for p in MANAGEMENT}) == len(MANAGEMENT)


@pytest.mark.parametrize("kind", [PolicyKind.EC2, PolicyKind.S3])
def test_all_of_a_kind_can_be_attached_to_one_target(kind: PolicyKind) -> None:
    quota = QUOTAS[kind]
    assert 0 < len([p for p in MANAGEMENT if p.kind is kind]) <= quota.slots - quota.reserved


def test_a_value_is_assigned_and_a_group_is_not() -> None:
    assert assigned({"a": {"b": "x"}, "c": "y"}) == {"a": {"b": {"@@assign": "x"}}, "c": {"@@assign": "y"}}
