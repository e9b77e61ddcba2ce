"""What workloads, integrations and services of AWS do in the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.detection.benign.caller import Work


def serve_orders(work: Work) -> None:
    """A function's start, and then what it does with each order; data events of a table are in the trail."""
    for name in work.draw.sample(("/orders/endpoint", "/orders/flags", "/web/limits"), work.draw.randint(1, 2)):
        work("ssm", "get_parameter", Name=name, WithDecryption=True)
    work("secretsmanager", "get_secret_value", SecretId="orders/database")
    for _ in work.times(4, 16):
        identifier = f"{work.draw.getrandbits(40):x}"
        work("dynamodb", "put_item", TableName="orders", Item={"id": {"S": identifier}})
        work("dynamodb", "get_item", TableName="orders", Key={"id": {"S": identifier}})


def work_on_orders(work: Work) -> None:
    """Takes orders, writes archives."""
    work("secretsmanager", "get_secret_value", SecretId="orders/partner-key")
    for _ in work.times(3, 10):
        key = f"{work.draw.getrandbits(40):x}.json"
        work("s3", "put_object", Bucket="orders-archive", Key=key, Body=b"{}")
        if work.chance(0.5):
            work("s3", "get_object", Bucket="orders-archive", Key=key)
        work("dynamodb", "query", TableName="orders", KeyConditionExpression="id = :i",
             ExpressionAttributeValues={":i": {"S": key}})  # fmt: skip


def web(work: Work) -> None:
    """A machine that starts and reads its configuration, tags and secrets."""
    work("ec2", "describe_tags")
    work("ssm", "get_parameters_by_path", Path="/web", WithDecryption=True)
    work("secretsmanager", "get_secret_value", SecretId="web/session-key")
    work("cloudwatch", "put_metric_data", Namespace="web", MetricData=[{"MetricName": "up", "Value": 1.0}])
    for _ in work.times(2, 8):
        work("s3", "get_object", Bucket="web-assets-prod", Key=work.some("a.css", "b.js"))


def pipeline_of_data(work: Work) -> None:
    """Copies a day's data."""
    for _ in work.times(3, 12):
        key = f"events/{work.draw.getrandbits(32):x}"
        work("s3", "put_object", Bucket="data-lake-raw", Key=key, Body=b"a")
        work("s3", "list_objects_v2", Bucket="data-lake-raw", Prefix="events/")
    work("secretsmanager", "get_secret_value", SecretId="reports/warehouse")


def rotate_secret(work: Work) -> None:
    """Rotates one secret after the other at night, as a rotation function does."""
    for name in ("orders/database", "web/session-key"):
        work("secretsmanager", "describe_secret", SecretId=name)
        work("secretsmanager", "get_secret_value", SecretId=name)
        work("secretsmanager", "get_random_password")
        work("secretsmanager", "put_secret_value", SecretId=name, SecretString=work.named("new"))
        work("secretsmanager", "get_secret_value", SecretId=name)


def monitor(work: Work) -> None:
    """What a monitoring vendor's integration asks for every few minutes."""
    for service, operation in work.draw.sample((
        ("ec2", "describe_instances"), ("ec2", "describe_volumes"), ("ec2", "describe_regions"),
        ("rds", "describe_db_instances"), ("lambda", "list_functions"), ("sqs", "list_queues"), ("sns", "list_topics"),
        ("dynamodb", "list_tables"), ("cloudwatch", "list_metrics"), ("cloudwatch", "describe_alarms"),
        ("ecs", "list_clusters"), ("s3", "list_buckets"), ("cloudtrail", "describe_trails"),
        ("logs", "describe_log_groups"),
        ("kinesis", "list_streams"), ("autoscaling", "describe_auto_scaling_groups"), ("kms", "list_keys"),
    ), 12):  # fmt: skip
        work(service, operation)


