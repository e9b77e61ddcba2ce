"""What the demo plays: work that must succeed, and attacks that must fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, APPROVAL_ROLE, REGION
from sudo_mcp_guardrails.local.demo.play import Play

if TYPE_CHECKING:
    from collections.abc import Mapping

_RELEASE: Final = "release-bot"
_DATA: Final = "data-bot"
_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role"
_AGENTS: Final = f"{_ROLE}/mcp-guardrails/agents"


def role_arn(agent: str, kind: str) -> str:
    """Return the ARN of one of the demo's agent roles."""
    return f"{_AGENTS}/{agent}/mcp-guardrails-{agent}-{kind}"


_EXECUTION: Final = role_arn(_RELEASE, "execution")
_APPLY: Final = role_arn(_RELEASE, "apply")
_APPLY_NAME: Final = f"mcp-guardrails-{_RELEASE}-apply"
_STACK: Final = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack"
_TABLES: Final = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
_KEY: Final = {"id": {"S": "1"}}

_GOOD_TEMPLATE: Final = json.dumps(
    {
        "Resources": {
            "Orders": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": "release-bot-orders",
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                },
            }
        }
    }
)
_ROLE_TEMPLATE: Final = json.dumps(
    {
        "Resources": {
            "Helper": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Path": "/mcp-guardrails/agents/release-bot/workloads/",
                    "RoleName": "helper",
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "lambda.amazonaws.com"},
                                "Action": "sts:AssumeRole",
                            }
                        ],
                    },
                },
            }
        }
    }
)


def _change_set(name: str, stack: str, template: str, role: str | None) -> dict[str, Any]:
    made = {"StackName": stack, "ChangeSetName": name, "ChangeSetType": "CREATE", "TemplateBody": template}
    made["Capabilities"] = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]  # type: ignore[assignment]
    return {**made, "RoleARN": role} if role else made


def _play(  # noqa: PLR0917 - rows of a table
    id: str,
    agent: str,
    capability: str,
    verdict: str,
    action: str,
    resource: str,
    call: str,
    params: Mapping[str, Any] | None = None,
    title: str = "",
    **more: Any,  # noqa: ANN401 - the rest of Play's fields
) -> Play:
    service, _, method = call.partition(".")
    return Play(
        id, agent, capability, action, resource, verdict == "allow", service, method, params or {}, title=title, **more
    )


