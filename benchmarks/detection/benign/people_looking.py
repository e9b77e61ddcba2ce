"""What people look at: with a browser, with a shell, at their desks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from benchmarks.detection.benign.caller import Work

_PAGES: Final[tuple[tuple[tuple[str, str, str], ...], ...]] = (
    tuple(("ec2", operation, "") for operation in (
        "describe_instances", "describe_instance_status", "describe_tags", "describe_addresses",
        "describe_security_groups", "describe_key_pairs", "describe_volumes", "describe_vpcs",
        "describe_availability_zones")),
    (("s3", "list_buckets", ""), *(("s3", operation, "Bucket") for operation in (
        "get_bucket_location", "get_bucket_versioning", "get_bucket_acl", "get_bucket_policy",
        "get_public_access_block", "get_bucket_encryption", "get_bucket_tagging", "list_objects_v2"))),
    (("lambda", "list_functions", ""), *(("lambda", operation, "FunctionName") for operation in (
        "get_function", "list_event_source_mappings", "list_versions_by_function", "get_policy"))),
    (("dynamodb", "list_tables", ""), ("dynamodb", "describe_table", "TableName"),
     ("dynamodb", "describe_continuous_backups", "TableName")),
    (("logs", "describe_log_groups", ""), ("logs", "describe_log_streams", "logGroupName"),
     ("logs", "filter_log_events", "logGroupName"), ("cloudwatch", "describe_alarms", ""),
     ("cloudwatch", "list_metrics", "")),
    (("rds", "describe_db_instances", ""), ("rds", "describe_db_snapshots", ""), ("rds", "describe_db_clusters", "")),
    (("cloudformation", "describe_stacks", ""), ("cloudformation", "list_stacks", "")),
    (("ecs", "list_clusters", ""), ("ecs", "list_task_definitions", "")),
    (("sqs", "list_queues", ""), ("sns", "list_topics", "")),
)  # fmt: skip
"""What pages of the console ask for: each call with the parameter that names what the page is about."""
_NAMED: Final = {
    "Bucket": ("orders-archive", "web-assets-prod", "data-lake-raw"),
    "FunctionName": ("orders-api", "orders-worker"),
    "TableName": ("orders", "customers"),
    "logGroupName": ("/aws/lambda/orders-api", "/aws/lambda/orders-worker"),
}


def console_look(work: Work) -> None:
    """Clicks through pages; each page asks for a lot at once."""
    for _ in work.times(2, 5):
        chosen = {parameter: work.some(*names) for parameter, names in _NAMED.items()}
        for service, operation, parameter in work.draw.choice(_PAGES):
            work(service, operation, **({parameter: chosen[parameter]} if parameter else {}))


def shell_look(work: Work) -> None:
    """Looks something up with the CLI."""
    work("sts", "get_caller_identity")
    for _ in work.times(1, 8):
        service, operation = work.draw.choice((
            ("ec2", "describe_instances"), ("s3", "list_buckets"), ("lambda", "list_functions"), ("iam", "list_roles"),
            ("logs", "describe_log_groups"), ("cloudformation", "list_stacks"), ("ssm", "describe_parameters"),
            ("ecs", "list_clusters"), ("sqs", "list_queues"), ("kms", "list_keys"), ("kms", "list_aliases"),
            ("ec2", "describe_security_groups"), ("route53", "list_hosted_zones"), ("acm", "list_certificates"),
        ))  # fmt: skip
        work(service, operation)


def read_own_secret(work: Work) -> None:
    """Looks at the configuration of what one works on, a secret now and then."""
    work("secretsmanager", "list_secrets")
    work("secretsmanager", "describe_secret", SecretId="orders/partner-key")
    if work.chance(0.5):
        work("secretsmanager", "get_secret_value", SecretId=work.some("orders/partner-key", "web/session-key"))
    for name in ("/orders/endpoint", "/orders/flags"):
        work("ssm", "get_parameter", Name=name, WithDecryption=True)


def on_call(work: Work) -> None:
    """Looks for a fault, and opens a shell on a machine."""
    found = work("ec2", "describe_instances")
    machines = [one["InstanceId"] for each in found.get("Reservations", []) for one in each["Instances"]]
    work("cloudwatch", "describe_alarms")
    for group in ("/aws/lambda/orders-api", "/aws/lambda/orders-worker"):
        work("logs", "filter_log_events", logGroupName=group, filterPattern="timeout")
    if machines and work.chance(0.5):
        machine = work.draw.choice(machines)
        work("ec2", "describe_instance_attribute", InstanceId=machine, Attribute="userData")
        work("ssm", "start_session", Target=machine)
    if machines and work.chance(0.3):
        work("ssm", "send_command", InstanceIds=machines[:1], DocumentName="AWS-RunShellScript",
             Parameters={"commands": ["systemctl status web"]})  # fmt: skip
    if machines and work.chance(0.3):
        work("ec2", "reboot_instances", InstanceIds=machines[:1])


def audit(work: Work) -> None:
    """Reads IAM, as security people do: everything, and much of it."""
    work("iam", "get_account_summary")
    users = [one["UserName"] for one in work("iam", "list_users").get("Users", [])]
    roles = [one["RoleName"] for one in work("iam", "list_roles").get("Roles", [])]
    work("iam", "get_account_authorization_details")
    for user in users[:3]:
        work("iam", "list_access_keys", UserName=user)
        work("iam", "list_attached_user_policies", UserName=user)
        work("iam", "list_mfa_devices", UserName=user)
    for role in work.draw.sample(roles, min(len(roles), work.draw.randint(2, 8))):
        work("iam", "get_role", RoleName=role)
        work("iam", "list_attached_role_policies", RoleName=role)
        work("iam", "list_role_policies", RoleName=role)
    work("cloudtrail", "describe_trails")
    work("cloudtrail", "get_trail_status", Name="organization")
    work("cloudtrail", "get_event_selectors", TrailName="organization")
    work("cloudtrail", "lookup_events", MaxResults=10)
    work("ec2", "describe_security_groups")
    work("s3", "list_buckets")
    for bucket in ("orders-archive", "web-assets-prod", "data-lake-raw"):
        work("s3", "get_bucket_acl", Bucket=bucket)
        work("s3", "get_bucket_policy", Bucket=bucket)
    if work.chance(0.15):
        work("secretsmanager", "list_secrets")
        work("secretsmanager", "get_secret_value", SecretId="orders/database")  # refused: it is no auditor's


def explore_and_be_refused(work: Work) -> None:
    """Does not know what the role may, and finds out."""
    for _ in work.times(1, 4):
        service, operation, parameters = work.draw.choice((
            ("s3", "get_object", {"Bucket": "orders-archive", "Key": "a.csv"}),
            ("ssm", "get_parameter", {"Name": "/orders/endpoint"}),
            ("secretsmanager", "get_secret_value", {"SecretId": "orders/database"}),
            ("sqs", "create_queue", {"QueueName": "mine"}),
            ("iam", "create_user", {"UserName": "mine"}),
            ("ec2", "create_tags", {"Resources": ["i-00000000000000000"], "Tags": [{"Key": "a", "Value": "b"}]}),
        ))  # fmt: skip
        work(service, operation, **parameters)


def query_data(work: Work) -> None:
    """Looks into tables and objects of the data platform."""
    work("glue", "get_databases")
    work("athena", "list_work_groups")
    for _ in work.times(1, 6):
        work("s3", "list_objects_v2", Bucket="data-lake-raw", Prefix=work.some("orders/", "events/"))
        work("dynamodb", "scan", TableName="orders", Limit=10)
