"""Recall on the labelled attacks of Stratus Red Team, and silence on what others labelled as no attack.

The rules were written with these events at hand: what is held here is that they go on finding them, and that they do
so whoever runs the attack. Each behaviour is also covered by cases of our own, which need no other data.
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sudo_mcp_guardrails.detection import cases, compiled
from sudo_mcp_guardrails.detection.compiled import RuleBook
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.reading import read_pieces

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MCP_GUARDRAILS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "cloudtrail"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the sample events are not at {DATA}")

RULES = {
    "aws.credential-access.ec2-get-password-data": "aws_many_windows_passwords_asked",
    "aws.credential-access.ec2-steal-instance-credentials": "aws_machine_credentials_used_elsewhere",
    "aws.credential-access.secretsmanager-batch-retrieve-secrets": "aws_secrets_read_by_filter",
    "aws.credential-access.secretsmanager-retrieve-secrets": "aws_many_secrets_read",
    "aws.credential-access.ssm-retrieve-securestring-parameters": "aws_many_parameters_decrypted",
    "aws.defense-evasion.cloudtrail-delete": "aws_trail_deleted",
    "aws.defense-evasion.cloudtrail-event-selectors": "aws_trail_narrowed",
    "aws.defense-evasion.cloudtrail-stop": "aws_trail_stopped",
    "aws.defense-evasion.dns-delete-logs": "aws_dns_logs_deleted",
    "aws.defense-evasion.organizations-leave": "aws_organization_left",
    "aws.defense-evasion.vpc-remove-flow-logs": "aws_flow_logs_deleted",
    "aws.discovery.ec2-download-user-data": "aws_user_data_of_many_machines_read",
    "aws.execution.ec2-launch-unusual-instances": "aws_large_machines_launched",
    "aws.execution.ec2-user-data": "aws_user_data_changed",
    "aws.execution.ssm-send-command": "aws_remote_command_out_of_order",
    "aws.execution.ssm-start-session": "aws_sessions_to_many_machines",
    "aws.exfiltration.ec2-security-group-open-port-22-ingress": "aws_administration_port_opened",
    "aws.exfiltration.ec2-share-ami": "aws_image_shared",
    "aws.exfiltration.ec2-share-ebs-snapshot": "aws_disk_snapshot_shared",
    "aws.exfiltration.rds-share-snapshot": "aws_database_snapshot_shared",
    "aws.impact.bedrock-invoke-model": "aws_model_access_opened",
    "aws.initial-access.console-login-without-mfa": "aws_console_login_without_mfa",
    "aws.lateral-movement.ec2-instance-connect": "aws_ssh_key_sent_to_many_machines",
    "aws.lateral-movement.ec2-serial-console-send-ssh-public-key": "aws_serial_console_enabled",
    "aws.persistence.iam-backdoor-role": "aws_role_trusts_another_account",
    "aws.persistence.iam-backdoor-user": "aws_access_key_for_another_user",
    "aws.persistence.iam-create-admin-user": "aws_user_made_administrator",
    "aws.persistence.iam-create-backdoor-role": "aws_role_trusts_another_account",
    "aws.persistence.iam-create-user-login-profile": "aws_console_password_created",
    "aws.persistence.lambda-backdoor-function": "aws_function_opened",
    "aws.persistence.lambda-layer-extension": "aws_function_layer_changed",
    "aws.persistence.lambda-overwrite-code": "aws_function_code_overwritten",
    "aws.persistence.rolesanywhere-create-trust-anchor": "aws_trust_anchor_made",
    "aws.persistence.sts-federation-token": "aws_federation_token_for_everything",
    "aws.privilege-escalation.iam-update-user-login-profile": "aws_console_password_reset",
}
"""The rule about each technique."""

USER_KEY_ALONE = {
    "aws.execution.ssm-send-command",
    "aws.persistence.lambda-layer-extension",
    "aws.persistence.lambda-overwrite-code",
}
"""What every administrator and every pipeline does with a role; found where a user's key or an agent does it."""

AS_A_PERSON_DOES = {
    "aws.exfiltration.rds-share-snapshot",
    "aws.persistence.iam-backdoor-user",
}
"""What is taken for a person's work where the session had MFA."""


def rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt") as file:
        return [json.loads(line) for line in file]


def by_label(name: str = "stratus") -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows(name):
        found.setdefault(row["label"], []).append(row["event"])
    return found


def account_rules() -> RuleBook:
    """Return the rules about what is done to an account, whoever does it."""
    book = compiled.shipped()
    return RuleBook(
        tuple(one for one in book.rules if one.name.startswith("aws_")),
        tuple(one for one in book.correlations if one.name.startswith("aws_")),
    )