def _reads() -> tuple[Play, ...]:
    own, foreign = "arn:aws:s3:::release-bot-artifacts", "arn:aws:s3:::payroll-records"
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:data-bot-db"
    return (
        _play(
            "who-am-i",
            _RELEASE,
            "read",
            "allow",
            "sts:GetCallerIdentity",
            "*",
            "sts.get_caller_identity",
            title="asks who it is",
        ),
        _play(
            "list-buckets",
            _RELEASE,
            "read",
            "allow",
            "s3:ListAllMyBuckets",
            "*",
            "s3.list_buckets",
            title="lists buckets",
        ),
        _play(
            "list-own-objects",
            _RELEASE,
            "read",
            "allow",
            "s3:ListBucket",
            own,
            "s3.list_objects_v2",
            {"Bucket": "release-bot-artifacts"},
            "lists the objects of its own bucket",
        ),
        _play(
            "list-tables",
            _RELEASE,
            "read",
            "allow",
            "dynamodb:ListTables",
            "*",
            "dynamodb.list_tables",
            title="lists tables",
        ),
        _play(
            "list-layers",
            _RELEASE,
            "read",
            "allow",
            "lambda:ListLayers",
            "*",
            "lambda.list_layers",
            title="lists layers",
        ),
        _play(
            "list-stacks",
            _RELEASE,
            "read",
            "allow",
            "cloudformation:ListStacks",
            "*",
            "cloudformation.list_stacks",
            title="lists stacks",
        ),
        _play(
            "validate-template",
            _RELEASE,
            "plan",
            "allow",
            "cloudformation:ValidateTemplate",
            "*",
            "cloudformation.validate_template",
            {"TemplateBody": _GOOD_TEMPLATE},
            "validates a template",
        ),
        _play(
            "list-queues",
            _DATA,
            "read",
            "allow",
            "sqs:ListQueues",
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:*",
            "sqs.list_queues",
            title="lists queues",
        ),
        _play(
            "own-queue-attributes",
            _DATA,
            "read",
            "allow",
            "sqs:GetQueueAttributes",
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:data-bot-jobs",
            "sqs.get_queue_attributes",
            {"QueueUrl": "{endpoint}/" + ACCOUNT + "/data-bot-jobs", "AttributeNames": ["All"]},
            "describes its own queue",
        ),
        _play("list-topics", _DATA, "read", "allow", "sns:ListTopics", "*", "sns.list_topics", title="lists topics"),
        _play(
            "read-secret",
            _DATA,
            "read",
            "deny",
            "secretsmanager:GetSecretValue",
            secret,
            "secretsmanager.get_secret_value",
            {"SecretId": "data-bot-db"},
            "reads a secret of its own",
        ),
        _play(
            "read-parameter",
            _DATA,
            "read",
            "deny",
            "ssm:GetParameter",
            f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/data-bot-key",
            "ssm.get_parameter",
            {"Name": "data-bot-key", "WithDecryption": True},
            "reads a secure parameter",
        ),
        _play(
            "receive-messages",
            _DATA,
            "read",
            "deny",
            "sqs:ReceiveMessage",
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:data-bot-jobs",
            "sqs.receive_message",
            {"QueueUrl": "{endpoint}/" + ACCOUNT + "/data-bot-jobs"},
            "takes messages from its own queue",
        ),
        _play(
            "read-object",
            _RELEASE,
            "read",
            "deny",
            "s3:GetObject",
            f"{own}/report.csv",
            "s3.get_object",
            {"Bucket": "release-bot-artifacts", "Key": "report.csv"},
            "downloads an object",
        ),
        _play(
            "list-foreign-objects",
            _RELEASE,
            "read",
            "deny",
            "s3:ListBucket",
            foreign,
            "s3.list_objects_v2",
            {"Bucket": "payroll-records"},
            "lists somebody else's bucket",
        ),
        _play(
            "scan-table",
            _RELEASE,
            "read",
            "deny",
            "dynamodb:Scan",
            f"{_TABLES}/payroll",
            "dynamodb.scan",
            {"TableName": "payroll"},
            "reads a whole table",
        ),
        _play(
            "read-function-code",
            _RELEASE,
            "read",
            "deny",
            "lambda:GetFunction",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:admin-tool",
            "lambda.get_function",
            {"FunctionName": "admin-tool"},
            "reads a function's code and environment",
        ),
        _play(
            "read-logs",
            _RELEASE,
            "read",
            "deny",
            "logs:FilterLogEvents",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/admin-tool",
            "logs.filter_log_events",
            {"logGroupName": "/aws/lambda/admin-tool"},
            "searches log lines",
        ),
        _play(
            "list-users",
            _RELEASE,
            "read",
            "deny",
            "iam:ListUsers",
            f"arn:aws:iam::{ACCOUNT}:user/",
            "iam.list_users",
            title="lists users",
        ),
        _play(
            "other-region",
            _RELEASE,
            "read",
            "deny",
            "dynamodb:ListTables",
            "*",
            "dynamodb.list_tables",
            title="looks into another Region",
            region="ap-south-1",
        ),
        _play(
            "write-while-reading",
            _RELEASE,
            "read",
            "deny",
            "dynamodb:PutItem",
            f"{_TABLES}/release-bot-orders",
            "dynamodb.put_item",
            {"TableName": "release-bot-orders", "Item": _KEY},
            "writes with a read session",
        ),
        _play(
            "session-token",
            _RELEASE,
            "read",
            "deny",
            "sts:GetSessionToken",
            "*",
            "sts.get_session_token",
            title="mints a session token",
        ),
        _play(
            "federation-token",
            _RELEASE,
            "read",
            "deny",
            "sts:GetFederationToken",
            f"arn:aws:sts::{ACCOUNT}:federated-user/me",
            "sts.get_federation_token",
            {"Name": "me"},
            "federates a session of its own",
        ),
        _play(
            "oauth-token",
            _RELEASE,
            "read",
            "deny",
            "signin:CreateOAuth2Token",
            f"arn:aws:signin:{REGION}:{ACCOUNT}:service-principal/aws-mcp.amazonaws.com",
            "probe.signin",
            {"Action": "CreateOAuth2Token", "resource": "aws-mcp.amazonaws.com"},
            "mints an OAuth token for the AWS MCP Server",
        ),
    )


