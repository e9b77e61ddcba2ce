"""What ministack 1.5.33 lacks, one gap a file, installed into the running server.

This package runs in ministack's environment, not in the user's: it is loaded by `server.py` under the name
`embedded_extensions`, imports ministack and the standard library, and never `sudo_mcp_guardrails`. Every module
has `install() -> None` and a docstring that names the gap.
"""

from __future__ import annotations

import importlib

# The order is part of the behaviour: an extension may wrap what one before it put in place.
EXTENSIONS: tuple[str, ...] = (
    # Organizations come first: the SCP and RCP layers read who is a member of what.
    "organizations_api",
    # CloudFormation types and properties.
    "organizations_types",
    "boundaries_cfn",
    "object_lock",
    "bucket_properties",
    "encryption_properties",
    "s3_managed_key",
    "trail_type",
    "network_attributes",
    "flow_log_type",
    "function_settings",
    "analyzer_type",
    "http_api_settings",
    "jwt_authorizer",
    "api_destination_types",
    "build_projects",
    # Before what wraps a task: who may answer its token, and as which role it acts.
    "task_tokens",
    "execution_names",
    "lambda_errors",
    "object_tasks",
    # IAM semantics.
    "resource_scopes",
    "organizations_scopes",
    "managed_policies",
    "iam_condition_keys",
    "build_keys",
    "policy_variables",
    "trust_policies",
    "source_identity",
    "session_tags",
    "mfa",
    "mcp_keys",
    "scp",
    "rcp",
    "pass_role",
    "transforms",
    "signin_api",
    "security_hub",
    "function_url_identity",
    "cfn_conditions",
    "service_roles_cfn",
    "change_set_details",
    "cloud_control",
    "builds_unrun",
    "service_roles_sfn",
    # What services do on events: who may send to a queue, who may read it, which rules see what.
    "event_queue_policy",
    "api_destinations",
    "event_state_machines",
    "schedule_roles",
    "management_event_rules",
    "object_event_versions",
    "mapping_permissions",
    # What watches: metrics of functions' logs and of queues, and the alarms on them.
    "log_metrics",
    "alarm_evaluation",
    "queue_metrics",
    # Records what was decided, so it wraps everything above.
    "cloudtrail_events",
    # Last: the audit sees what every other extension reads.
    "property_audit",
)


def install_all(without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Install the extensions in order and return their names.

    Args:
        without: names to leave out, which only tests do, to show the gap.

    Raises:
        ValueError: `without` names an extension that does not exist.
    """
    unknown = sorted(without - set(EXTENSIONS))
    if unknown:
        message = f"unknown extension {', '.join(unknown)}, known are {', '.join(EXTENSIONS)}"
        raise ValueError(message)
    chosen = tuple(name for name in EXTENSIONS if name not in without)
    for name in chosen:
        importlib.import_module(f"{__name__}.{name}").install()
    return chosen