def scan(work: Work) -> None:
    """What a security scanner reads every night."""
    work("iam", "generate_credential_report")
    work("iam", "get_account_password_policy")
    for role in [one["RoleName"] for one in work("iam", "list_roles").get("Roles", [])][:12]:
        work("iam", "list_attached_role_policies", RoleName=role)
        work("iam", "list_role_policies", RoleName=role)
    found = work("ec2", "describe_instances")
    for one in [one["InstanceId"] for each in found.get("Reservations", []) for one in each["Instances"]][:6]:
        work("ec2", "describe_instance_attribute", InstanceId=one, Attribute="userData")
    for bucket in [one["Name"] for one in work("s3", "list_buckets").get("Buckets", [])][:6]:
        work("s3", "get_bucket_policy", Bucket=bucket)
        work("s3", "get_public_access_block", Bucket=bucket)
    work("kms", "list_keys")
    work("ec2", "describe_snapshots")
    work("cloudtrail", "get_trail_status", Name="organization")


def back_up(work: Work) -> None:
    """Takes snapshots, and removes the old ones."""
    volumes = [one["VolumeId"] for one in work("ec2", "describe_volumes").get("Volumes", [])][:3]
    for volume in volumes:
        made = work("ec2", "create_snapshot", VolumeId=volume, Description="backup")
        work("ec2", "describe_snapshots")
        if made:
            work("ec2", "delete_snapshot", SnapshotId=made["SnapshotId"])


def record_configuration(work: Work) -> None:
    """What AWS Config reads after a change."""
    for service, operation in work.draw.sample((
        ("ec2", "describe_instances"), ("ec2", "describe_security_groups"), ("ec2", "describe_route_tables"),
        ("ec2", "describe_network_acls"), ("iam", "list_roles"), ("iam", "list_policies"), ("s3", "list_buckets"),
        ("lambda", "list_functions"), ("kms", "list_keys"), ("sqs", "list_queues"), ("sns", "list_topics"),
        ("rds", "describe_db_instances"), ("cloudtrail", "describe_trails"), ("dynamodb", "list_tables"),
    ), 8):  # fmt: skip
        work(service, operation)
    work("s3", "put_object", Bucket="orders-archive", Key=f"config/{work.number}.json", Body=b"{}")


def scale(work: Work) -> None:
    """Launches a machine and stops another, as auto scaling does."""
    work("ec2", "describe_instances")
    for _ in work.times(1, 2):
        made = work(
            "ec2", "run_instances", ImageId="ami-0abcdef1234567890", MinCount=1, MaxCount=1, InstanceType="t3.micro"
        )
        machines = [one["InstanceId"] for one in made.get("Instances", [])]
        if machines:
            work("ec2", "create_tags", Resources=machines, Tags=[{"Key": "aws:autoscaling:groupName", "Value": "web"}])
            work("ec2", "terminate_instances", InstanceIds=machines)


def look_after_machines(work: Work) -> None:
    """What Systems Manager does for patches."""
    found = work("ec2", "describe_instances")
    machines = [one["InstanceId"] for each in found.get("Reservations", []) for one in each["Instances"]][:2]
    if machines:
        work("ssm", "send_command", InstanceIds=machines, DocumentName="AWS-RunPatchBaseline",
             Parameters={"Operation": ["Scan"]})  # fmt: skip


def check_findings(work: Work) -> None:
    """What Security Hub, Access Analyzer and Trusted Advisor read."""
    work("iam", "list_users")
    work("iam", "get_account_summary")
    for role in ("orders-api", "orders-worker"):
        work("iam", "get_role", RoleName=role)
    for bucket in ("orders-archive", "web-assets-prod"):
        work("s3", "get_bucket_policy", Bucket=bucket)
        work("s3", "get_bucket_acl", Bucket=bucket)
    work("kms", "list_keys")
    work("sqs", "list_queues")


def upload(work: Work) -> None:
    """An old uploader with a user's key."""
    for _ in work.times(3, 10):
        work("s3", "put_object", Bucket="web-assets-prod", Key=f"{work.draw.getrandbits(24):x}.png", Body=b"p")
    work("s3", "list_objects_v2", Bucket="web-assets-prod")


def report_costs(work: Work) -> None:
    """Looks at what there is, for a report."""
    for service, operation in (
        ("ec2", "describe_instances"), ("ec2", "describe_volumes"), ("ec2", "describe_addresses"),
        ("ec2", "describe_snapshots"), ("rds", "describe_db_instances"), ("lambda", "list_functions"),
        ("dynamodb", "list_tables"), ("cloudwatch", "list_metrics"),
    ):  # fmt: skip
        work(service, operation)