def _plans() -> tuple[Play, ...]:
    stack = f"{_STACK}/release-bot-app/*"
    pinned = {"cloudformation:RoleArn": _EXECUTION}
    transform = json.dumps({"Transform": "AWS::Serverless-2016-10-31", **json.loads(_GOOD_TEMPLATE)})
    create = "cloudformation.create_change_set"
    action = "cloudformation:CreateChangeSet"
    return (
        _play(
            "create-change-set",
            _RELEASE,
            "plan",
            "allow",
            action,
            stack,
            create,
            _change_set("orders", "release-bot-app", _GOOD_TEMPLATE, _EXECUTION),
            "prepares a table of its own",
            context=pinned,
        ),
        _play(
            "describe-change-set",
            _RELEASE,
            "plan",
            "allow",
            "cloudformation:DescribeChangeSet",
            stack,
            "cloudformation.describe_change_set",
            {"StackName": "release-bot-app", "ChangeSetName": "orders"},
            "looks at its change set",
        ),
        _play(
            "create-role-change-set",
            _RELEASE,
            "plan",
            "allow",
            action,
            f"{_STACK}/release-bot-evil/*",
            create,
            _change_set("role", "release-bot-evil", _ROLE_TEMPLATE, _EXECUTION),
            "prepares a role without the boundary, which only shows when it is carried out",
            context=pinned,
        ),
        _play(
            "execute-change-set",
            _RELEASE,
            "plan",
            "deny",
            "cloudformation:ExecuteChangeSet",
            stack,
            "cloudformation.execute_change_set",
            {"StackName": "release-bot-app", "ChangeSetName": "orders"},
            "carries out its own plan",
        ),
        _play(
            "create-stack",
            _RELEASE,
            "plan",
            "deny",
            "cloudformation:CreateStack",
            f"{_STACK}/release-bot-now/*",
            "cloudformation.create_stack",
            {"StackName": "release-bot-now", "TemplateBody": _GOOD_TEMPLATE, "RoleARN": _EXECUTION},
            "goes around the change set",
            context=pinned,
        ),
        _play(
            "change-set-without-role",
            _RELEASE,
            "plan",
            "deny",
            action,
            f"{_STACK}/release-bot-two/*",
            create,
            _change_set("orders", "release-bot-two", _GOOD_TEMPLATE, None),
            "prepares a change without a role",
        ),
        _play(
            "change-set-admin-role",
            _RELEASE,
            "plan",
            "deny",
            action,
            f"{_STACK}/release-bot-two/*",
            create,
            _change_set("orders", "release-bot-two", _GOOD_TEMPLATE, f"{_ROLE}/admin"),
            "prepares a change for an administrator's role",
            context={"cloudformation:RoleArn": f"{_ROLE}/admin"},
        ),
        _play(
            "change-set-foreign-stack",
            _RELEASE,
            "plan",
            "deny",
            action,
            f"{_STACK}/payroll/*",
            create,
            _change_set("orders", "payroll", _GOOD_TEMPLATE, _EXECUTION),
            "prepares a change of a foreign stack",
            context=pinned,
        ),
        _play(
            "change-set-transform",
            _RELEASE,
            "plan",
            "deny",
            action,
            f"arn:aws:cloudformation:{REGION}:aws:transform/Serverless-2016-10-31",
            create,
            _change_set("orders", "release-bot-macro", transform, _EXECUTION),
            "runs a transform at plan time",
            context=pinned,
        ),
        _play(
            "assume-apply",
            _RELEASE,
            "plan",
            "deny",
            "sts:AssumeRole",
            _APPLY,
            "sts.assume_role",
            {"RoleArn": _APPLY, "RoleSessionName": "me"},
            "assumes the apply role without the broker",
        ),
        _play(
            "assume-cdk-deploy",
            _RELEASE,
            "plan",
            "deny",
            "sts:AssumeRole",
            f"{_ROLE}/cdk-hnb659fds-deploy-role-{ACCOUNT}-{REGION}",
            "sts.assume_role",
            {"RoleArn": f"{_ROLE}/cdk-hnb659fds-deploy-role-{ACCOUNT}-{REGION}", "RoleSessionName": "me"},
            "assumes the CDK's deploy role",
        ),
        _play(
            "write-while-planning",
            _RELEASE,
            "plan",
            "deny",
            "s3:PutObject",
            "arn:aws:s3:::release-bot-artifacts/x",
            "s3.put_object",
            {"Bucket": "release-bot-artifacts", "Key": "x", "Body": b"x"},
            "writes with a plan session",
        ),
    )


