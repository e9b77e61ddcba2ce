"""The organization's policies as resources: what they say, in which order, where, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from sudo_mcp_guardrails import (
    AccountBaseline,
    Agent,
    AgentEnvironment,
    ExemptPrincipals,
    GuardrailNames,
    Guardrails,
    OrganizationError,
    OrganizationGuardrails,
    OrganizationSettings,
    ResourceGuardrails,
)
from sudo_mcp_guardrails.constructs.attachments import check_targets
from sudo_mcp_guardrails.constructs.organization_policy import METER, OrganizationPolicy
from sudo_mcp_guardrails.iam import Layers, Statement, evaluate, parse_document
from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.iam.request import Principal, Request
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.exemptions import ExemptionError
from sudo_mcp_guardrails.policies.organization.guardrail import (
    ManagementPolicy,
    OrganizationGuardrail,
    PolicyKind,
)
from sudo_mcp_guardrails.policies.organization.management import MANAGEMENT
from sudo_mcp_guardrails.policies.organization.packs import PACKS, QUOTAS, Quota, agent_scps

if TYPE_CHECKING:
    from collections.abc import Callable

OU = "ou-a1b2-c3d4e5f6"
OTHER_OU = "ou-a1b2-11111111"
ROOT = "r-a1b2"
ACCOUNT = "111111111111"
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "eu-central-1"}
Template = dict[str, Any]


def new_stack(name: str = "Organization", app: cdk.App | None = None, region: str = "eu-central-1") -> cdk.Stack:
    env = cdk.Environment(account="999999999999", region=region)
    return cdk.Stack(app or cdk.App(analytics_reporting=False), name, env=env)


def policies(stack: cdk.Stack) -> dict[str, Any]:
    """The organization's policies of a stack by logical id."""
    found = assertions.Template.from_stack(stack).to_json()["Resources"]
    return {id_: r for id_, r in found.items() if r["Type"] == "AWS::Organizations::Policy"}


def plain(value: Any) -> Any:
    """A property with its joins carried out, for account and partition as in VALUES."""
    match value:
        case {"Fn::Join": ["", parts]}:
            return "".join(plain(part) for part in parts)
        case {"Ref": name}:
            return resolve(f"${{{name}}}", VALUES)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def statement(sid: str, characters: int) -> Statement:
    """A Deny of the given size, whose actions no wildcard can shorten."""
    bare = Statement(sid, "Deny", actions=("s3:GetObject",), resources=("*",), reason="takes room")
    return replace(bare, resources=("arn:*:s3:::" + "x" * (characters - bare.size() - 10),))


def pack_of(*statements: Statement, kind: PolicyKind = PolicyKind.SCP) -> tuple[OrganizationGuardrail, ...]:
    return (OrganizationGuardrail("of-a-test", kind, ("nothing",), lambda _: statements, ()),)