def fired(events: list[dict[str, Any]], attribution: Attribution | None = None) -> Counter[str]:
    """Return how often each rule alerts on events, read as an ingester reads them."""
    data = json.dumps({"Records": sorted(events, key=lambda one: str(one.get("eventTime")))}).encode()
    detector = Detector(account_rules())
    whose = attribution or Attribution(By.NOBODY)
    (content,) = read_pieces("sample.json", data)
    return Counter(alert.rule for event in content.events for alert in detector.look(Attributed(event, whose)))


def by_a_role(event: dict[str, Any], mfa: str) -> dict[str, Any]:
    """Return an event of a user's key as a role's session would have made it."""
    event = copy.deepcopy(event)
    who = event["userIdentity"]
    if who["type"] == "IAMUser" and event["eventName"] != "ConsoleLogin":
        who.update(
            type="AssumedRole",
            arn=f"arn:aws:sts::{who['accountId']}:assumed-role/ops/session",
            accessKeyId="ASIAEXAMPLE",
            sessionContext={"attributes": {"mfaAuthenticated": mfa}},
        )
        del who["userName"]
    return event


def missed(mfa: str, attribution: Attribution | None = None) -> set[str]:
    return {
        label
        for label, events in by_label().items()
        if not fired([by_a_role(event, mfa) for event in events], attribution)[RULES[label]]
    }


@needs_data
def test_every_technique_is_found_by_the_rule_about_it() -> None:
    found = by_label()
    assert found.keys() == RULES.keys()
    assert {label for label, events in found.items() if not fired(events)[RULES[label]]} == set()


@needs_data
def test_what_is_found_where_a_role_does_it() -> None:
    assert missed("false") == USER_KEY_ALONE
    assert missed("true") == USER_KEY_ALONE | AS_A_PERSON_DOES


@needs_data
def test_what_is_found_where_an_agent_does_it() -> None:
    agent = Attribution(By.SESSION_TAGS, agent="release-bot", run="run-1", capability="plan", approval="apr-1")
    assert missed("false", agent) == set()


@needs_data
def test_what_was_captured_in_other_runs_is_found() -> None:
    found: dict[str, int] = {}
    for file in sorted((DATA / "cloudtrail2sightings").glob("*.json")):
        label, text = file.stem, file.read_text()
        try:
            events = json.loads(text)["Records"]
        except ValueError:  # one is cut off
            continue
        found[label] = fired(events)[RULES[label]]
    assert found == {
        "aws.credential-access.secretsmanager-retrieve-secrets": 1,
        "aws.defense-evasion.cloudtrail-delete": 1,
        "aws.exfiltration.ec2-share-ebs-snapshot": 1,
    }


@needs_data
def test_silence_on_what_others_labelled_as_no_attack() -> None:
    negatives = [row["event"] for row in rows("streamalert_tests") if row["expected"] is False]
    assert len(negatives) > 10
    assert [fired([event]) for event in negatives if fired([event])] == []


HITS = {
    "otrf": {},
    "streamalert_tests": {
        "aws_acl_public": 2,
        "aws_administration_port_opened": 1,
        "aws_config_recorder_stopped": 1,
        "aws_flow_logs_deleted": 1,
        "aws_mfa_removed": 1,
        "aws_public_access_block_lifted": 3,
        "aws_resource_policy_public": 11,
        "aws_root_used": 1,
        "aws_snapshot_made_public": 4,
        "aws_threat_detection_disabled": 2,
        "aws_trail_stopped": 1,
    },
    "custodian": {"aws_root_used": 1},
    "trailscraper": {"aws_root_used": 1},
}
"""Alerts of each rule on the rest of the data, as docs/detection.md has them."""


@needs_data
@pytest.mark.parametrize("name", HITS)
def test_hits_on_the_rest_of_the_data(name: str) -> None:
    total: Counter[str] = Counter()
    for row in rows(name):
        if name != "otrf":
            total += fired([row["event"]])
    if name == "otrf":  # one session, in which order and number matter
        total = fired([row["event"] for row in rows(name)])
    assert dict(total) == HITS[name]


def test_our_own_cases_cover_each_behaviour() -> None:
    own = cases.shipped()
    for rule in set(RULES.values()):
        assert [case for case in own[rule].cases if case.fires], rule


def test_the_documents_table_is_this_one() -> None:
    text = (ROOT / "docs" / "detection.md").read_text()
    table = dict(re.findall(r"^\| `(aws\.[a-z0-9.-]+)` \| `(\w+)` \|", text, re.MULTILINE))
    assert table == RULES
    for name, hits in HITS.items():
        for rule, count in hits.items():
            assert f"| {name} | `{rule}` | {count} |" in text