def _applies() -> tuple[Play, ...]:
    trail = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/organization"
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
    return (
        _play(
            "apply-change-set",
            _RELEASE,
            "apply",
            "allow",
            "cloudformation:ExecuteChangeSet",
            f"{_STACK}/release-bot-app/*",
            "cloudformation.execute_change_set",
            {"StackName": "release-bot-app", "ChangeSetName": "orders"},
            "carries out the approved change set",
            waits=("stack_create_complete", {"StackName": "release-bot-app"}),
        ),
        _play(
            "put-own-item",
            _RELEASE,
            "apply",
            "allow",
            "dynamodb:PutItem",
            f"{_TABLES}/release-bot-orders",
            "dynamodb.put_item",
            {"TableName": "release-bot-orders", "Item": _KEY},
            "writes into its own table",
        ),
        _play(
            "put-own-object",
            _RELEASE,
            "apply",
            "allow",
            "s3:PutObject",
            "arn:aws:s3:::release-bot-artifacts/new",
            "s3.put_object",
            {"Bucket": "release-bot-artifacts", "Key": "new", "Body": b"new"},
            "writes into its own bucket",
        ),
        _play(
            "describe-own-table",
            _RELEASE,
            "read",
            "allow",
            "dynamodb:DescribeTable",
            f"{_TABLES}/release-bot-orders",
            "dynamodb.describe_table",
            {"TableName": "release-bot-orders"},
            "looks at the table that was made",
        ),
        _play(
            "send-own-message",
            _DATA,
            "apply",
            "allow",
            "sqs:SendMessage",
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:data-bot-jobs",
            "sqs.send_message",
            {"QueueUrl": "{endpoint}/" + ACCOUNT + "/data-bot-jobs", "MessageBody": "x"},
            "sends to its own queue",
        ),
        _play(
            "execution-unbounded-role",
            _RELEASE,
            "execution",
            "deny",
            "iam:CreateRole",
            f"{_AGENTS}/release-bot/workloads/helper",
            "stack.execute",
            {"StackName": "release-bot-evil", "ChangeSetName": "role"},
            "CloudFormation makes a role without the boundary",
        ),
        _play(
            "create-user",
            _RELEASE,
            "apply",
            "deny",
            "iam:CreateUser",
            f"arn:aws:iam::{ACCOUNT}:user/me",
            "iam.create_user",
            {"UserName": "me"},
            "creates a user to stay",
        ),
        _play(
            "attach-admin",
            _RELEASE,
            "apply",
            "deny",
            "iam:AttachRolePolicy",
            _APPLY,
            "iam.attach_role_policy",
            {"RoleName": _APPLY_NAME, "PolicyArn": admin},
            "attaches AdministratorAccess to itself",
        ),
        _play(
            "drop-boundary",
            _RELEASE,
            "apply",
            "deny",
            "iam:DeleteRolePermissionsBoundary",
            _APPLY,
            "iam.delete_role_permissions_boundary",
            {"RoleName": _APPLY_NAME},
            "drops its own boundary",
        ),
        _play(
            "open-trust",
            _RELEASE,
            "apply",
            "deny",
            "iam:UpdateAssumeRolePolicy",
            _APPLY,
            "iam.update_assume_role_policy",
            {"RoleName": _APPLY_NAME, "PolicyDocument": "{}"},
            "opens its own trust policy",
        ),
        _play(
            "tag-tier",
            _RELEASE,
            "apply",
            "deny",
            "iam:TagRole",
            _APPLY,
            "iam.tag_role",
            {"RoleName": _APPLY_NAME, "Tags": [{"Key": "tier", "Value": "T3"}]},
            "tags itself into another tier",
        ),
        _play(
            "loosen-boundary",
            _RELEASE,
            "apply",
            "deny",
            "iam:CreatePolicyVersion",
            f"arn:aws:iam::{ACCOUNT}:policy/mcp-guardrails/boundary/mcp-guardrails-agent-release-bot",
            "iam.create_policy_version",
            {
                "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/mcp-guardrails/boundary/mcp-guardrails-agent-release-bot",
                "PolicyDocument": json.dumps(
                    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
                ),
                "SetAsDefault": True,
            },
            "writes a new version of its boundary",
        ),
        _play(
            "stop-trail",
            _RELEASE,
            "apply",
            "deny",
            "cloudtrail:StopLogging",
            trail,
            "cloudtrail.stop_logging",
            {"Name": "organization"},
            "stops the trail",
        ),
        _play(
            "delete-trail",
            _RELEASE,
            "apply",
            "deny",
            "cloudtrail:DeleteTrail",
            trail,
            "cloudtrail.delete_trail",
            {"Name": "organization"},
            "deletes the trail",
        ),
        _play(
            "leave-organization",
            _RELEASE,
            "apply",
            "deny",
            "organizations:LeaveOrganization",
            "*",
            "organizations.leave_organization",
            title="leaves the organization",
        ),
        _play(
            "foreign-bucket",
            _RELEASE,
            "apply",
            "deny",
            "s3:PutObject",
            "arn:aws:s3:::payroll-records/x",
            "s3.put_object",
            {"Bucket": "payroll-records", "Key": "x", "Body": b"x"},
            "writes into somebody else's bucket",
        ),
        _play(
            "foreign-table",
            _RELEASE,
            "apply",
            "deny",
            "dynamodb:DeleteTable",
            f"{_TABLES}/payroll",
            "dynamodb.delete_table",
            {"TableName": "payroll"},
            "deletes somebody else's table",
        ),
        _play(
            "foreign-function",
            _RELEASE,
            "apply",
            "deny",
            "lambda:UpdateFunctionCode",
            f"{function}admin-tool",
            "lambda.update_function_code",
            {"FunctionName": "admin-tool", "ZipFile": b"x"},
            "takes over a function with an administrator's role",
        ),
        _play(
            "pass-admin-role",
            _RELEASE,
            "apply",
            "deny",
            "iam:PassRole",
            f"{_ROLE}/admin",
            "lambda.create_function",
            {
                "FunctionName": "release-bot-job",
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": f"{_ROLE}/admin",
                "Code": {"ZipFile": b"x"},
            },
            "gives its function an administrator's role",
            context={"iam:PassedToService": "lambda.amazonaws.com"},
        ),
        _play(
            "assume-cdk-exec",
            _RELEASE,
            "apply",
            "deny",
            "sts:AssumeRole",
            f"{_ROLE}/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}",
            "sts.assume_role",
            {"RoleArn": f"{_ROLE}/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}", "RoleSessionName": "me"},
            "assumes the CDK's execution role",
        ),
        _play(
            "scoped-credentials",
            _RELEASE,
            "apply",
            "deny",
            "sts:GetScopedCredentials",
            "*",
            "probe.sts",
            {"Action": "GetScopedCredentials", "Version": "2011-06-15"},
            "mints credentials that outlive the run",
        ),
        _play(
            "web-identity-token",
            _RELEASE,
            "apply",
            "deny",
            "sts:GetWebIdentityToken",
            "*",
            "probe.sts",
            {"Action": "GetWebIdentityToken", "Version": "2011-06-15", "Audience.member.1": "x"},
            "mints a token for an outside audience",
        ),
        _play(
            "apply-secret",
            _DATA,
            "apply",
            "deny",
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:data-bot-db",
            "secretsmanager.get_secret_value",
            {"SecretId": "data-bot-db"},
            "reads a secret while applying",
        ),
        _play(
            "foreign-bucket-via-mcp",
            _RELEASE,
            "apply",
            "deny",
            "s3:DeleteBucket",
            "arn:aws:s3:::payroll-records",
            "s3.delete_bucket",
            {"Bucket": "payroll-records"},
            "deletes a bucket through the AWS MCP Server",
            via_mcp=True,
            context={"aws:ViaAWSMCPService": "true", "aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"},
        ),
        _play(
            "second-environment",
            _RELEASE,
            "apply",
            "deny",
            "dynamodb:PutItem",
            f"arn:aws:dynamodb:{REGION}:222222222222:table/release-bot-orders",
            "",
            title="writes into an account that no environment of its names",
        ),
    )


