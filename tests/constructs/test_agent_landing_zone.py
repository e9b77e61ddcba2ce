"""The organization's front door: which stacks it makes, what it adopts, what fits, and what it refuses."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam

from benchmarks import landing_zone as large
from sudo_mcp_guardrails import (
    AccountBaseline,
    AdoptedLandingZone,
    Agent,
    AgentEnvironment,
    AgentLandingZone,
    BrokerCaller,
    DeclaredRegion,
    EventMembers,
    Framework,
    GuardrailNames,
    Guardrails,
    InvalidAgentError,
    LogPipeline,
    OrganizationError,
    OrganizationSettings,
    Placement,
    Retention,
    SearchTarget,
    TrailSource,
)
from sudo_mcp_guardrails.constructs import budget
from sudo_mcp_guardrails.constructs.account_baseline import callers_of
from sudo_mcp_guardrails.policies.exemptions import ExemptionError
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.packs import Quota

MANAGEMENT, LOGS, SECURITY = "999999999999", "888888888888", "777777777777"
ONE, TWO = "111111111111", "222222222222"
OU = "ou-a1b2-c3d4e5f6"
HOME, AWAY = "eu-central-1", "eu-west-1"
NEVER = date(2999, 1, 1)
DOMAIN = SearchTarget("https://search", f"arn:aws:es:{HOME}:{LOGS}:domain/d", Placement("vpc-1", ("s-1",), ("sg-1",)))


def agent(name: str, *accounts: str, regions: tuple[str, ...] = (HOME,)) -> Agent:
    environment = AgentEnvironment.sandbox(*accounts, regions=regions)
    return Agent(name, owner="me@example.com", services=["s3"], environments=[environment])


def make(app: cdk.App | None = None, id: str = "Zone", **props: Any) -> AgentLandingZone:
    given: dict[str, Any] = {
        "management_account": MANAGEMENT,
        "log_archive_account": LOGS,
        "security_account": SECURITY,
        "home_region": HOME,
        "agents": [agent("a-bot", ONE), agent("b-bot", ONE, TWO)],
        "targets": [OU],
    }
    return AgentLandingZone(app or cdk.App(analytics_reporting=False), id, **given | props)


def stacks(zone: AgentLandingZone) -> dict[str, tuple[str, Counter[str]]]:
    """Account and Region, and resource types, of each stack by its name."""
    return {
        found.stack_name: (
            f"{found.environment.account}/{found.environment.region}",
            Counter(r["Type"] for r in found.template.get("Resources", {}).values()),
        )
        for found in zone.synth().stacks
    }


class TestLayout:
    def test_one_stack_for_each_account(self) -> None:
        found = stacks(make())
        assert {name: place for name, (place, _) in found.items()} == {
            "Zone-Organization": f"{MANAGEMENT}/{HOME}",
            f"Zone-Workload-{ONE}-{HOME}": f"{ONE}/{HOME}",
            f"Zone-Workload-{TWO}-{HOME}": f"{TWO}/{HOME}",
        }
        assert found["Zone-Organization"][1] == {"AWS::Organizations::Policy": 2}
        assert found[f"Zone-Workload-{ONE}-{HOME}"][1]["AWS::IAM::Role"] == 1 + 4 * 2
        assert found[f"Zone-Workload-{TWO}-{HOME}"][1]["AWS::IAM::Role"] == 1 + 4

    def test_iam_once_for_each_account_and_what_is_regional_in_each_region(self) -> None:
        zone = make(
            agents=[agent("a-bot", ONE, regions=(AWAY,)), agent("b-bot", TWO)],
            access_analyzer=True,
            hooks=lambda scope: cdk.CfnResource(scope, "Hook", type="AWS::CloudFormation::GuardHook"),
        )
        assert zone.regions == {ONE: (HOME, AWAY), TWO: (HOME,)}
        found = stacks(zone)
        hooks = {name for name, (_, types) in found.items() if types["AWS::CloudFormation::GuardHook"]}
        assert hooks == {f"Zone-Workload-{a}-{r}" for a, r in ((ONE, HOME), (ONE, AWAY), (TWO, HOME))}
        assert {name for name, (_, types) in found.items() if types["AWS::IAM::Role"]} == {
            f"Zone-Workload-{ONE}-{HOME}",
            f"Zone-Workload-{TWO}-{HOME}",
        }
        for region in (HOME, AWAY):
            expected = (f"{SECURITY}/{region}", {"AWS::AccessAnalyzer::Analyzer": 1})
            assert found[f"Zone-Security-{region}"] == expected

    def test_policies_may_be_delegated(self) -> None:
        assert stacks(make(policy_account=SECURITY))["Zone-Organization"][0] == f"{SECURITY}/{HOME}"

    def test_callers_are_narrowed_to_the_agents_of_each_account(self) -> None:
        everywhere, some = BrokerCaller("arn:x"), BrokerCaller("arn:y", agents=("a-bot", "b-bot"))
        only = BrokerCaller("arn:z", agents=("a-bot",))
        here = [agent("b-bot", TWO)]
        assert callers_of([everywhere, some, only], here) == (everywhere, BrokerCaller("arn:y", agents=("b-bot",)))
        assert make(callers=[BrokerCaller.permission_set("Operators", agents=["a-bot"])]).baselines

    @pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
    def test_partitions(self, region: str) -> None:
        zone = make(home_region=region, agents=[agent("a-bot", ONE, regions=(region,))])
        text = json.dumps([found.template for found in zone.synth().stacks])
        assert "arn:aws" not in text

    def test_packs_and_proof_pass(self) -> None:
        app = cdk.App(analytics_reporting=False)
        make(app, access_analyzer=True)
        Guardrails.of(app).enforce()
        directory = Path(app.synth().directory)
        evidence = json.loads((directory / "guardrails-evidence.json").read_text(encoding="utf-8"))
        assert evidence["summary"]["agents"] == 2
        assert (evidence["summary"]["witnesses"], evidence["summary"]["not_proved"]) == (0, 0)
        assert {subject["account"] for subject in evidence["subjects"]} == {ONE, TWO}


class TestAdoption:
    def test_control_tower_keeps_its_slots_and_its_trail(self) -> None:
        adopted = AdoptedLandingZone("ops", NEVER, control_tower=True)
        zone = make(adopt=adopted)
        assert adopted.trail == "aws-controltower-BaselineCloudTrail"
        assert zone.settings.exempt_patterns == ("arn:*:iam::*:role/AWSControlTowerExecution",)
        with pytest.raises(OrganizationError, match="3 of 4 slots are taken by others"):
            make(adopt=adopted, quotas={PolicyKind.SCP: Quota(4, 10_240)})
        assert make(quotas={PolicyKind.SCP: Quota(4, 10_240)}).organization.policies

    def test_slots_of_the_accelerator(self) -> None:
        adopted = AdoptedLandingZone("ops", NEVER, slots={PolicyKind.SCP: 8})
        with pytest.raises(OrganizationError, match="9 of 10 slots are taken by others"):
            make(adopt=adopted)
        with pytest.raises(OrganizationError, match="slots -1 of type SERVICE_CONTROL_POLICY are not allowed"):
            AdoptedLandingZone("ops", NEVER, slots={PolicyKind.SCP: -1})

    def test_roles(self) -> None:
        adopted = AdoptedLandingZone(
            "ops",
            NEVER,
            account_factory_terraform=True,
            stack_sets=True,
            accelerator_prefix="AWSAccelerator",
            bootstrap_qualifiers=("hnb659fds",),
            break_glass=(f"arn:aws:iam::{ONE}:role/emergency",),
        )
        patterns = {arn.removeprefix("arn:*:iam::") for exempt in adopted.exempt([ONE], [HOME]) for arn in exempt.arns}
        assert patterns == {
            "*:role/AWSAFTExecution",
            "*:role/AWSAFTService",
            "*:role/AWSCloudFormationStackSetExecutionRole",
            "*:role/AWSAccelerator-Deployment-Role",
            "*:role/AWSAccelerator-Management-Deployment-Role",
            f"{ONE}:role/cdk-hnb659fds-cfn-exec-role-{ONE}-{HOME}",
            f"{ONE}:role/cdk-accel-cfn-exec-role-{ONE}-{HOME}",
            f"arn:aws:iam::{ONE}:role/emergency",
        }

    def test_what_has_ended_fails_synthesis(self) -> None:
        with pytest.raises(ExemptionError, match="ended on 2020-01-01"):
            make(adopt=AdoptedLandingZone("ops", date(2020, 1, 1), control_tower=True))


class TestBadInput:
    @pytest.mark.parametrize(
        ("props", "message"),
        [
            ({"management_account": "1"}, "management_account '1' is not allowed, expected 12 digits"),
            ({"log_archive_account": "x" * 12}, "log_archive_account 'xxxxxxxxxxxx' is not allowed"),
            ({"security_account": ""}, "security_account '' is not allowed"),
            ({"policy_account": "ops"}, "policy_account 'ops' is not allowed"),
            (
                {"management_account": 999999999999},
                "management_account 999999999999 is not allowed, expected 12 digits as",
            ),
            ({"security_account": None}, "security_account None is not allowed"),
            ({"log_archive_account": "٨" * 12}, "log_archive_account '٨+' is not allowed"),
            ({"log_archive_account": MANAGEMENT}, f"log_archive_account '{MANAGEMENT}' is the management_account too"),
            ({"security_account": MANAGEMENT}, f"security_account '{MANAGEMENT}' is the management_account too"),
            ({"home_region": None}, "home_region None is in no partition that is known"),
            (
                {"quotas": {PolicyKind.SCP: 5}},
                "quota 5 of type SERVICE_CONTROL_POLICY is not allowed, expected a Quota",
            ),
            (
                {"quotas": {"SCP": Quota(4, 10_240)}},
                "quotas have key 'SCP', which is no type of policy, allowed are Pol",
            ),
            ({"quotas": [PolicyKind.SCP]}, "expected a mapping of PolicyKind to Quota"),
            (
                {"quotas": {PolicyKind.EC2: Quota(1, 10_000, reserved=1)}, "management": ["image-public-access"]},
                "quota of type DECLARATIVE_POLICY_EC2 has 1 slots of which 1 are reserved for others",
            ),
            (
                {
                    "adopt": AdoptedLandingZone("ops", NEVER, slots={PolicyKind.S3: 10}),
                    "management": ["s3-public-access"],
                },
                "quota of type S3_POLICY has 10 slots of which 10 are reserved for others",
            ),
            ({"management": "s3-public-access"}, "management 's3-public-access' of .* is text, expected a list of"),
            (
                {"adopt": AdoptedLandingZone("ops", NEVER, slots={PolicyKind.SCP: 20})},
                "has 10 slots of which 21 are reserved for others, expected one that is left at least",
            ),
            ({"home_region": "eu-nowhere-9"}, "home_region 'eu-nowhere-9' is in no partition that is known"),
            ({"home_region": "cn-north-1"}, f"Region '{HOME}' is not in partition 'aws-cn' of home_region"),
            (
                {"settings": OrganizationSettings(regions=("us-gov-west-1",))},
                "Region 'us-gov-west-1' is not in partition 'aws' of home_region 'eu-central-1'",
            ),
            ({"targets": [MANAGEMENT]}, f"target '{MANAGEMENT}' is the management account, which no SCP"),
            ({"agents": [agent("a-bot", MANAGEMENT)]}, f"agent 'a-bot' works in the management account '{MANAGEMENT}'"),
            ({"targets": ["x"]}, "target 'x' is not allowed"),
        ],
    )
    def test_refused(self, props: dict[str, Any], message: str) -> None:
        with pytest.raises(OrganizationError, match=message):
            make(**props)

    def test_no_agents(self) -> None:
        with pytest.raises(InvalidAgentError, match="at least one Agent"):
            make(agents=[])

    def test_a_region_that_is_newer_than_the_library(self) -> None:
        region = DeclaredRegion("eu-new-1")
        assert make(home_region=region, agents=[agent("a-bot", ONE, regions=(region,))]).baselines

    def test_a_caller_of_one_account(self) -> None:
        host = iam.Role.from_role_name(cdk.Stack(), "Host", "host")
        with pytest.raises(OrganizationError, match="is a role or user of one account, expected a pattern"):
            make(callers=[BrokerCaller.iam_role(host)])

    @pytest.mark.parametrize("prefix", ["mcp-guardrails", "other"])
    def test_two_on_one_target(self, prefix: str) -> None:
        app = cdk.App(analytics_reporting=False)
        make(app, "One", targets=["ou-a1b2-11111111", OU])
        other = OrganizationSettings(names=GuardrailNames(prefix))
        with pytest.raises(OrganizationError, match=f"target '{OU}' is of landing zone 'One' and of 'Two', expected"):
            make(app, "Two", settings=other, packs=["root"])

    def test_two_with_targets_of_their_own(self) -> None:
        app = cdk.App(analytics_reporting=False)
        make(app, "One")
        other = OrganizationSettings(names=GuardrailNames("other"))
        assert make(app, "Two", settings=other, targets=["ou-a1b2-11111111"]).organization.policies
        assert make(settings=other).organization.policies, "apps know nothing of each other"

    def test_a_limit_of_regions_that_leaves_an_agent_out(self) -> None:
        agents = [agent("a-bot", ONE), agent("b-bot", TWO, regions=(HOME, AWAY))]
        with pytest.raises(
            OrganizationError,
            match=f"agent 'b-bot' works in Region '{AWAY}', which settings.regions leave out, allowed are {HOME}, us-e",
        ):
            make(agents=agents, settings=OrganizationSettings(regions=(HOME, "us-east-1")))
        assert make(agents=agents, settings=OrganizationSettings(regions=(AWAY, HOME))).baselines

    @pytest.mark.parametrize(
        ("packs", "adopted", "warned"),
        [(["root"], True, True), (["root"], False, False), (["agents", "root"], True, False)],
    )
    def test_exemptions_without_the_pack_that_their_proof_supposes_are_a_warning(
        self, packs: list[str], *, adopted: bool, warned: bool
    ) -> None:
        adopt = AdoptedLandingZone("ops", NEVER, control_tower=True) if adopted else None
        stack = cdk.Stack.of(make(packs=packs, adopt=adopt).organization)
        found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
        assert any("agentLandingZone.exemptWithoutAgents" in str(m.entry.data) for m in found) == warned

    def test_log_archive_and_security_may_be_one_account(self) -> None:
        assert make(log_archive_account=SECURITY).baselines

    def test_agents_beside_what_guards_them_are_a_warning(self) -> None:
        zone = make(agents=[agent("a-bot", SECURITY)])
        stack = cdk.Stack.of(zone.baselines[SECURITY])
        found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
        assert any("agentLandingZone.sharedAccount" in str(message.entry.data) for message in found)


class TestBudget:
    def test_the_landing_zone_of_a_hundred_agents(self, tmp_path: Path) -> None:
        app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
        large.build(app)
        app.synth()
        found = large.figures(tmp_path)
        assert found["stacks"] == 1 + large.ACCOUNTS
        roles = sum(
            r["Type"] == "AWS::IAM::Role"
            for _, resources in large.templates(tmp_path).values()
            for r in resources.values()
        )
        assert roles == large.ACCOUNTS + 4 * 2 * large.AGENTS, "each agent is to stand in two accounts"
        assert found["resources of the largest stack"] < budget.RESOURCES_PER_STACK
        assert found["bytes of the largest template"] < budget.TEMPLATE_BYTES
        assert found["roles of the fullest account"] <= budget.ROLES_PER_ACCOUNT
        assert found["managed policies of the fullest account"] <= budget.POLICIES_PER_ACCOUNT
        assert found["policies of the fullest role"] <= budget.POLICIES_PER_ROLE

    def test_iam_has_room_for_as_many_agents_as_a_stack(self) -> None:
        most = budget.most_agents()
        assert most == 54
        assert 4 * most + 1 <= budget.ROLES_PER_ACCOUNT
        assert 5 * most + 7 <= budget.POLICIES_PER_ACCOUNT

    def test_what_is_reckoned_is_what_is_made(self, tmp_path: Path) -> None:
        env = cdk.Environment(account=ONE, region=HOME)
        for count in (1, 6):
            app = cdk.App(outdir=str(tmp_path / str(count)), analytics_reporting=False)
            stack = cdk.Stack(app, "S", env=env, suppress_template_indentation=True)
            agents = [agent(f"bot{number}-with-a-rather-long-name", ONE) for number in range(count)]
            guarded = AccountBaseline(stack, "Baseline", agents=agents).guardrails
            assert guarded is not None
            app.synth()
            [(size, resources)] = large.templates(tmp_path / str(count)).values()
            assert len(resources) == budget.SHARED_RESOURCES + budget.RESOURCES_PER_AGENT * count
            reckoned = budget.check_bytes(ONE, {a.name: guarded.roles(a.name).documents for a in agents})
            # Never less, and not so much more that it would refuse what fits.
            assert size <= reckoned <= size + 20_000 + 7_500 * count

    def test_one_agent_too_many(self) -> None:
        agents = [agent(f"bot{number:02}", ONE) for number in range(55)]
        with pytest.raises(OrganizationError, match=f"account '{ONE}' has 55 agents, expected 54 or fewer: an agent"):
            make(agents=agents)

    def test_one_byte_too_many(self) -> None:
        services = ["s3", "lambda", "dynamodb"]
        environments = [AgentEnvironment.sandbox(ONE, regions=[HOME])]
        agents = [Agent(f"bot{n:02}", owner="me", services=services, environments=environments) for n in range(40)]
        stack = cdk.Stack(cdk.App(), "S", env=cdk.Environment(account=ONE, region=HOME))
        with pytest.raises(OrganizationError, match=r"template of up to \d+ bytes for 40 agents, \d+ over the 1000000"):
            AccountBaseline(stack, "Baseline", agents=agents)


class TestTrail:
    def test_the_trail_is_the_managements_and_its_bucket_the_log_archives(self) -> None:
        settings = OrganizationSettings(organization_id="o-a1b2c3d4e5")
        zone = make(settings=settings, retention=Retention.for_(Framework.PCI_DSS))
        assert zone.trail is not None
        archive, trail = cdk.Stack.of(zone.trail.archive), cdk.Stack.of(zone.trail.trail)
        assert (archive.account, trail.account) == (LOGS, MANAGEMENT)
        [made] = assertions.Template.from_stack(trail).find_resources("AWS::CloudTrail::Trail").values()
        properties = made["Properties"]
        name = f"mcp-guardrails-trail-{LOGS}-{HOME}"
        assert properties["S3BucketName"] == name
        alias = f":kms:{HOME}:{LOGS}:alias/{name}"
        assert properties["KMSKeyId"] == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, alias]]}
        assert properties["IsOrganizationTrail"] is True
        template = assertions.Template.from_stack(archive)
        template.has_resource_properties("AWS::S3::Bucket", {"BucketName": name, "ObjectLockEnabled": True})
        template.has_resource_properties("AWS::KMS::Alias", {"AliasName": f"alias/{name}"})
        assert archive.node.path in {stack.node.path for stack in trail.dependencies}

    def test_a_pipeline_is_made_beside_the_bucket(self) -> None:
        seen: list[str] = []
        zone = make(
            settings=OrganizationSettings(organization_id="o-a1b2c3d4e5"),
            retention=Retention.for_(Framework.SOC2),
            log_pipeline=lambda scope, archive: seen.append(f"{scope.node.path} {archive.node.path}"),
        )
        assert seen == [f"{zone.node.path}/LogArchive {zone.node.path}/LogArchive/LogArchive"]

    @pytest.mark.parametrize(
        ("regions", "heard"), [((), True), ((HOME, AWAY, "us-east-1"), True), ((HOME, AWAY), False)]
    )
    def test_members_send_agents_calls_to_the_pipeline(self, regions: tuple[str, ...], *, heard: bool) -> None:
        agents = [agent("a-bot", ONE, regions=(HOME, AWAY)), agent("b-bot", TWO, LOGS)]
        zone = make(
            settings=OrganizationSettings(organization_id="o-a1b2c3d4e5", regions=regions),
            retention=Retention.for_(Framework.SOC2),
            agents=agents,
            log_pipeline=lambda scope, archive: LogPipeline(
                scope, "Pipeline", source=TrailSource(archive.bucket), domain=DOMAIN
            ),
        )
        assert zone.trail is not None
        warned = assertions.Annotations.from_stack(cdk.Stack.of(zone.trail.archive)).find_warning(
            "*", assertions.Match.string_like_regexp("noGlobalServices")
        )
        assert len(warned) == (not heard)
        assembly = zone.synth()
        found = {
            (stack.environment.account, stack.environment.region): stack
            for stack in assembly.stacks
            if any(r["Type"] == "AWS::Events::Rule" for r in stack.template.get("Resources", {}).values())
        }
        places = {(MANAGEMENT, HOME), (LOGS, HOME), (ONE, HOME), (ONE, AWAY), (TWO, HOME)}
        places |= {(account, "us-east-1") for account in (ONE, TWO, LOGS) if heard}
        assert set(found) == places
        assert found[MANAGEMENT, HOME].stack_name == "Zone-Trail", "who stops the trail does it there"
        bus = f":events:{HOME}:{LOGS}:event-bus/mcp-guardrails-agent-events"
        archive = found.pop((LOGS, HOME))
        for stack in found.values():
            rules = [r for r in stack.template["Resources"].values() if r["Type"] == "AWS::Events::Rule"]
            assert len(rules) == 2
            assert all(bus in json.dumps(rule["Properties"]["Targets"][0]["Arn"]) for rule in rules)
            assert archive.id in {dependency.id for dependency in stack.dependencies}
        [policy] = [r for r in archive.template["Resources"].values() if r["Type"] == "AWS::Events::EventBusPolicy"]
        condition = policy["Properties"]["Statement"]["Condition"]
        assert condition["StringEquals"] == {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}

    def test_a_pipeline_without_a_fast_path_has_no_members(self) -> None:
        zone = make(
            settings=OrganizationSettings(organization_id="o-a1b2c3d4e5"),
            retention=Retention.for_(Framework.SOC2),
            log_pipeline=lambda scope, archive: LogPipeline(
                scope, "Pipeline", source=TrailSource(archive.bucket), domain=DOMAIN, fast_path=False
            ),
        )
        assert zone.trail is not None
        assert zone.trail.bus_arn is None
        assert not [child for child in zone.node.children if child.node.id.startswith("Events-")]

    def test_a_pipeline_that_knows_agents_by_other_names_is_refused(self) -> None:
        with pytest.raises(OrganizationError, match=r"log_pipeline has names .*expected those of settings"):
            make(
                settings=OrganizationSettings(organization_id="o-a1b2c3d4e5", names=GuardrailNames("other")),
                retention=Retention.for_(Framework.SOC2),
                log_pipeline=lambda scope, archive: LogPipeline(
                    scope, "Pipeline", source=TrailSource(archive.bucket), domain=DOMAIN
                ),
            )

    def test_members_that_the_pipeline_names_itself_stay_as_they_are(self) -> None:
        zone = make(
            settings=OrganizationSettings(organization_id="o-a1b2c3d4e5"),
            retention=Retention.for_(Framework.SOC2),
            log_pipeline=lambda scope, archive: LogPipeline(
                scope,
                "Pipeline",
                source=TrailSource(archive.bucket),
                domain=DOMAIN,
                members=EventMembers(accounts=(ONE, TWO, MANAGEMENT)),
            ),
        )
        assert zone.trail is not None
        template = assertions.Template.from_stack(cdk.Stack.of(zone.trail.archive))
        [policy] = template.find_resources("AWS::Events::EventBusPolicy").values()
        assert policy["Properties"]["StatementId"] == "AgentEventsAccounts"

    def test_without_a_retention_there_is_none(self) -> None:
        assert make().trail is None

    def test_a_trail_beside_an_adopted_one_is_told(self) -> None:
        adopt = AdoptedLandingZone(owner="me", until=NEVER, control_tower=True)
        zone = make(
            settings=OrganizationSettings(organization_id="o-a1b2c3d4e5"),
            adopt=adopt,
            retention=Retention.for_(Framework.SOC2),
        )
        assert zone.trail is not None
        warnings = assertions.Annotations.from_stack(cdk.Stack.of(zone.trail.trail)).find_warning(
            "*", assertions.Match.string_like_regexp("every event is recorded and paid twice")
        )
        assert len(warnings) == 1

    @pytest.mark.parametrize(
        ("props", "message"),
        [
            ({"retention": Retention.for_(Framework.SOC2)}, "organization_id, such as"),
            ({"log_pipeline": lambda _scope, _archive: None}, "log_pipeline without retention"),
        ],
    )
    def test_what_is_missing_is_said(self, props: dict[str, Any], message: str) -> None:
        with pytest.raises(OrganizationError, match=message):
            make(**props)