class TestPolicies:
    def test_the_templates_scps_stop_agents_and_nobody_else(self) -> None:
        stack = new_stack()
        OrganizationGuardrails(stack, "Guardrails", targets=[OU])
        contents = [parse_document(plain(p["Properties"]["Content"])) for p in policies(stack).values()]
        layers = Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, *contents),))
        agent = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-apply"
        for arn, allowed in ((agent, False), (f"arn:aws:iam::{ACCOUNT}:role/admin", True)):
            leaves = Request("organizations:LeaveOrganization", "*", Principal(arn, session="s"))
            assert evaluate(leaves, layers).allowed is allowed

    def test_they_say_what_the_data_says(self) -> None:
        stack = new_stack()
        made = OrganizationGuardrails(stack, "Guardrails", targets=[OU, ROOT])
        found = list(policies(stack).values())
        assert made.documents == agent_scps()
        assert [plain(p["Properties"]["Content"]) for p in found] == [
            d.resolve(VALUES).to_dict() for d in made.documents
        ]
        assert [p["Properties"]["Name"] for p in found] == ["mcp-guardrails-agents-1", "mcp-guardrails-agents-2"]
        for policy in found:
            assert policy["Properties"]["Type"] == "SERVICE_CONTROL_POLICY"
            assert policy["Properties"]["TargetIds"] == [OU, ROOT]

    def test_each_waits_for_the_one_before_it_over_all_constructs_of_a_stack(self) -> None:
        stack = new_stack()
        OrganizationGuardrails(stack, "Guardrails", targets=[OU])
        settings = OrganizationSettings(organization_id="o-a1b2c3d4e5")
        ResourceGuardrails(stack, "Resources", targets=[OU], settings=settings)
        found = policies(stack)
        assert [p["Properties"]["Type"] for p in found.values()] == [
            *(["SERVICE_CONTROL_POLICY"] * 2),
            "RESOURCE_CONTROL_POLICY",
        ]
        ids = list(found)
        assert [p.get("DependsOn") for p in found.values()] == [None, [ids[0]], [ids[1]]]

    def test_each_says_how_full_it_is(self) -> None:
        stack = new_stack()
        made = OrganizationGuardrails(stack, "Guardrails", targets=[OU])
        found = assertions.Annotations.from_stack(stack).find_info("*", assertions.Match.any_value())
        said = [str(m.entry.data) for m in found if METER in str(m.entry.data)]
        assert len(said) == len(made.policies)
        for policy, document in zip(made.policies, made.documents, strict=True):
            assert policy.characters == document.check_size(QUOTAS[PolicyKind.SCP].characters)
            assert any(f"has {policy.characters} of 10240 characters" in text for text in said)

    def test_management_policies(self) -> None:
        content = {"s3_attributes": {"public_access_block_configuration": {"@@assign": "all"}}}
        block = ManagementPolicy("s3-block", PolicyKind.S3, "no public buckets", ("exposure",), lambda _: content)
        stack = new_stack()
        OrganizationGuardrails(stack, "Guardrails", targets=[ROOT], management=[block])
        last = list(policies(stack).values())[-1]
        assert last["Properties"] == {
            "Content": content,
            "Description": "no public buckets",
            "Name": "mcp-guardrails-s3-block",
            "TargetIds": [ROOT],
            "Type": "S3_POLICY",
        }

    def test_what_agents_may_do_directly_is_said(self) -> None:
        stack = new_stack()
        settings = OrganizationSettings(direct_actions=("lambda:UpdateFunctionCode",))
        OrganizationGuardrails(stack, "Guardrails", targets=[OU], settings=settings)
        found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
        assert ["does not block lambda-update-code" in str(message.entry.data) for message in found] == [True]

    def test_management_policies_by_id(self) -> None:
        stack = new_stack()
        ids = [policy.id for policy in MANAGEMENT]
        made = OrganizationGuardrails(stack, "Guardrails", targets=[ROOT], management=ids)
        assert len(made.management) == len(ids)
        found = list(policies(stack).values())[-len(ids) :]
        assert [p["Properties"]["Name"] for p in found] == [f"mcp-guardrails-{id_}" for id_ in ids]
        with pytest.raises(OrganizationError, match=r"management policy 'nope' is not known, allowed are s3-public"):
            OrganizationGuardrails(new_stack(), "Guardrails", targets=[ROOT], management=["nope"])

    def test_every_pack_of_scps_together(self) -> None:
        stack = new_stack()
        settings = OrganizationSettings(organization_id="o-a1b2c3d4e5", regions=("eu-central-1",))
        packs = [name for name, members in PACKS.items() if members[0].kind is PolicyKind.SCP]
        made = OrganizationGuardrails(stack, "G", targets=[OU], settings=settings, packs=packs, control_tower=True)
        written = {s["Sid"] for p in policies(stack).values() for s in plain(p["Properties"]["Content"])["Statement"]}
        assert written == {s.sid for name in packs for g in PACKS[name] for s in g.build(settings)}
        assert len(made.policies) <= 7

    @pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
    def test_partitions(self, region: str) -> None:
        stack = new_stack(region=region)
        OrganizationGuardrails(stack, "Guardrails", targets=[OU])
        text = json.dumps(policies(stack))
        assert "arn:aws" not in text
        assert '{"Ref": "AWS::Partition"}' in text

    def test_packs_pass(self) -> None:
        app = cdk.App(analytics_reporting=False)
        stack = new_stack(app=app)
        OrganizationGuardrails(stack, "Guardrails", targets=[OU])
        AccountBaseline(stack, "Baseline", access_analyzer=True)
        Guardrails.of(app).enforce()
        app.synth()


