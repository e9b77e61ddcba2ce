"""Who is exempt from the guardrails for everyone, what is refused, and the proof that no agent can come to be."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from sudo_mcp_guardrails.iam import PolicyDocument
from sudo_mcp_guardrails.policies.exemptions import ExemptionError
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.exempt import ExemptPrincipals
from sudo_mcp_guardrails.policies.organization.exempt_proof import no_agent_matches
from sudo_mcp_guardrails.policies.organization.packs import agent_scps, document
from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

OWNER = "platform@example.com"
UNTIL = date(2027, 6, 30)
AWS_RESERVED = "arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*"
PRESETS = {
    "control-tower": ExemptPrincipals.control_tower(OWNER, UNTIL),
    "aft": ExemptPrincipals.account_factory_terraform(OWNER, UNTIL),
    "stack-sets": ExemptPrincipals.stack_sets(OWNER, UNTIL),
    "cdk": ExemptPrincipals.cdk_bootstrap(
        ["111111111111", "222222222222"], ["eu-central-1", "us-east-1"], OWNER, UNTIL
    ),
    "break-glass": ExemptPrincipals.break_glass("arn:aws:iam::111111111111:role/emergency/break-glass", OWNER, UNTIL),
}


def exempt(*arns: str, **more: Any) -> ExemptPrincipals:
    return ExemptPrincipals(**{"arns": arns, "reason": "it sets accounts up", "owner": OWNER, "until": UNTIL, **more})


class TestPresets:
    @pytest.mark.parametrize(
        ("preset", "arns"),
        [
            ("control-tower", ["arn:aws:iam::333333333333:role/AWSControlTowerExecution"]),
            ("aft", ["arn:aws:iam::333333333333:role/AWSAFTExecution", "arn:aws:iam::333333333333:role/AWSAFTService"]),
            ("stack-sets", ["arn:aws-cn:iam::333333333333:role/AWSCloudFormationStackSetExecutionRole"]),
            (
                "cdk",
                [
                    "arn:aws:iam::111111111111:role/cdk-hnb659fds-cfn-exec-role-111111111111-eu-central-1",
                    "arn:aws:iam::222222222222:role/cdk-hnb659fds-cfn-exec-role-222222222222-us-east-1",
                ],
            ),
            ("break-glass", ["arn:aws:iam::111111111111:role/emergency/break-glass"]),
        ],
    )
    def test_covers_what_it_is_for(self, preset: str, arns: list[str]) -> None:
        assert [arn for arn in arns if not PRESETS[preset].covers(arn)] == []

    @pytest.mark.parametrize("preset", PRESETS)
    def test_covers_nobody_else(self, preset: str) -> None:
        others = (
            "arn:aws:iam::333333333333:role/AWSControlTowerExecution2",
            "arn:aws:iam::333333333333:role/x/AWSAFTExecution",
            "arn:aws:iam::333333333333:user/AWSControlTowerExecution",
            "arn:aws:iam::333333333333:role/cdk-hnb659fds-cfn-exec-role-333333333333-eu-central-1",
            "arn:aws:iam::222222222222:role/cdk-hnb659fds-deploy-role-222222222222-us-east-1",
            "arn:aws:iam::222222222222:role/emergency/break-glass",
            "arn:aws:iam::111111111111:root",
        )
        assert [arn for arn in others if PRESETS[preset].covers(arn)] == []

    def test_a_wildcard_does_not_run_on_into_the_next_part(self) -> None:
        """As ``ArnLike`` compares; a Resource element would match this."""
        strange = "arn:aws:iam::111111111111:role/x:role/AWSControlTowerExecution"
        assert not PRESETS["control-tower"].covers(strange)

    def test_another_qualifier(self) -> None:
        found = ExemptPrincipals.cdk_bootstrap(["111111111111"], ["eu-central-1"], OWNER, UNTIL, "acme")
        assert found.arns == ("arn:*:iam::111111111111:role/cdk-acme-cfn-exec-role-111111111111-eu-central-1",)


class TestRefused:
    @pytest.mark.parametrize(
        "arn",
        [
            *(
                "arn:*:iam::*:role/Admin*",
                "arn:*:iam::*:role/*",
                "arn:*:iam::*:role/*/admin",
                "arn:*:iam::*:role/a*/b/c",
            ),
            *("arn:*:iam::*:role/?dmin", "arn:aws:iam::111111111111:role/deploy-*", "arn:*:iam::*:user/*"),
        ],
    )
    def test_a_wildcard_in_a_bare_name(self, arn: str) -> None:
        with pytest.raises(ExemptionError, match="has a wildcard in a name without a path, expected the whole name"):
            exempt(arn)

    @pytest.mark.parametrize(
        "arn",
        [
            *(
                "*",
                "arn:*",
                "arn:aws:iam::*:*",
                "arn:aws:iam::*:root",
                "arn:aws:iam::12:role/x",
                "AWSControlTowerExecution",
            ),
            *("arn:aws:sts::*:assumed-role/x/y", "arn:aws:iam::111*:role/x/y", "arn:a*:iam::*:role/x/y"),
            *("arn:aws:iam::*:role/", "arn:aws:iam::*:r*/x/y", "arn:aws:iam::*:role//x"),
            *("arn:aws-foo:iam::*:role/x", "arn:aws-iso:iam::*:role/x", "arn:aws:iam::*:role/é/x"),
            "arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:role/x",
        ],
    )
    def test_another_form(self, arn: str) -> None:
        with pytest.raises(ExemptionError, match="is not allowed, expected arn:PARTITION:iam::ACCOUNT:role/PATH/NAME"):
            exempt(arn)

    def test_one_of_several(self) -> None:
        with pytest.raises(ExemptionError, match=r"'arn:\*:iam::\*:role/x\*'"):
            exempt(AWS_RESERVED, "arn:*:iam::*:role/x*")

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("arns", (), "nobody has an empty arns"),
            ("arns", AWS_RESERVED, "expected a tuple of ARN patterns"),
            ("reason", "  ", "has an empty reason"),
            ("owner", "", "has an empty owner"),
            ("until", None, "has no last day but None, expected a date"),
            ("arns", (5,), "exempt principal 5 of arns is not allowed, expected text"),
            ("reason", None, "has reason None, expected text"),
            ("owner", 5, "has owner 5, expected text"),
            ("until", datetime(2027, 6, 30), r"has no last day but datetime\.datetime\(.*\), expected a date"),  # noqa: DTZ001
            ("until", "2027-06-30", "has no last day but '2027-06-30', expected a date"),
        ],
    )
    def test_what_is_missing(self, field: str, value: object, message: str) -> None:
        with pytest.raises(ExemptionError, match=message):
            exempt(AWS_RESERVED, **{field: value})

    @pytest.mark.parametrize("partition", ["*", "aws", "aws-cn", "aws-us-gov"])
    def test_partitions_that_are_known(self, partition: str) -> None:
        assert exempt(f"arn:{partition}:iam::*:role/x").covers(f"arn:{partition}:iam::111111111111:role/x")

    def test_a_list_is_as_good_as_a_tuple(self) -> None:
        listed = exempt(arns=[AWS_RESERVED])
        assert listed == exempt(AWS_RESERVED)
        assert hash(listed) == hash(exempt(AWS_RESERVED))

    def test_break_glass_is_one_role(self) -> None:
        with pytest.raises(ExemptionError, match="has a wildcard, expected the ARN of one role"):
            ExemptPrincipals.break_glass("arn:aws:iam::*:role/emergency/break-glass", OWNER, UNTIL)

    @pytest.mark.parametrize(
        ("accounts", "regions", "qualifier", "message"),
        [
            (["111111111111"], ["eu-*"], "acme", "Region 'eu-\\*' of a bootstrap role is in no partition"),
            (["1*"], ["eu-central-1"], "acme", "is not allowed, expected arn:PARTITION"),
            ([], ["eu-central-1"], "acme", "empty arns"),
            (["111111111111"], ["eu-central-1"], "Acme*", "qualifier 'Acme\\*' is not allowed, expected 1 to 10"),
        ],
    )
    def test_bootstrap(self, accounts: list[str], regions: list[str], qualifier: str, message: str) -> None:
        with pytest.raises(ExemptionError, match=message):
            ExemptPrincipals.cdk_bootstrap(accounts, regions, OWNER, UNTIL, qualifier)


class TestDates:
    def test_counts_to_its_last_day(self) -> None:
        exempt(AWS_RESERVED).check_date(UNTIL)
        OrganizationSettings(exempt=tuple(PRESETS.values())).check_exempt(UNTIL)

    def test_an_expired_one_is_refused(self) -> None:
        message = r"exemption of arn:\*:iam::\*:role/aws.* ended on 2027-06-30: renew it, with platform@example.com, or"
        with pytest.raises(ExemptionError, match=message):
            exempt(AWS_RESERVED).check_date(date(2027, 7, 1))

    def test_any_expired_one_of_the_settings(self) -> None:
        settings = OrganizationSettings(exempt=(exempt(AWS_RESERVED, until=date(2099, 1, 1)), PRESETS["aft"]))
        with pytest.raises(ExemptionError, match="AWSAFTExecution"):
            settings.check_exempt(date(2027, 7, 1))


class TestProof:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_no_agent_can_come_to_match_a_preset(self, preset: str) -> None:
        assert no_agent_matches(OrganizationSettings(exempt=(PRESETS[preset],))) == ()

    def test_nor_a_pattern_by_path_nor_a_user(self) -> None:
        settings = OrganizationSettings(exempt=(exempt(AWS_RESERVED), exempt("arn:*:iam::*:user/people/ann")))
        assert no_agent_matches(settings) == ()

    def test_nor_with_regions_and_clients(self) -> None:
        settings = OrganizationSettings(exempt=tuple(PRESETS.values()), regions=("eu-central-1",), oauth_clients=("c",))
        assert no_agent_matches(settings) == ()

    @pytest.mark.parametrize(
        ("action", "path"),
        [("lambda:UpdateFunctionCode", "lambda-update-code"), ("ssm:StartSession", "ssm-start-session")],
    )
    def test_what_agents_may_steer_may_run_as_an_exempt_role(self, action: str, path: str) -> None:
        settings = OrganizationSettings(exempt=(exempt("arn:*:iam::*:role/ci/deployer"),), direct_actions=(action,))
        found = no_agent_matches(settings)
        assert f"apply role of an agent may steer what runs as an exempt principal, by path {path!r}" in found

    @pytest.mark.parametrize("sid", ["AgentsMembership", "AgentsSteering", "AgentsDirect"])
    def test_each_of_the_agents_guardrails_counts(self, sid: str) -> None:
        settings = OrganizationSettings(exempt=(exempt(AWS_RESERVED),))
        less = [scp.without(sid) if sid in {s.sid for s in scp.statements} else scp for scp in agent_scps()]
        assert no_agent_matches(settings, scps=less)

    def test_nor_with_another_prefix(self) -> None:
        names = GuardrailNames("acme")
        assert no_agent_matches(OrganizationSettings(names=names, exempt=tuple(PRESETS.values()))) == ()
        # And what was an agent's path is anybody's then.
        other = exempt("arn:*:iam::*:role/mcp-guardrails/agents/*")
        assert no_agent_matches(OrganizationSettings(names=names, exempt=(other,))) == ()

    def test_without_exemptions_there_is_nothing_to_prove(self) -> None:
        assert no_agent_matches(OrganizationSettings(), scps=()) == ()

    @pytest.mark.parametrize(
        "arn",
        [
            "arn:*:iam::*:role/mcp-guardrails/*",
            "arn:*:iam::*:role/mcp-guardrails/agents/release-bot/*",
            "arn:aws:iam::111111111111:role/mcp-guardrails/agents/x/workloads/worker",
            "arn:aws:iam::111111111111:role/mcp-guardrails/a*/admin",
            "arn:*:iam::*:role/mcp-guardrails/agents/*/mcp-guardrails-*-apply",
        ],
    )
    def test_a_pattern_over_the_agents_path_is_found(self, arn: str) -> None:
        problems = no_agent_matches(OrganizationSettings(exempt=(exempt(arn),)))
        assert any(f"exempt principal {arn!r} can be an agent" in problem for problem in problems)

    def test_a_role_that_an_agents_template_can_make_is_found(self) -> None:
        arn = "arn:*:iam::*:role/mcp-guardrails/agents/x/workloads/worker"
        problems = no_agent_matches(OrganizationSettings(exempt=(exempt(arn),)))
        assert any("execution role of an agent may make, pass or change" in problem for problem in problems)
        assert any("iam:" in problem for problem in problems)

    @pytest.mark.parametrize(
        ("sid", "found"),
        [
            ("AgentsSessions", "may assume exempt principal"),
            ("AgentsRolesElsewhere", "may make, pass or change exempt principal"),
            ("AgentsIdentities", "may change the policies of exempt principal"),
            ("AgentsIdentities", "may change the providers that sign in as exempt principal"),
            ("AgentsIdentities", "may change the groups of exempt principal"),
        ],
    )
    def test_without_an_scp_of_agents_the_way_is_found(self, sid: str, found: str) -> None:
        settings = OrganizationSettings(exempt=tuple(PRESETS.values()))
        weaker = document(["agents"], settings).without(sid)
        assert any(found in problem for problem in no_agent_matches(settings, scps=(weaker,)))
        assert no_agent_matches(settings, scps=(document(["agents"], settings),)) == ()

    def test_without_any_scp_every_kind_of_role_gets_there(self) -> None:
        settings = OrganizationSettings(exempt=(PRESETS["control-tower"],))
        problems = no_agent_matches(settings, scps=(PolicyDocument("none", ()),))
        for kind in ("read", "plan", "apply", "execution", "workload"):
            assert any(problem.startswith(f"{kind} role of an agent may assume") for problem in problems)

    def test_scps_for_other_names_prove_nothing(self) -> None:
        """As where the prefix of the organization is not that of its accounts."""
        settings = OrganizationSettings(names=GuardrailNames("acme"), exempt=(PRESETS["control-tower"],))
        assert no_agent_matches(settings, scps=agent_scps())
