"""What is read at all: the form, bounds, bad input; and what every form has in common."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.masking import masked
from sudo_mcp_guardrails.approval.plan import Form, Operation
from sudo_mcp_guardrails.approval.reading import MAX_BYTES, Known, read_plan
from tests.approval.reading import samples
from tests.approval.reading.samples import read

SAMPLES = {
    Form.TEMPLATE: samples.template,
    Form.CHANGE_SET: samples.change_set,
    Form.CLOUD_CONTROL: samples.cloud_control,
    Form.TERRAFORM: samples.terraform,
    Form.API_CALLS: samples.api_calls,
}
SECRETS = "hunter2"


@pytest.mark.parametrize("form", Form)
def test_each_form_is_told_by_its_members(form: Form) -> None:
    plan = read(SAMPLES[form]())
    assert plan.form is form
    assert plan.changes
    assert read_plan(json.dumps(SAMPLES[form]()).encode(), form=form).digest == plan.digest


@pytest.mark.parametrize("form", Form)
def test_no_secret_is_shown_and_the_digest_stays(form: Form) -> None:
    document = SAMPLES[form]()
    plan = read(document)
    digest = plan.digest
    shown = masked(plan)
    has_secrets = form is not Form.CHANGE_SET  # CloudFormation masks there itself
    assert (SECRETS in json.dumps(document)) == has_secrets
    assert SECRETS not in json.dumps(shown)
    assert ("****" in json.dumps(shown)) == has_secrets
    assert plan.digest == digest
    assert {key: value for key, value in shown.items() if key not in {"changes", "parameters"}} == {
        key: value for key, value in plan.document().items() if key not in {"changes", "parameters"}
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the plan is empty"),
        (b"  \n\t", "the plan is empty"),
        (b"\xef\xbb\xbf", "the plan is empty"),
        (b"\xff\xfe{\x00}\x00", "the plan is UTF-16, expected UTF-8"),
        (b"\xff\xfe\x00\x00", "the plan is UTF-32, expected UTF-8"),
        (b'{"Resources": "\xe9"}', "the plan is not UTF-8 at byte 15"),
        (b"{", "the plan is not JSON: Expecting property name"),
        (b"Resources:\n  A: {}\n", "the plan is not JSON: "),
        (b'{"Resources": {}, "Resources": {}}', "the plan names 'Resources' twice in one object"),
        (b'{"a": NaN}', "the plan is not JSON: NaN is no number of JSON"),
        (b'{"a": 1e99999999999999999999999}', "a number with an exponent beyond"),
        (b'{"a": ' + b"9" * 5000 + b"}", "the plan is not JSON: "),
        (b"[" * 95 + b"]" * 95, "the plan is nested more than 90 deep"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
        (b"{}", "looks like an object, expected one of cloudformation-template, "),
        (b"[]", "looks like a list, expected one of"),
        (b"[1]", "looks like a list, expected one of"),
        (b"7", "looks like a number"),
        (b"null", "looks like null"),
        (b'{"Resources": {}, "format_version": "1.2"}', "looks like cloudformation-template and terraform-plan"),
        (b'[{"Resources": {}}]', "looks like a list"),
    ],
)
def test_what_is_no_plan_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PlanError, match=r"^the plan") as raised:
        read_plan(data)
    assert reason in str(raised.value)


def test_a_byte_order_mark_counts_for_nothing() -> None:
    data = json.dumps(samples.template()).encode()
    assert read_plan(b"\xef\xbb\xbf" + data).digest == read_plan(data).digest


def test_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(PlanError, match=f"has {MAX_BYTES + 1} bytes, allowed are {MAX_BYTES}"):
        read_plan(b"{" * (MAX_BYTES + 1))


def test_five_megabytes_are_read_whole() -> None:
    template = samples.template()
    template["Resources"]["Big"] = {"Type": "AWS::SSM::Parameter", "Properties": {"Value": "x" * 5_000_000}}
    plan = read(template)
    assert samples.change(plan, "Big").after == {"Value": "x" * 5_000_000}
    template["Resources"]["Big"]["Properties"]["Value"] = "x" * 4_999_999 + "y"
    assert read(template).digest != plan.digest


def test_ten_thousand_resources_are_read() -> None:
    resources = {f"Topic{n}": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"t{n}"}} for n in range(10_000)}
    plan = read({"Resources": resources})
    assert len(plan.changes) == 10_000
    assert plan.unknown == ()
    backwards = dict(reversed(resources.items()))
    assert read({"Resources": backwards}).digest == plan.digest


def test_more_than_that_is_refused() -> None:
    with pytest.raises(PlanError, match="the plan has 20001 changes, allowed are 20000"):
        read({"Resources": {f"T{n}": {"Type": "AWS::SNS::Topic"} for n in range(20_001)}})


def test_binary_values_of_another_parser_count_and_are_shown_as_digits() -> None:
    calls: list[Any] = samples.api_calls()
    calls[1]["parameters"]["ZipFile"] = b"\x00\xff"
    plan = read_plan(calls)
    assert masked(plan)["changes"][1]["after"]["ZipFile"] == {"$bytes": "00ff"}
    calls[1]["parameters"]["ZipFile"] = b"\x00\xfe"
    assert read_plan(calls).digest != plan.digest
    calls[1]["parameters"]["ZipFile"] = {"$bytes": "00ff"}
    assert read_plan(calls).digest != plan.digest


def test_numbers_keep_their_digits() -> None:
    template = samples.template()
    template["Resources"]["Database"]["Properties"]["Factor"] = 0
    text = json.dumps(template)
    longer = read_plan(text.replace('"Factor": 0', '"Factor": 0.1000000000000000001').encode())
    assert samples.change(longer, "Database").after["Factor"] == Decimal("0.1000000000000000001")
    assert longer.digest != read_plan(text.replace('"Factor": 0', '"Factor": 0.1').encode()).digest


def test_half_of_a_surrogate_pair_is_refused_with_the_digest() -> None:
    plan = read_plan(b'{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"Name": "\\ud800"}}}}')
    with pytest.raises(PlanError, match="surrogate"):
        _ = plan.digest


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"account": "111"}, "account: expected an account of 12 digits"),
        ({"account": "\u0661" * 12}, "account: expected an account of 12 digits"),
        ({"region": "Frankfurt"}, "region: expected a Region"),
    ],
)
def test_what_a_caller_knows_is_checked(known: dict[str, str], reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        Known(**known)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", Form)
def test_a_wrong_form_is_an_error_without_a_value(form: Form) -> None:
    for other, sample in SAMPLES.items():
        if other is form:
            continue
        with pytest.raises(PlanError) as raised:
            read_plan(json.dumps(sample()).encode(), form=form)
        assert SECRETS not in str(raised.value)


def test_every_place_that_may_hold_a_secret_names_none_in_its_error() -> None:
    """Each value of each sample, one at a time, becomes a secret of another kind: no error repeats it."""
    secret = "hunter2-in-the-wrong-place"
    errors = 0
    for sample in SAMPLES.values():
        for path in _paths(sample()):
            document = sample()
            _put(document, path, secret)
            message = _error(document)
            errors += message is not None
            assert "hunter2" not in (message or ""), path
    assert errors > 50


def _error(document: Any) -> str | None:
    try:
        return read_plan(json.dumps(document).encode()).digest and None
    except PlanError as error:
        return str(error)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict):
        for name, item in value.items():
            yield (*path, name)
            yield from _paths(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield (*path, number)
            yield from _paths(item, (*path, number))


def _put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for name in path[:-1]:
        document = document[name]
    document[path[-1]] = value


def test_operations_are_those_of_the_contract() -> None:
    found = {change.operation for sample in SAMPLES.values() for change in read(sample()).changes}
    assert found == set(Operation) - {Operation.IMPORT}
