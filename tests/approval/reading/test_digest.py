"""The promise of a digest: equal for equal plans, whatever their order, and different for all others."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.reading import Known, read_plan
from tests.approval.reading import samples

SAMPLES: dict[Form, Any] = {
    Form.TEMPLATE: samples.template(),
    Form.CHANGE_SET: samples.change_set(),
    Form.CLOUD_CONTROL: samples.cloud_control(),
    Form.TERRAFORM: samples.terraform(),
    Form.API_CALLS: samples.api_calls(),
}
PASSING: dict[Form, list[tuple[Any, ...]]] = {
    Form.CHANGE_SET: [("Status",), ("ExecutionStatus",), ("CreationTime",)],
    # A request is what its members say; where these tell its operation, its name adds nothing.
    Form.CLOUD_CONTROL: [("Operation",)],
    Form.TERRAFORM: [("timestamp",), ("prior_state",), ("planned_values",), ("resource_changes", 2)],
}
"""What says nothing of the change: the moment, the state as a whole, and a resource that stays as it is."""
UNORDERED: dict[Form, list[tuple[Any, ...]]] = {
    Form.CHANGE_SET: [
        ("Changes",),
        ("Tags",),
        ("Capabilities",),
        ("Parameters",),
        ("Changes", 1, "ResourceChange", "Details"),
        ("Changes", 1, "ResourceChange", "Scope"),
    ],
    Form.TERRAFORM: [("resource_changes",)],
}
TEXTS: st.SearchStrategy[Any] = (
    st.text(max_size=8) | st.integers(-3, 3) | st.booleans() | st.none() | st.just({}) | st.just([])
)
FORMS = st.sampled_from(list(Form))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from leaves(item, (*path, number))
    else:
        yield path, value


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = deepcopy(document)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def digest(document: Any, **known: Any) -> str | None:
    """The digest, or None for what is refused."""
    try:
        return read_plan(json.dumps(document).encode(), known=Known(**known)).digest
    except PlanError:
        return None


def same(one: Any, other: Any) -> bool:
    """JSON's own equality: in Python 1 is True."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@settings(max_examples=150, deadline=None)
@given(FORMS, st.randoms(use_true_random=False), st.booleans())
def test_order_of_names_and_white_space_count_for_nothing(form: Form, random: Any, indent: bool) -> None:  # noqa: FBT001
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = list(value.items())
            random.shuffle(items)
            return {name: shuffled(item) for name, item in items}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    document = shuffled(SAMPLES[form])
    for path in UNORDERED.get(form, []):
        random.shuffle(at(document, path)) if path[:2] != ("Changes", 1) else None
    text = json.dumps(document, indent=4 if indent else None, ensure_ascii=indent)
    assert read_plan(text.encode()).digest == digest(SAMPLES[form])


@pytest.mark.parametrize(("form", "path"), [(form, path) for form, paths in UNORDERED.items() for path in paths])
def test_order_of_what_is_a_set_counts_for_nothing(form: Form, path: tuple[Any, ...]) -> None:
    backwards = put(SAMPLES[form], path, at(SAMPLES[form], path)[::-1])
    assert backwards != SAMPLES[form]
    assert digest(backwards) == digest(SAMPLES[form])


def test_order_of_calls_counts() -> None:
    calls = SAMPLES[Form.API_CALLS]
    assert digest(calls[::-1]) != digest(calls)


@pytest.mark.parametrize("form", Form)
def test_each_leaf_counts(form: Form) -> None:
    """Every single value of each sample, changed by itself, changes the digest or is refused."""
    document = SAMPLES[form]
    whole = digest(document)
    changed = 0
    for path, value in leaves(document):
        if any(path[: len(passing)] == passing for passing in PASSING.get(form, [])):
            continue
        other = f"{value}x" if isinstance(value, str) else [value]
        found = digest(put(document, path, other))
        assert found != whole, path
        changed += found is not None
    assert changed > 3