class TestTargets:
    @pytest.mark.parametrize("target", ["r-a1b2", OU, ACCOUNT])
    def test_forms(self, target: str) -> None:
        assert check_targets([target]) == (target,)

    @pytest.mark.parametrize("target", ["", "root", "r-A1B2", "r-a1", "ou-a1b2", "ou-a1b2-C3D4E5F6", "1" * 11, "*"])
    def test_other_forms(self, target: str) -> None:
        with pytest.raises(OrganizationError, match="is not allowed, expected a root such as r-a1b2"):
            check_targets([target])

    def test_none_twice_and_text(self) -> None:
        with pytest.raises(OrganizationError, match="targets are empty"):
            check_targets([])
        with pytest.raises(OrganizationError, match=f"target '{OU}' is given twice"):
            check_targets([OU, OU])
        with pytest.raises(OrganizationError, match=f"targets '{OU}' is not allowed, expected a list"):
            check_targets(OU)
        for targets in (None, 5):
            with pytest.raises(OrganizationError, match=f"targets {targets} is not allowed, expected a list"):
                check_targets(targets)  # type: ignore[arg-type]
        with pytest.raises(OrganizationError, match="target 111111111111 is not allowed, expected a root"):
            check_targets([111111111111])  # type: ignore[list-item]

    def test_a_token_is_let_through(self) -> None:
        stack = new_stack()
        token = cdk.CfnParameter(stack, "Ou").value_as_string
        OrganizationGuardrails(stack, "Guardrails", targets=[token])
        assert next(iter(policies(stack).values()))["Properties"]["TargetIds"] == [{"Ref": "Ou"}]

    def test_one_prefix_on_one_target_from_two_constructs(self) -> None:
        app = cdk.App(analytics_reporting=False)
        OrganizationGuardrails(new_stack("One", app), "Guardrails", targets=[OU, ROOT])
        with pytest.raises(
            OrganizationError,
            match=f"target '{OU}' has policies of prefix 'mcp-guardrails' from 'One/Guardrails' and from 'Two/Again'",
        ):
            OrganizationGuardrails(new_stack("Two", app), "Again", targets=[OU], policy_name="other")

    def test_a_name_that_is_taken(self) -> None:
        stack = new_stack()
        OrganizationGuardrails(stack, "One", targets=[OU])
        with pytest.raises(
            OrganizationError, match="policy name 'mcp-guardrails-agents-1' of 'Organization/Two' is taken by"
        ):
            OrganizationGuardrails(stack, "Two", targets=[OTHER_OU])
        OrganizationGuardrails(stack, "Three", targets=[OTHER_OU], policy_name="sandboxes")

    def test_another_prefix_takes_other_slots_of_the_same_target(self) -> None:
        stack = new_stack()
        OrganizationGuardrails(stack, "One", targets=[OU])
        settings = OrganizationSettings(names=GuardrailNames("other"))
        OrganizationGuardrails(stack, "Two", targets=[OU], settings=settings, packs=["root"])
        assert len(policies(stack)) == 3
        third = OrganizationSettings(names=GuardrailNames("third"))
        with pytest.raises(
            OrganizationError,
            match=rf"target '{OU}' would have 4 policies .*of its 4 slots 1 are reserved for others, which leaves 3",
        ):
            OrganizationGuardrails(stack, "Three", targets=[OU], settings=third, packs=["mcp"], quota=Quota(4, 10_240))

    def test_one_pack_on_one_target_from_two_constructs_whatever_their_prefixes(self) -> None:
        app = cdk.App(analytics_reporting=False)
        OrganizationGuardrails(new_stack("One", app), "Guardrails", targets=[ROOT, OU], packs=["root", "agents"])
        other = OrganizationSettings(names=GuardrailNames("other"))
        with pytest.raises(
            OrganizationError,
            match=f"target '{OU}' has pack 'root' from 'One/Guardrails' and from 'Two/Again', expected each pack once",
        ):
            OrganizationGuardrails(new_stack("Two", app), "Again", targets=[OU], settings=other, packs=["mcp", "root"])
        OrganizationGuardrails(new_stack("Three", app), "Again", targets=[OTHER_OU], settings=other, packs=["root"])

    def test_apps_know_nothing_of_each_other(self) -> None:
        for _ in range(2):
            assert OrganizationGuardrails(new_stack(), "Guardrails", targets=[OU]).policies


