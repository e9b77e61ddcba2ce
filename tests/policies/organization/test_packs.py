"""Packs and settings: what is known, what fits, and what is refused, by its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.agents import credentials, direct, steering
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.management import MANAGEMENT
from sudo_mcp_guardrails.policies.organization.packs import (
    PACKS,
    QUOTAS,
    Quota,
    agent_scps,
    document,
    guardrails,
    packed,
)
from sudo_mcp_guardrails.policies.organization.reference import REFERENCE
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError, OrganizationSettings
from sudo_mcp_guardrails.regions import DeclaredRegion

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import PolicyDocument

SCPS = [name for name, members in PACKS.items() if members[0].kind is PolicyKind.SCP]
SETTINGS = OrganizationSettings()


class TestPacks:
    def test_are_these(self) -> None:
        assert list(PACKS) == ["agents", "mcp", "root", "regions", "public-exposure", "security-services", "perimeter"]

    def test_ids_and_sids_are_unique_in_the_library(self) -> None:
        everything = [g for members in PACKS.values() for g in members]
        ids = [g.id for g in everything] + [p.id for p in MANAGEMENT]
        sids = [s.sid for g in everything for s in g.build(REFERENCE)]
        scenarios = [s.id for g in everything for s in g.scenarios]
        for names in (ids, sids, scenarios):
            assert sorted(set(names)) == sorted(names)
        assert all(sid.isalnum() for sid in sids)

    @pytest.mark.parametrize("name", PACKS)
    def test_a_pack_is_of_one_kind(self, name: str) -> None:
        assert len({g.kind for g in PACKS[name]}) == 1

    def test_all_scps_fit_on_one_target(self) -> None:
        found = packed(SCPS, REFERENCE)
        assert found is not None
        assert len(found.documents) <= 5
        quota = QUOTAS[PolicyKind.SCP]
        assert all(d.check_size(quota.characters) <= quota.characters for d in found.documents)
        sids = {s.sid for d in found.documents for s in d.statements}
        assert sids == {s.sid for s in document(SCPS, REFERENCE).statements}

    def test_order_and_repetition_do_not_count(self) -> None:
        first = packed(["root", "mcp"], REFERENCE, name="x")
        again = packed(iter(["mcp", "root", "mcp"]), REFERENCE, name="x")
        assert first is not None
        assert again is not None
        assert [d.to_json() for d in first.documents] == [d.to_json() for d in again.documents]

    def test_are_called_by_prefix_and_packs(self) -> None:
        found = packed(["root"], OrganizationSettings(names=GuardrailNames("acme")))
        assert found is not None
        assert [d.name for d in found.documents] == ["acme-root-1"]

    def test_what_says_nothing_is_no_policy(self) -> None:
        """A policy without statements would allow nothing at all."""
        assert packed(["regions"], SETTINGS) is None
        assert document(["regions"], SETTINGS).statements == ()


class TestRefused:
    @pytest.mark.parametrize(
        "call",
        [guardrails, lambda p: document(p, SETTINGS), lambda p: packed(p, SETTINGS)],
        ids=["guardrails", "document", "packed"],
    )
    def test_an_unknown_pack(self, call: Any) -> None:
        with pytest.raises(OrganizationError, match=r"pack 'agent' is not known, allowed are agents, mcp, root"):
            call(["root", "agent"])

    def test_packs_of_several_kinds(self) -> None:
        with pytest.raises(OrganizationError, match="root, perimeter are of several kinds, expected SCPs or RCPs"):
            packed(["root", "perimeter"], REFERENCE)

    def test_too_many_policies_for_a_target(self) -> None:
        message = r"documents of 10240 characters are needed, expected at most 1.*; 9 of 10 slots are taken by others: "
        with pytest.raises(OrganizationError, match=message):
            packed(SCPS, REFERENCE, quota=Quota(10, 10_240, reserved=9))

    def test_no_slot_at_all(self) -> None:
        with pytest.raises(OrganizationError, match="1 documents of 10240 characters are needed, expected at most 0"):
            packed(["root"], REFERENCE, quota=Quota(3, 10_240, reserved=3))

    def test_a_statement_that_is_too_large(self) -> None:
        message = (
            r"statement 'mcp-guardrails-mcp:McpTrail' has \d+ characters, \d+ over the \d+ that a document of 5120"
        )
        with pytest.raises(OrganizationError, match=message):
            packed(["mcp"], REFERENCE, quota=Quota(5, 5_120))

    def test_what_the_settings_list_can_be_too_much_as_well(self) -> None:
        many = OrganizationSettings(
            organization_id="o-a1b2c3d4e5", networks=tuple(f"198.{n // 256}.{n % 256}.0/24" for n in range(320))
        )
        with pytest.raises(OrganizationError, match=r"PerimeterNetworks.* over the .* shorten what the settings list"):
            packed(["perimeter"], many)


class TestSettings:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"organization_id": "a1b2c3d4e5"}, "organization 'a1b2c3d4e5' is not allowed, expected o- and an id"),
            ({"regions": ("eu-central-1", "eu-middle-1")}, "Region 'eu-middle-1' is in no partition that is known"),
            ({"regions": ("eu-*",)}, r"Region 'eu-\*' is in no partition"),
            ({"regions": ("eu-central-1", "cn-north-1")}, "eu-central-1, cn-north-1 are of several partitions"),
            ({"direct_actions": ("lambda:*",)}, r"action 'lambda:\*' is not allowed"),
            (
                {"direct_actions": ("lambda:updatefunctioncode",)},
                "action 'lambda:updatefunctioncode' of direct_actions is not .*, did you mean lambda:UpdateFunctionC",
            ),
            ({"direct_actions": ("ssm:StartSesion",)}, "did you mean ssm:StartSession"),
            ({"direct_actions": ("iam:PassRole",)}, "'iam:PassRole' of direct_actions is not allowed, expected one th"),
            ({"oauth_clients": ("",)}, "OAuth client '' is not allowed, expected a whole ARN or id without wildcards"),
            ({"oauth_clients": (" ",)}, "OAuth client ' ' is not allowed"),
            ({"oauth_clients": ("c*",)}, r"OAuth client 'c\*' is not allowed"),
            ({"oauth_clients": ("c?",)}, r"OAuth client 'c\?' is not allowed"),
            ({"networks": ("0.0.0.0/1", "128.0.0.0/1")}, "0.0.0.0/1, 128.0.0.0/1 are together every address of IPv4"),
            ({"networks": ("10.0.0.0/8", "::/2", "8000::/1", "4000::/2")}, "are together every address of IPv6"),
            ({"trusted_accounts": ("١٢٣٤٥٦٧٨٩٠١٢",)}, "is not allowed, expected 12 digits"),
            ({"organization_id": None}, "organization_id None is not allowed, expected text"),
            ({"organization_id": 5}, "organization_id 5 is not allowed, expected text"),
            ({"names": "acme"}, "names 'acme' are not allowed, expected GuardrailNames"),
            ({"exempt": ("role/x",)}, "element 'role/x' of exempt is not allowed, expected ExemptPrincipals"),
            ({"exempt": REFERENCE.exempt[0]}, r"exempt .* are not allowed, expected a tuple or list of ExemptPrincipa"),
            ({"networks": ("203.0.113.7/24",)}, "network '203.0.113.7/24' is not allowed: .* has host bits set"),
            ({"networks": ("office",)}, "network 'office' is not allowed"),
            ({"networks": ("0.0.0.0/0",)}, "network '0.0.0.0/0' is every address, expected fewer"),
            ({"networks": ("::/0",)}, "network '::/0' is every address"),
            ({"trusted_accounts": ("12",)}, "trusted account '12' is not allowed, expected 12 digits"),
            ({"trusted_accounts": ("*",)}, r"trusted account '\*' is not allowed"),
        ],
    )
    def test_refused(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(OrganizationError, match=message):
            OrganizationSettings(**given)

    @pytest.mark.parametrize("name", ["regions", "oauth_clients", "direct_actions", "networks", "trusted_accounts"])
    def test_refused_types(self, name: str) -> None:
        for value in ("eu-central-1", b"x", None, {"eu-central-1"}, 5):
            with pytest.raises(
                OrganizationError, match=f"^{name} .* are not allowed, expected a tuple or list of text"
            ):
                OrganizationSettings(**{name: value})  # type: ignore[arg-type]
        with pytest.raises(OrganizationError, match=f"element 5 of {name} is not allowed, expected text"):
            OrganizationSettings(**{name: (5,)})  # type: ignore[arg-type]

    def test_lists_are_as_good_as_tuples(self) -> None:
        given: dict[str, Any] = {
            "regions": ("eu-central-1",),
            "oauth_clients": ("client-1",),
            "direct_actions": ("lambda:UpdateFunctionCode", "redshift:GetClusterCredentials", "ssm:StartSession"),
            "networks": ("203.0.113.0/24", "10.0.0.0/8"),
            "trusted_accounts": ("111111111111",),
            "exempt": REFERENCE.exempt,
        }
        listed: dict[str, Any] = {name: list(value) for name, value in given.items()}
        assert OrganizationSettings(**listed) == OrganizationSettings(**given)
        assert agent_scps(OrganizationSettings(**listed)) is agent_scps(OrganizationSettings(**given))

    def test_every_direct_action_that_is_allowed_gives_something_back(self) -> None:
        """Else it would be left out in silence."""
        whole = document(["agents"], SETTINGS).to_json()
        for action in {*direct.STEPS, *credentials.STEPS, *steering.STEPS}:
            assert f'"{action}"' in whole
            opened = document(["agents"], OrganizationSettings(direct_actions=(action,))).to_json()
            assert opened != whole, action

    def test_half_of_all_addresses_is_no_error(self) -> None:
        assert OrganizationSettings(networks=("0.0.0.0/1", "128.0.0.0/2", "::/1")).networks

    def test_a_region_newer_than_the_library_is_declared(self) -> None:
        settings = OrganizationSettings(regions=("eu-central-1", DeclaredRegion("eu-middle-1")))
        statement = document(["regions"], settings).statements[0]
        assert ("StringNotEquals", "aws:RequestedRegion", ("eu-central-1", "eu-middle-1")) in statement.conditions

    def test_exempt_patterns_are_in_order_and_once(self) -> None:
        twice = OrganizationSettings(exempt=(*REFERENCE.exempt, *REFERENCE.exempt))
        assert twice.exempt_patterns == ("arn:*:iam::*:role/AWSControlTowerExecution",)


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_no_pack_names_a_partition(partition: str) -> None:
    values = {"Partition": partition, "AccountId": "111111111111", "Region": "us-east-1"}
    for name in PACKS:
        plain = document([name], REFERENCE)
        resolved: PolicyDocument = plain.resolve(values)
        assert "arn:aws:" not in plain.to_json()
        assert partition == "aws" or "arn:aws:" not in resolved.to_json()