def _sessions() -> tuple[Play, ...]:
    read = role_arn(_RELEASE, "read")
    run = "run-01JDEM0000000000000000000A"
    tags = {"agent": _RELEASE, "run": run, "ticket": "OPS-1", "capability": "apply", "plan-digest": "sha256-0"}

    def assume(role: str, identity: str | None, given: Mapping[str, str]) -> dict[str, Any]:
        wish: dict[str, Any] = {"RoleArn": role, "RoleSessionName": "me"}
        if given:
            wish["Tags"] = [{"Key": key, "Value": value} for key, value in given.items()]
        return {**wish, "SourceIdentity": identity} if identity else wish

    def keys(identity: str | None, given: Mapping[str, str]) -> dict[str, Any]:
        context: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in given.items()}
        if given:
            context["aws:TagKeys"] = tuple(given)
        return {**context, "sts:SourceIdentity": identity} if identity else context

    untagged = {key: value for key, value in tags.items() if key != "plan-digest"}
    foreign = {**tags, "agent": _DATA}
    return (
        _play(
            "host-assumes-read",
            _RELEASE,
            "host",
            "deny",
            "sts:AssumeRole",
            read,
            "sts.assume_role",
            assume(read, run, {}),
            "the agents' host goes around the broker",
            context=keys(run, {}),
        ),
        _play(
            "approval-assumes-apply",
            _RELEASE,
            "approval",
            "allow",
            "sts:AssumeRole",
            _APPLY,
            "sts.assume_role",
            assume(_APPLY, run, tags),
            f"{APPROVAL_ROLE} mints an apply session",
            context=keys(run, tags),
        ),
        _play(
            "approval-without-digest",
            _RELEASE,
            "approval",
            "deny",
            "sts:AssumeRole",
            _APPLY,
            "sts.assume_role",
            assume(_APPLY, run, untagged),
            "mints an apply session without a plan's digest",
            context=keys(run, untagged),
        ),
        _play(
            "approval-other-agent",
            _RELEASE,
            "approval",
            "deny",
            "sts:AssumeRole",
            _APPLY,
            "sts.assume_role",
            assume(_APPLY, run, foreign),
            "mints an apply session in another agent's name",
            context=keys(run, foreign),
        ),
        _play(
            "approval-own-identity",
            _RELEASE,
            "approval",
            "deny",
            "sts:AssumeRole",
            _APPLY,
            "sts.assume_role",
            assume(_APPLY, "somebody", tags),
            "chooses a SourceIdentity of its own",
            context=keys("somebody", tags),
        ),
        _play(
            "broker-apply",
            _RELEASE,
            "host",
            "deny",
            "",
            "*",
            "broker.mint",
            {"agent": _RELEASE, "capability": "apply", "ticket": "OPS-1"},
            "asks the broker for an apply session",
        ),
        _play(
            "broker-unknown-agent",
            "other-bot",
            "host",
            "deny",
            "",
            "*",
            "broker.mint",
            {"agent": "other-bot", "capability": "read", "ticket": "OPS-1"},
            "asks for an agent that is not known",
        ),
        _play(
            "broker-by-agent",
            _RELEASE,
            "read",
            "deny",
            "lambda:InvokeFunctionUrl",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:mcp-guardrails-session-broker",
            "broker.mint",
            {"agent": _RELEASE, "capability": "plan", "ticket": "OPS-1"},
            "an agent asks the broker for more",
            context={"lambda:FunctionUrlAuthType": "AWS_IAM"},
        ),
    )


PLAYS: Final = (*_sessions(), *_reads(), *_plans(), *_applies())
"""In the order in which they are played: later ones rest on what earlier ones made."""