class TestQuotas:
    @pytest.fixture
    def full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pack of eight SCPs that are nearly full."""
        monkeypatch.setitem(PACKS, "full", pack_of(*(statement(f"S{n}", 10_000) for n in range(8))))

    @pytest.mark.usefixtures("full")
    def test_control_tower_takes_two_more_slots(self) -> None:
        assert len(OrganizationGuardrails(new_stack(), "G", targets=[OU], packs=["full"]).policies) == 8
        with pytest.raises(
            OrganizationError,
            match=r"8 documents of 10240 characters are needed, expected at most 7.*3 of 10 slots are taken by others",
        ):
            OrganizationGuardrails(new_stack(), "G", targets=[OU], packs=["full"], control_tower=True)

    @pytest.mark.parametrize(
        ("quota", "message"),
        [
            (Quota(-1, 10_240), "has slots -1, expected a whole number of 1 or more"),
            (Quota(0, 10_240, reserved=0), "has slots 0, expected a whole number of 1 or more"),
            (Quota(10, 0), "has characters 0, expected a whole number of 1 or more"),
            (Quota(10, 10_240, reserved=-1), "has reserved -1, expected a whole number of 0 or more"),
            (Quota(True, 10_240, reserved=0), "has slots True, expected"),  # noqa: FBT003 - what is refused
            (Quota(2, 10_240, reserved=2), "has 2 slots of which 2 are reserved for others, expected one that is left"),
            (5, "quota 5 of type SERVICE_CONTROL_POLICY is not allowed, expected a Quota"),
        ],
    )
    def test_numbers_that_make_no_sense(self, quota: Any, message: str) -> None:
        with pytest.raises(OrganizationError, match=message):
            OrganizationGuardrails(new_stack(), "G", targets=[OU], quota=quota)

    def test_a_statement_that_fits_into_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(PACKS, "large", pack_of(statement("Large", 11_000)))
        with pytest.raises(OrganizationError, match="Large' has 11000 characters, 799 over"):
            OrganizationGuardrails(new_stack(), "G", targets=[OU], packs=["large"])

    def test_management_policies(self) -> None:
        large = ManagementPolicy("large", PolicyKind.EC2, "r", ("t",), lambda _: {"a": "x" * 10_000})
        with pytest.raises(
            OrganizationError,
            match="'mcp-guardrails-large' has 10008 characters, 8 over the 10000 of type DECLARATIVE_POLICY_EC2",
        ):
            OrganizationGuardrails(new_stack(), "G", targets=[OU], management=[large])
        many = [replace(large, id=f"small{n}", content=lambda _: {}) for n in range(11)]
        with pytest.raises(OrganizationError, match="would have 11 policies of type DECLARATIVE_POLICY_EC2"):
            OrganizationGuardrails(new_stack(), "G", targets=[OU], management=many)

    @pytest.mark.parametrize(
        ("props", "message"),
        [
            ({"name": "n" * 129}, "has 129 characters, expected 128 or fewer"),
            ({"content": {"Resource": "arn:*:iam::${AWS::AccountId}:role/x"}}, r"names \$\{AWS::AccountId\}, which is"),
            ({"content": {"Resource": "${AWS::Region}"}}, r"names \$\{AWS::Region\}, which is"),
        ],
    )
    def test_one_policy(self, props: dict[str, Any], message: str) -> None:
        given: dict[str, Any] = {"name": "p", "kind": PolicyKind.SCP, "content": {}, "description": "d"} | props
        with pytest.raises(OrganizationError, match=message):
            OrganizationPolicy(new_stack(), "P", targets=[OU], quota=QUOTAS[PolicyKind.SCP], **given)


class TestPacks:
    def test_unknown_none_and_text(self) -> None:
        for packs, message in ((["nope"], "'nope' is not known"), ([], "expected names"), ("agents", "expected names")):
            with pytest.raises(OrganizationError, match=message):
                OrganizationGuardrails(new_stack(), "G", targets=[OU], packs=packs)

    def test_of_the_other_kind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(OrganizationError, match="is of type SERVICE_CONTROL_POLICY: give its pack to Organization"):
            ResourceGuardrails(new_stack(), "R", targets=[OU], settings=OrganizationSettings(), packs=["agents"])
        monkeypatch.setitem(PACKS, "of-a-test", pack_of(statement("A", 200), kind=PolicyKind.RCP))
        with pytest.raises(OrganizationError, match="is of type RESOURCE_CONTROL_POLICY: give its pack to ResourceGu"):
            OrganizationGuardrails(new_stack(), "G", targets=[OU], packs=["of-a-test"])

    def test_that_say_nothing_with_these_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(PACKS, "of-a-test", pack_of(kind=PolicyKind.RCP))
        with pytest.raises(OrganizationError, match=r"say nothing with these settings, expected .* organization_id"):
            ResourceGuardrails(new_stack(), "R", targets=[OU], settings=OrganizationSettings(), packs=["of-a-test"])

    def test_an_exemption_that_has_ended(self) -> None:
        settings = OrganizationSettings(exempt=(ExemptPrincipals.stack_sets("ops@example.com", date(2020, 1, 1)),))
        with pytest.raises(ExemptionError, match=r"ended on 2020-01-01: renew it, with ops@example\.com"):
            OrganizationGuardrails(new_stack(), "G", targets=[OU], settings=settings)

    def test_an_exemption_that_an_agent_can_come_to_match(self) -> None:
        agents = ExemptPrincipals(("arn:*:iam::*:role/mcp-guardrails/*",), "ours", "ops", date(2999, 1, 1))
        with pytest.raises(OrganizationError, match=r"an agent could come to be exempt, \d+ ways: exempt principal"):
            OrganizationGuardrails(new_stack(), "G", targets=[OU], settings=OrganizationSettings(exempt=(agents,)))


class TestBaseline:
    def test_agents_of_the_account_alone(self, make: Callable[..., Agent]) -> None:
        stack = cdk.Stack(cdk.App(), "Account", env=cdk.Environment(account=ACCOUNT, region="eu-central-1"))
        elsewhere = Agent(
            "other-bot", owner="me", services=["s3"], environments=[AgentEnvironment.sandbox("222222222222")]
        )
        baseline = AccountBaseline(stack, "Baseline", agents=[make(), elsewhere])
        assert baseline.guardrails is not None
        assert baseline.guardrails.roles("release-bot").node.path.endswith("release-bot/Roles")
        with pytest.raises(KeyError):
            baseline.guardrails.roles("other-bot")

    def test_hooks_and_analyzer_without_agents(self) -> None:
        stack = new_stack()
        baseline = AccountBaseline(
            stack,
            "Baseline",
            access_analyzer=True,
            hooks=lambda scope: cdk.CfnResource(scope, "Hook", type="AWS::CloudFormation::GuardHook"),
        )
        assert baseline.guardrails is None
        found = assertions.Template.from_stack(stack).to_json()["Resources"]
        assert sorted(r["Type"] for r in found.values()) == [
            "AWS::AccessAnalyzer::Analyzer",
            "AWS::CloudFormation::GuardHook",
        ]

    def test_nothing_to_make(self, make: Callable[..., Agent]) -> None:
        with pytest.raises(OrganizationError, match="of account '999999999999' has nothing to make"):
            AccountBaseline(new_stack(), "Baseline", agents=[make()])

    def test_one_account_twice(self, make: Callable[..., Agent]) -> None:
        app = cdk.App()
        env = cdk.Environment(account=ACCOUNT, region="eu-central-1")
        AccountBaseline(cdk.Stack(app, "One", env=env), "Baseline", agents=[make()])
        with pytest.raises(OrganizationError, match="are guarded by 'One/Baseline' and by 'Two/Baseline' with one"):
            AccountBaseline(cdk.Stack(app, "Two", env=env), "Baseline", agents=[make()])
        other = GuardrailNames("other")
        assert AccountBaseline(cdk.Stack(app, "Three", env=env), "Baseline", agents=[make()], names=other).guardrails
