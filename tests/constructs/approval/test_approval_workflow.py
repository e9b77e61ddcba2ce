"""The approval workflow's template: what it makes, who may do what, and what it refuses."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentGuardrails,
    ApprovalDirectory,
    ApprovalIdentity,
    ApprovalWorkflow,
    GuardrailNames,
    Guardrails,
    LockMode,
    NoticeTarget,
    TerraformProject,
    TerraformState,
    WorkflowError,
)
from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.deciding.people import People, Person
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy, Group, Step
from sudo_mcp_guardrails.approval.store.settings import LEVELS_FILE, SETTINGS_FILE, ApprovalSettings
from sudo_mcp_guardrails.approval.store.signers import KINDS_OF_DECISION_KEY
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.constructs.approval.keys import DECISION_SIGNERS, EVIDENCE_SIGNERS, TRUST_SIGNERS
from sudo_mcp_guardrails.constructs.approval.settings import FUNCTIONS
from sudo_mcp_guardrails.constructs.asset import reached

Template = dict[str, Any]
ROOT = Path(__file__).parents[3]
ACCOUNT = "111111111111"
IDP = "https://idp.example.com"
PROJECT = "mcp-guardrails-approval-terraform-release-bot"


def policy(*issuers: Issuer) -> ApprovalPolicy:
    return ApprovalPolicy(
        people=People((Person("rita", (f"{IDP}#rita",)), Person("alice", (f"{IDP}#alice",)))),
        groups=(Group("sre"), Group("security")),
        escalation=(Step(0, ("sre",)), Step(1800, ("security",))),
        freshness=Freshness(issuers or (Issuer(FactorKind.JWT, IDP),)),
    )


def new_stack(region: str = "eu-central-1", context: dict[str, Any] | None = None) -> cdk.Stack:
    env = cdk.Environment(account=ACCOUNT, region=region)
    return cdk.Stack(cdk.App(context=context), "Approvals", env=env)


def agent() -> Agent:
    return Agent(
        "release-bot",
        owner="platform@example.com",
        services=["dynamodb", "s3"],
        environments=[AgentEnvironment.sandbox(ACCOUNT)],
    )


def workflow(stack: cdk.Stack, id_: str = "Workflow", **options: Any) -> ApprovalWorkflow:
    made: dict[str, Any] = {
        "agents": [agent()],
        "policy": policy(),
        "identity": ApprovalIdentity.oidc(IDP, "page"),
        "directory": ApprovalDirectory.iam(),
    }
    return ApprovalWorkflow(stack, id_, **{**made, **options})


def terraform_project(stack: cdk.Stack, **options: Any) -> TerraformProject:
    made: dict[str, Any] = {
        "agent": agent(),
        "repository": ecr.Repository.from_repository_name(stack, "Images", "terraform"),
        "digest": f"sha256:{'ab' * 32}",
        "state": TerraformState("acme-terraform-state", "release-bot/terraform.tfstate"),
    }
    return TerraformProject(stack, "Terraform", **{**made, **options})


def whole_workflow(stack: cdk.Stack) -> ApprovalWorkflow:
    destination = events.ApiDestination.from_api_destination_attributes(
        stack,
        "Slack",
        api_destination_arn=f"arn:aws:events:eu-central-1:{ACCOUNT}:api-destination/slack/1",
        connection=events.Connection.from_event_bus_arn(
            stack, "Connection", f"arn:aws:events:eu-central-1:{ACCOUNT}:connection/c/1", "arn:aws:secretsmanager:::s"
        ),
    )
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-central-1:{ACCOUNT}:people")
    return workflow(
        stack,
        directory=[
            ApprovalDirectory.table(dynamodb.Table.from_table_name(stack, "People", "people")),
            ApprovalDirectory.identity_center("d-0123456789"),
        ],
        page_origin="https://approvals.example.com",
        iam_users=True,
        scanner=lambda_.Function.from_function_arn(
            stack, "Scanner", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:scanner"
        ),
        trust=TrustPolicy(),
        security_groups=["security"],
        fingerprints={"release-bot": "ab" * 32},
        terraform_project=terraform_project(stack),
        notices=[
            NoticeTarget.topic(topic, groups=["sre"]),
            NoticeTarget.slack(destination),
            NoticeTarget.teams(destination),
        ],
        heads_bucket=s3.Bucket.from_bucket_name(stack, "Heads", "heads-of-another-account"),
        alarm_topic=topic,
    )


def made(stack: cdk.Stack) -> dict[str, dict[str, Template]]:
    """Resources by type, and by logical id with the hashes taken off."""
    found: dict[str, dict[str, Template]] = {}
    for id_, resource in assertions.Template.from_stack(stack).to_json()["Resources"].items():
        name = re.sub(r"[0-9A-F]{8}$", "", id_).removeprefix("Workflow")
        found.setdefault(resource["Type"], {})[name] = resource["Properties"]
    return found


def statements(policy_: Template, document: str = "PolicyDocument") -> dict[str, Template]:
    return {statement["Sid"]: statement for statement in policy_[document]["Statement"]}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    found = new_stack()
    whole_workflow(found)
    # The agents' roles, for which the project is made, are in a stack of their own here.
    app = cdk.App.of(found)
    assert isinstance(app, cdk.App)
    agents = cdk.Stack(app, "Agents", env=cdk.Environment(account=ACCOUNT, region="eu-central-1"))
    projects = [each for each in found.node.children if isinstance(each, TerraformProject)]
    AgentGuardrails(agents, "Agents", agents=[agent()], terraform=projects)
    return found


@pytest.fixture(scope="module")
def whole(stack: cdk.Stack) -> dict[str, dict[str, Template]]:
    return made(stack)


def test_everything_has_a_name_that_a_deny_can_name(whole: dict[str, dict[str, Template]]) -> None:
    names: dict[str, list[str]] = {
        "AWS::DynamoDB::Table": ["TableName"],
        "AWS::Lambda::Function": ["FunctionName"],
        "AWS::IAM::Role": ["RoleName"],
        "AWS::SQS::Queue": ["QueueName"],
        "AWS::Events::EventBus": ["Name"],
        "AWS::StepFunctions::StateMachine": ["StateMachineName"],
        "AWS::KMS::Alias": ["AliasName"],
        "AWS::Logs::LogGroup": ["LogGroupName"],
    }
    for kind, [prop] in names.items():
        for id_, resource in whole[kind].items():
            name = re.sub(r"^(alias/|/aws/(codebuild|lambda|vendedlogs/(states|apis))/)", "", resource[prop])
            assert name.startswith("mcp-guardrails-approval") or name == "mcp-guardrails-runs", (kind, id_, name)
    [bucket] = whole["AWS::S3::Bucket"].values()
    assert "mcp-guardrails-approval-evidence-" in json.dumps(bucket["BucketName"])
    assert {role["Path"] for role in whole["AWS::IAM::Role"].values()} == {"/mcp-guardrails/"}


def test_tables(whole: dict[str, dict[str, Template]]) -> None:
    tables = {table["TableName"]: table for table in whole["AWS::DynamoDB::Table"].values()}
    keys = {
        name.removeprefix("mcp-guardrails-"): [key["AttributeName"] for key in table["KeySchema"]]
        for name, table in tables.items()
    }
    assert keys == {
        "approval-evidence": ["chain", "number"],
        "approval-trust": ["chain", "number"],
        "approval-requests": ["approval"],
        "approval-tokens": ["approval"],
        "approval-credentials": ["person", "credential"],
        "runs": ["run"],
    }
    for name, table in tables.items():
        assert table["SSESpecification"]["SSEType"] == "KMS", name
        assert table["DeletionProtectionEnabled"], name
        ends = table.get("TimeToLiveSpecification", {}).get("AttributeName")
        assert ends == ("ends" if name.endswith(("tokens", "runs")) else None), name
    [index] = tables["mcp-guardrails-approval-requests"]["GlobalSecondaryIndexes"]
    assert (index["IndexName"], [key["AttributeName"] for key in index["KeySchema"]]) == ("open", ["open", "created"])


def test_evidence_is_locked_and_closed_to_agents(whole: dict[str, dict[str, Template]]) -> None:
    [bucket] = whole["AWS::S3::Bucket"].values()
    lock = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (bucket["ObjectLockEnabled"], lock["Mode"], lock["Days"]) == (True, "COMPLIANCE", 365)
    [bucket_policy] = whole["AWS::S3::BucketPolicy"].values()
    found = statements(bucket_policy)
    assert {statement["Effect"] for statement in found.values()} == {"Deny"}
    agents = {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:role/mcp-guardrails/agents/*"}}
    condition = found["ApprovalEvidenceNoAgent"]["Condition"]
    # But for the one execution role that applies Terraform plans, which has Deny statements of its own.
    [role] = [condition[operator].pop("aws:PrincipalArn") for operator in ("ArnNotEquals",)]
    assert json.dumps(role).endswith(':role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-execution"]]}')
    assert condition == {**agents, "ArnNotEquals": {}}
    for sid, element, value in (
        ("ApprovalEvidenceBuilds", "NotAction", "s3:GetObjectVersion"),
        ("ApprovalEvidenceBuildsPlans1", "Action", "s3:*"),
    ):
        assert found[sid][element] == value
        assert found[sid]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": role}}
    assert json.dumps(found["ApprovalEvidenceBuildsPlans1"]["NotResource"]).endswith('"/plans/release-bot/*"]]}')
    for id_, key in whole["AWS::KMS::Key"].items():
        deny = [s for s in key["KeyPolicy"]["Statement"] if s["Sid"].endswith("NoAgent")]
        if id_ == "TerraformKey":
            assert deny == []
            continue
        data = {"ArnNotEquals": {"aws:PrincipalArn": role}} if id_ == "StoresDataKey" else {}
        wanted = [("Deny", "kms:*", {**agents, **data})]
        assert [(s["Effect"], s["Action"], s["Condition"]) for s in deny] == wanted, id_
    data_key = statements(whole["AWS::KMS::Key"]["StoresDataKey"], "KeyPolicy")
    assert data_key["ApprovalDataKeyBuilds"]["NotAction"] == "kms:Decrypt"
    only = data_key["ApprovalDataKeyBuildsPlans"]["Condition"]["StringNotEquals"]
    assert "mcp-guardrails-approval-evidence-" in json.dumps(only["kms:EncryptionContext:aws:s3:arn"])


def test_each_key_signs_for_its_functions_alone(whole: dict[str, dict[str, Template]]) -> None:
    wanted = {"Evidence": EVIDENCE_SIGNERS, "Decision": DECISION_SIGNERS, "Trust": TRUST_SIGNERS}
    assert DECISION_SIGNERS == ("api",), f"{sorted(KINDS_OF_DECISION_KEY)} are what people did, on the page"
    policies = {
        name: statements(resource)
        for name, resource in whole["AWS::IAM::ManagedPolicy"].items()
        if name.startswith("Functions")
    }
    for what, signers in wanted.items():
        [key] = [k for k in whole["AWS::KMS::Key"].values() if f"Approval{what}KeySign" in statements(k, "KeyPolicy")]
        assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
        deny = statements(key, "KeyPolicy")[f"Approval{what}KeySign"]
        assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "kms:Sign")
        roles = [json.dumps(arn) for arn in listed(deny["Condition"]["ArnNotEquals"]["aws:PrincipalArn"])]
        assert len(roles) == len(signers)
        for signer, role in zip(signers, roles, strict=True):
            assert f":role/mcp-guardrails/mcp-guardrails-approval-{signer}" in role
        able = {
            name.removeprefix("Functions").removesuffix("Policy").lower()
            for name, found in policies.items()
            for sid, statement in found.items()
            if sid.endswith(f"Sign{what}") and statement["Action"] == "kms:Sign"
        }
        assert able == set(signers), what
    for found in policies.values():
        for statement in found.values():
            if "kms:Sign" in listed(statement["Action"]):
                assert statement["Condition"] == {
                    "StringEquals": {"kms:MessageType": "DIGEST", "kms:SigningAlgorithm": "ECDSA_SHA_256"}
                }


def test_roles_may_what_they_need_and_every_sid_is_one(whole: dict[str, dict[str, Template]]) -> None:
    policies = {name: statements(p) for name, p in whole["AWS::IAM::ManagedPolicy"].items()}
    sids = Counter(sid for found in policies.values() for sid in found)
    assert [sid for sid, count in sids.items() if count > 1] == []
    by_action: dict[str, set[str]] = {}
    for name, found in policies.items():
        for statement in found.values():
            for action in listed(statement["Action"]):
                assert "*" not in action
                by_action.setdefault(action, set()).add(name)
    assert by_action["sts:AssumeRole"] == {"FunctionsBrokerPolicy"}
    assert by_action["states:StartExecution"] == {"FunctionsIntakePolicy"}
    assert by_action["states:SendTaskSuccess"] == {"FunctionsApiPolicy"}
    assert "codebuild:StartBuild" not in by_action, "an apply session starts the build"
    assert "s3:DeleteObject" not in by_action
    assert "states:SendTaskFailure" not in by_action
    tokens = {
        name: listed(statement["Action"])
        for name, found in policies.items()
        for statement in found.values()
        if "TokensTable" in json.dumps(statement["Resource"])
    }
    assert tokens == {
        "FunctionsApiPolicy": ["dynamodb:DeleteItem", "dynamodb:GetItem"],
        "Policy": ["dynamodb:UpdateItem"],
    }
    evidence = {
        action
        for found in policies.values()
        for statement in found.values()
        if "EvidenceTable" in json.dumps(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert evidence == {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"}, "append only"


def test_every_variable_that_a_handler_reads_is_set(whole: dict[str, dict[str, Template]]) -> None:
    functions = {f["FunctionName"]: f for f in whole["AWS::Lambda::Function"].values()}
    assert set(functions) == {f"mcp-guardrails-approval-{name}" for name in FUNCTIONS}
    optional = {"AWS_REGION", "APPROVAL_SETTINGS", "AUTHORIZE_URL", "TOKEN_URL"}
    shared = "sudo_mcp_guardrails/handlers/approval_settings.py"
    for name in FUNCTIONS:
        given = set(functions[f"mcp-guardrails-approval-{name}"]["Environment"]["Variables"])
        own = [f for f in reached(f"approval_{name}") if "/handlers/approval_" in f and f != shared]
        text = "".join((ROOT / source).read_text(encoding="utf-8") for source in own if f"approval_{name}" in source)
        read = set(re.findall(r"environ(?:\.get\(|\[)['\"](\w+)['\"]", text))
        assert read - optional <= given, name


def test_the_functions_have_what_they_are_told_before_the_deployment(stack: cdk.Stack) -> None:
    assembly = cdk.App.of(stack).synth()  # type: ignore[union-attr]
    [settings] = Path(assembly.directory).glob(f"asset.*/{SETTINGS_FILE}")
    found = ApprovalSettings.read(settings.read_bytes(), "eu-central-1")
    assert found.policy == policy()
    assert found.trust == TrustPolicy()
    assert found.fingerprints == {"release-bot": "ab" * 32}
    assert found.terraform == {"projects": {"release-bot": PROJECT}}
    assert found.relying_party == {"id": "approvals.example.com", "origins": ["https://approvals.example.com"]}
    known = found.agents["release-bot"]
    assert known.owner == "platform@example.com"
    assert f"arn:*:dynamodb:*:{ACCOUNT}:table/release-bot-*" in known.own
    assert "${" not in settings.read_text(encoding="utf-8")
    assert (settings.parent / LEVELS_FILE).is_file()
    files = {file.relative_to(settings.parent).as_posix() for file in settings.parent.rglob("*.py")}
    assert all(f"sudo_mcp_guardrails/handlers/approval_{name}.py" in files for name in FUNCTIONS)
    assert not {file for file in files if re.search(r"/(cli|local|constructs)/", file)}


def test_the_state_machine(whole: dict[str, dict[str, Template]]) -> None:
    [machine] = whole["AWS::StepFunctions::StateMachine"].values()
    assert machine["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["TracingConfiguration"] == {"Enabled": True}
    named = set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"]))
    assert named == set(machine["DefinitionSubstitutions"])
    assert "ScannerFunction" in named
    assert machine["DefinitionSubstitutions"]["PageUrl"] == "https://approvals.example.com"
    told = list(json.loads(machine["DefinitionString"])["States"]["Notify"]["Assign"])
    assert told == ["sent", "notices"], "also where a server assigns one after the other, none is lost"


def test_what_was_ended_from_outside_is_recorded(whole: dict[str, dict[str, Template]]) -> None:
    rule = whole["AWS::Events::Rule"]["EndedFromOutside"]
    assert rule["EventPattern"]["detail"]["status"] == ["ABORTED", "FAILED", "TIMED_OUT"]
    [target] = rule["Targets"]
    template = json.loads(target["InputTransformer"]["InputTemplate"])
    assert (template["op"], template["approval"]) == ("failed", "<name>")
    assert "DeadLetterConfig" in target


def test_the_api_asks_for_a_token_wherever_there_is_something(whole: dict[str, dict[str, Template]]) -> None:
    routes = {route["RouteKey"]: route for route in whole["AWS::ApiGatewayV2::Route"].values()}
    assert set(routes) == {"GET /", "GET /{proxy+}", "GET /api/{proxy+}", "POST /api/{proxy+}"}
    for key, route in routes.items():
        assert route["AuthorizationType"] == ("JWT" if "/api/" in key else "NONE"), key
        assert ("AuthorizerId" in route) == ("/api/" in key)
    [authorizer] = whole["AWS::ApiGatewayV2::Authorizer"].values()
    assert authorizer["JwtConfiguration"] == {"Issuer": IDP, "Audience": ["page"]}
    [stage] = whole["AWS::ApiGatewayV2::Stage"].values()
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 50
    assert "authorization" not in stage["AccessLogSettings"]["Format"].casefold(), "no token in a log"
    urls = whole["AWS::Lambda::Url"]
    assert {url["AuthType"] for url in urls.values()} == {"AWS_IAM"}
    assert set(urls) == {"DecideUrl", "IntakeUrl"}
    assert {permission["Principal"] for permission in whole["AWS::Lambda::Permission"].values()} == {
        "apigateway.amazonaws.com",
        "events.amazonaws.com",
    }


def test_notices_are_handed_on_whole(whole: dict[str, dict[str, Template]]) -> None:
    rules = {name: rule for name, rule in whole["AWS::Events::Rule"].items() if name.startswith("NoticesRule")}
    paths = {name: rule["Targets"][0]["InputPath"] for name, rule in rules.items()}
    assert paths == {
        "NoticesRule0": "$.detail.message",
        "NoticesRule1": "$.detail.slack",
        "NoticesRule2": "$.detail.teams",
    }
    assert rules["NoticesRule0"]["EventPattern"]["detail"] == {"groups": ["sre"]}
    assert "RoleArn" not in rules["NoticesRule0"]["Targets"][0]
    assert all("DeadLetterConfig" in rule["Targets"][0] for rule in rules.values())
    [queue_policy] = whole["AWS::SQS::QueuePolicy"].values()
    senders = statements(queue_policy)["ApprovalUndeliveredFromEvents"]["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert len(senders) == 4


def test_alarms(whole: dict[str, dict[str, Template]]) -> None:
    alarms = {name.removeprefix("Alarms"): alarm for name, alarm in whole["AWS::CloudWatch::Alarm"].items()}
    assert set(alarms) == {
        *("Failed", "TimedOut", "Aborted", "TooLong", "Forged", "Undelivered"),
        *(f"{name.capitalize()}Errors" for name in FUNCTIONS),
    }
    [metric] = whole["AWS::Logs::MetricFilter"].values()
    assert metric["FilterPattern"] == '"forged-callback"'
    assert metric["MetricTransformations"][0]["MetricName"] == alarms["Forged"]["MetricName"]
    recheck = (ROOT / "sudo_mcp_guardrails/handlers/approval_recheck.py").read_text(encoding="utf-8")
    assert 'FORGED: Final = "forged-callback"' in recheck, "the handler logs the word that the metric counts"


def test_without_what_costs_and_the_defaults_are_loud() -> None:
    stack = new_stack()
    workflow(stack)
    found = made(stack)
    functions = {
        f["FunctionName"].removeprefix("mcp-guardrails-approval-") for f in found["AWS::Lambda::Function"].values()
    }
    assert functions == set(FUNCTIONS) - {"heads"}
    assert "AWS::Scheduler::Schedule" not in found
    assert len(found["AWS::KMS::Key"]) == 3
    messages = cdk.App.of(stack).synth().get_stack_by_name("Approvals").messages  # type: ignore[union-attr]
    warned = re.findall(r"@sudo-mcp-guardrails/approvalWorkflow:(\w+)", str([m.entry.data for m in messages]))
    assert sorted(warned) == ["noAlarmTopic", "noHeads", "noNotices"]


def test_what_is_weaker_is_loud() -> None:
    stack = new_stack()
    workflow(
        stack,
        trust=TrustPolicy(),
        policy=policy(Issuer(FactorKind.WEBAUTHN, "approvals.example.com"), Issuer(FactorKind.MFA, ACCOUNT)),
        lock_mode=LockMode.GOVERNANCE,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    other = new_stack()
    workflow(other, identity=ApprovalIdentity.oidc("https://other.example.com", "page"))
    warned = []
    for each in (stack, other):
        messages = cdk.App.of(each).synth().get_stack_by_name("Approvals").messages  # type: ignore[union-attr]
        warned.append(set(re.findall(r"approvalWorkflow:(\w+)", str([m.entry.data for m in messages]))))
    assert {"governance", "removal", "noPasskeys", "noIamUsers", "noSecurity"} <= warned[0]
    assert "issuer" in warned[1]
    assert all(not table["DeletionProtectionEnabled"] for table in made(stack)["AWS::DynamoDB::Table"].values())


def test_the_guardrails_trust_this_broker_and_write_runs_down() -> None:
    stack = new_stack()
    found = workflow(stack)
    AgentGuardrails(stack, "Agents", agents=[agent()], apply_broker=found.broker_role, runs=found.runs)
    resources = assertions.Template.from_stack(stack).to_json()["Resources"]
    [apply] = [r for r in resources.values() if r["Properties"].get("RoleName") == "mcp-guardrails-release-bot-apply"]
    principals = {json.dumps(s["Principal"]) for s in apply["Properties"]["AssumeRolePolicyDocument"]["Statement"]}
    assert len(principals) == 1
    assert "FunctionsBrokerRole" in principals.pop()
    [broker] = [r for r in resources.values() if r["Properties"].get("FunctionName") == "mcp-guardrails-session-broker"]
    assert "RUNS_TABLE" in broker["Properties"]["Environment"]["Variables"]
    [writes] = [
        s
        for r in resources.values()
        if r["Type"] == "AWS::IAM::ManagedPolicy"
        for s in r["Properties"]["PolicyDocument"]["Statement"]
        if s["Sid"] == "BrokerRuns"
    ]
    assert (writes["Action"], writes["Condition"]["Null"]) == ("dynamodb:PutItem", {"dynamodb:LeadingKeys": "false"})


def test_identities_and_directories() -> None:
    stack = new_stack()
    pool = cognito.UserPool.from_user_pool_id(stack, "Pool", "eu-central-1_abc")
    client = cognito.UserPoolClient.from_user_pool_client_id(stack, "Client", "client-1")
    identity = ApprovalIdentity.cognito(pool, client)
    assert stack.resolve(identity.audience) == "client-1"
    assert "cognito-idp.eu-central-1" in json.dumps(stack.resolve(identity.issuer))
    urls = ApprovalIdentity.cognito(pool, client, domain_url="https://people.example.com")
    assert (urls.authorize_url, urls.token_url) == tuple(
        f"https://people.example.com/oauth2/{end}" for end in ("authorize", "token")
    )
    assert ApprovalDirectory.cognito(pool).actions == ("cognito-idp:AdminListGroupsForUser",)
    assert ApprovalDirectory.identity_center("d-0123456789").text == "identity-center:d-0123456789"
    workflow(stack, identity=identity, directory=[ApprovalDirectory.cognito(pool), ApprovalDirectory.iam()])
    [api] = [f for f in made(stack)["AWS::Lambda::Function"].values() if f["FunctionName"].endswith("-api")]
    assert "cognito:eu-central-1_abc,iam:" in json.dumps(api["Environment"]["Variables"]["DIRECTORY"])


def test_an_iam_user_decides_with_a_second_factor_of_the_last_five_minutes() -> None:
    stack = new_stack()
    found = workflow(stack, iam_users=True)
    found.api.grant_decide(iam.User(stack, "User"), id="Decides")
    [decides] = [
        statements(p) for p in made(stack)["AWS::IAM::ManagedPolicy"].values() if "ApprovalDecide" in statements(p)
    ]
    for statement in decides.values():
        assert statement["Condition"]["NumericLessThan"] == {"aws:MultiFactorAuthAge": "300"}
        assert statement["Condition"]["Bool"]["aws:MultiFactorAuthPresent"] == "true"


def test_own_key_and_runs() -> None:
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Own", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/own")
    runs = dynamodb.Table.from_table_name(stack, "OwnRuns", "own-runs")
    workflow(stack, data_key=key, runs=runs)
    found = made(stack)
    assert len(found["AWS::KMS::Key"]) == 2
    assert len(found["AWS::DynamoDB::Table"]) == 4
    assert {t["SSESpecification"]["KMSMasterKeyId"] for t in found["AWS::DynamoDB::Table"].values()} == {key.key_arn}


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_partitions_determinism_and_two_copies(region: str) -> None:
    def template() -> str:
        stack = new_stack(region)
        for prefix in ("one", "two"):
            workflow(stack, prefix.capitalize(), names=GuardrailNames(prefix), trust=TrustPolicy())
        return json.dumps(assertions.Template.from_stack(stack).to_json())

    text = template()
    assert text == template()
    assert re.findall(r"arn:aws[a-z-]*:", text) == []


def test_bad_props() -> None:
    stack = new_stack()
    project = codebuild.Project.from_project_arn(stack, "Project", cdk.Fn.import_value("project"))
    other = codebuild.Project.from_project_name(stack, "Other", "apply")
    known = codebuild.Project.from_project_name(stack, "Known", PROJECT)
    for options, error, message in (
        ({"directory": []}, WorkflowError, "no directory is not allowed"),
        ({"policy": {}}, WorkflowError, "policy {} is not allowed, expected an ApprovalPolicy"),
        ({"trust": {}}, WorkflowError, "trust {} is not allowed, expected a TrustPolicy"),
        ({"fingerprints": {"x": "ab"}}, WorkflowError, "fingerprint of 'x' is not allowed, allowed are release-bot"),
        ({"security_groups": ["x"]}, WorkflowError, "security_groups ['x'] are not allowed, expected a list of sre"),
        ({"page_origin": "https://a/b"}, WorkflowError, "page_origin 'https://a/b' is not allowed"),
        ({"page_origin": "http://a.example"}, WorkflowError, "page_origin 'http://a.example' is not allowed"),
        ({"terraform_project": project}, WorkflowError, "with another name is not allowed"),
        (
            {"terraform_project": other},
            WorkflowError,
            f"with name 'apply' is not allowed, expected project_name '{PROJECT}'",
        ),
        ({"terraform_project": [known, known]}, WorkflowError, "is a second one of agent 'release-bot'"),
        ({"names": GuardrailNames("a" * 18)}, WorkflowError, "expected 17 characters at most"),
    ):
        with pytest.raises(error, match=re.escape(message)):
            workflow(new_stack(), **options)
    for make, message in (
        (
            lambda: ApprovalIdentity.oidc("http://idp.example.com", "a"),
            "issuer 'http://idp.example.com' is not allowed",
        ),
        (lambda: ApprovalIdentity.oidc("https://idp.example.com?x=1", "a"), "is not allowed, expected an address"),
        (lambda: ApprovalIdentity.oidc(IDP, ""), "an audience that is empty is not allowed"),
        (lambda: ApprovalDirectory.identity_center("store"), "identity store 'store' is not allowed"),
        (
            lambda: NoticeTarget.topic(sns.Topic(stack, "T"), groups="sre"),
            "groups 'sre' of a notice's target are not allowed",
        ),
    ):
        with pytest.raises(WorkflowError, match=re.escape(message)):
            make()


@pytest.mark.parametrize("recommended", [True, False])
def test_the_six_packs_the_hooks_and_the_proof_pass(flags: dict[str, Any], *, recommended: bool) -> None:
    stack = new_stack(context=flags if recommended else {})
    found = whole_workflow(stack) if recommended else workflow(stack)
    AgentGuardrails(
        stack,
        "Agents",
        agents=[agent()],
        apply_broker=found.broker_role,
        runs=found.runs,
        terraform=[each for each in stack.node.children if isinstance(each, TerraformProject)],
    )
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce()
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    open_ = [v["ruleName"] for plugin in report["pluginReports"] for v in plugin["violations"]]
    assert [rule for rule in open_ if "approvalWorkflow" not in rule] == []
    accepted = [v for plugin in report["pluginReports"] for v in plugin.get("suppressedViolations", [])]
    assert [v["ruleName"] for v in accepted if len(v.get("reason", "")) < 20] == []