@pytest.mark.parametrize(
    ("form", "path"),
    [
        (Form.CHANGE_SET, ("Changes", 0, "ResourceChange", "AfterContext")),
        (Form.CHANGE_SET, ("Changes", 1, "ResourceChange", "BeforeContext")),
        (Form.CHANGE_SET, ("Changes", 1, "ResourceChange", "AfterContext")),
        (Form.CHANGE_SET, ("Changes", 2, "ResourceChange", "BeforeContext")),
        (Form.CLOUD_CONTROL, ("PatchDocument",)),
    ],
)
def test_each_leaf_of_json_within_a_text_counts_and_its_spacing_does_not(form: Form, path: tuple[Any, ...]) -> None:
    document = SAMPLES[form]
    inner = json.loads(at(document, path))
    assert digest(put(document, path, json.dumps(inner, indent=3, sort_keys=True))) == digest(document)
    for place, value in leaves(inner):
        changed = put(document, path, json.dumps(put(inner, place, f"{value}x")))
        assert digest(changed) != digest(document), place


@settings(max_examples=300, deadline=None)
@given(st.data(), FORMS)
def test_any_other_value_at_any_leaf_is_another_plan(data: st.DataObject, form: Form) -> None:
    document = SAMPLES[form]
    passing = PASSING.get(form, [])
    paths = [(path, value) for path, value in leaves(document) if not any(path[: len(p)] == p for p in passing)]
    path, value = data.draw(st.sampled_from(paths))
    other = data.draw(TEXTS)
    if not same(other, value) and not (form is Form.API_CALLS and not other and path[-1] in {"region", "account"}):
        changed = digest(put(document, path, other))
        assert changed is None or changed != digest(document) or _says_the_same(path, value, other), path


def _says_the_same(path: tuple[Any, ...], value: Any, other: Any) -> bool:
    """A form's own ways to say one thing twice: nothing, null and an empty list or text."""
    return value in (None, "", [], {}) and other in (None, "", [], {}) and bool(path)


@pytest.mark.parametrize("form", Form)
def test_each_name_counts(form: Form) -> None:
    """Every member, taken away, changes the digest or is refused."""
    document = SAMPLES[form]
    whole = digest(document)
    for path, value in leaves(document):
        if isinstance(path[-1], str) and not any(path[: len(p)] == p for p in PASSING.get(form, [])):
            less = deepcopy(document)
            del at(less, path[:-1])[path[-1]]
            assert digest(less) != whole or value in (None, [], {}, ""), path


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize(
    "known",
    [
        {"options": {"RoleARN": "arn:aws:iam::111111111111:role/other"}},
        {"options": {"RoleARN": "arn:aws:iam::111111111111:role/one"}},
        {"options": {"DisableRollback": True}},
    ],
)
def test_each_option_counts(form: Form, known: dict[str, Any]) -> None:
    assert digest(SAMPLES[form], **known) not in {None, digest(SAMPLES[form])}


@pytest.mark.parametrize("form", [Form.TEMPLATE, Form.CLOUD_CONTROL, Form.TERRAFORM])
@pytest.mark.parametrize(
    "known", [{"account": "333333333333"}, {"region": "us-east-1"}, {"target": "other"}, {"artifact": "ab" * 32}]
)
def test_each_thing_that_a_caller_knows_counts(form: Form, known: dict[str, Any]) -> None:
    assert digest(SAMPLES[form], **known) not in {None, digest(SAMPLES[form])}


@pytest.mark.parametrize("form", [Form.CHANGE_SET, Form.API_CALLS])
@pytest.mark.parametrize("known", [{"account": "333333333333"}, {"region": "us-east-1"}])
def test_a_plan_for_another_place_is_refused(form: Form, known: dict[str, Any]) -> None:
    if form is Form.API_CALLS and "region" in known:
        return  # each call names its own
    assert digest(SAMPLES[form], **known) is None


def test_each_pin_counts() -> None:
    template = samples.template()
    template["Resources"]["Function"]["Properties"]["Code"].pop("S3ObjectVersion")
    uri = "s3://code/app.zip"
    found = {digest(template, versions=versions) for versions in ({}, {uri: "v1"}, {uri: "v2"})}
    assert len(found) == 3
    assert None not in found


def test_forms_never_share_a_digest() -> None:
    assert len({digest(document) for document in SAMPLES.values()}) == len(Form)
