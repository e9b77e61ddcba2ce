"""What is left of a statement never makes an Allow narrower nor a Deny wider than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam import Request
from sudo_mcp_guardrails.iam.compiled import compile_statement
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.operators import like
from sudo_mcp_guardrails.iam.reduce import reduced
from sudo_mcp_guardrails.iam.request import Principal
from tests.iam.test_evaluate import doc

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.compiled import CompiledStatement
    from sudo_mcp_guardrails.iam.reduce import Reduced

OBJECT = "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
WORKER = Principal("arn:aws:iam::111111111111:role/worker", session="s")
KNOWN: dict[str, tuple[Any, ...]] = {
    "aws:SourceIdentity": ("a",),
    "aws:username": (None,),
    "aws:PrincipalTag/two": ("a", "b"),
}
FACTS = Facts(WORKER, known=KNOWN)


def compiled(statement: dict[str, Any]) -> CompiledStatement:
    return compile_statement(doc("p", statement).statements[0])


def left(statement: dict[str, Any], facts: Facts = FACTS) -> Reduced | None:
    return reduced(compiled(statement), (OBJECT,), facts)


def applies(left_over: Reduced, request: Request) -> bool:
    """Decide what is left of a statement on a request."""
    if left_over.resources is not None and not like(left_over.resources)(request.resource):
        return False
    if like(left_over.not_resources)(request.resource):
        return False
    return all(condition.holds(request.keys) for condition in left_over.conditions)


FREE = "${aws:PrincipalTag/free}"
TEXTS = (
    *("${aws:SourceIdentity}", "${aws:username}", "${aws:username, 'b'}", "${aws:PrincipalTag/two}", FREE, "${*}"),
    *("${aws:PrincipalTag/free, 'a'}", "${aws:SourceIdentity}" + FREE, "${aws:username}" + FREE, "a", "b", "*", "a*"),
)
OPERATORS = {
    **dict.fromkeys(("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringNotLikeIfExists"), TEXTS),
    **dict.fromkeys(("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringEqualsIfExists"), TEXTS),
    **dict.fromkeys(("ForAnyValue:StringLike", "ForAllValues:StringNotEquals"), TEXTS),
    **dict.fromkeys(("NumericEquals", "NumericNotEquals"), ("1", "2", FREE, "${aws:username}")),
    "Bool": ("true", "false", FREE),
}
KEYS = ("aws:SourceIdentity", "aws:PrincipalTag/free", "aws:PrincipalTag/two", "aws:RequestTag/x", "aws:username")
arns = st.sampled_from(TEXTS).map("arn:aws:s3:::b/{}".format)
condition = st.sampled_from(sorted(OPERATORS)).flatmap(
    lambda operator: st.tuples(
        st.just(operator),
        st.sampled_from(KEYS),
        st.lists(st.sampled_from(OPERATORS[operator]), min_size=1, max_size=2),
    )
)
conditions = st.lists(condition, max_size=2, unique_by=lambda c: c[0])
statements = st.builds(
    lambda effect, element, patterns, condition: {
        "Effect": effect,
        element: patterns,
        **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(("Allow", "Deny")),
    st.sampled_from(("Resource", "NotResource")),
    st.lists(arns, min_size=1, max_size=2) | st.just(["*"]),
    conditions.map(lambda listed: {operator: {key: wanted} for operator, key, wanted in listed}),
)
texts = st.sampled_from(("a", "b", "ab", "*", "", "1", "true"))
contexts = st.builds(
    lambda free, two, tag: {
        "aws:SourceIdentity": ("a",),
        "aws:username": (),
        "aws:PrincipalTag/two": (two,),
        "aws:PrincipalTag/free": free,
        "aws:RequestTag/x": tag,
    },
    st.just(()) | st.tuples(texts),
    st.sampled_from("ab"),
    st.just(()) | st.tuples(texts),
)


@settings(max_examples=500, deadline=None)
@given(statements, contexts, texts)
@example(
    {"Effect": "Deny", "NotResource": ["arn:aws:s3:::b/${aws:PrincipalTag/free}"]}, {"aws:SourceIdentity": ("a",)}, "a"
)
@example(
    {
        "Effect": "Deny",
        "Resource": ["*"],
        "Condition": {"StringNotEquals": {"aws:RequestTag/x": ["${aws:username}${aws:PrincipalTag/free}"]}},
    },
    {"aws:SourceIdentity": ("a",), "aws:username": (), "aws:RequestTag/x": ("b",)},
    "a",
)
@example(
    {"Effect": "Allow", "NotResource": ["arn:aws:s3:::b/a", f"arn:aws:s3:::b/{FREE}"]},
    {"aws:SourceIdentity": ("a",)},
    "a",
)
def test_it_errs_on_the_side_of_the_request(statement: dict[str, Any], context: dict[str, Any], name: str) -> None:
    whole = compiled(statement)
    request = Request("s3:GetObject", f"arn:aws:s3:::b/{name}", WORKER, context)
    left_over = reduced(whole, (OBJECT,), FACTS)
    truly = whole.applies(request)
    by_reduction = left_over is not None and applies(left_over, request)
    if whole.deny:
        assert truly or not by_reduction
    else:
        assert by_reduction or not truly
    if left_over is not None and not left_over.approximate:
        assert by_reduction == truly
    if left_over is None and not whole.deny:
        assert not truly


class TestWhatIsLeft:
    def test_of_a_statement_about_everything(self) -> None:
        found = left({})
        assert found is not None
        assert (found.settled, found.confined, found.patterns, found.sid) == (True, False, (), "p0")

    def test_resources_that_the_action_cannot_be_about(self) -> None:
        assert left({"Resource": "arn:aws:sqs:*:*:*"}) is None
        found = left({"Resource": ["arn:aws:sqs:*:*:*", "arn:aws:s3:::*"]})
        assert found is not None
        assert found.settled

    def test_what_not_resource_leaves(self) -> None:
        assert left({"NotResource": "arn:aws:s3:::*"}) is None
        found = left({"NotResource": "arn:aws:sqs:*:*:*"})
        assert found is not None
        assert found.settled
        found = left({"NotResource": "arn:aws:s3:::b/*"})
        assert found is not None
        assert (found.not_resources, found.settled, found.everywhere().settled) == (("arn:aws:s3:::b/*",), False, True)

    @pytest.mark.parametrize("effect", ["Allow", "Deny"])
    def test_conditions_on_known_keys_are_decided(self, effect: str) -> None:
        holds = left({"Effect": effect, "Condition": {"StringEquals": {"aws:SourceIdentity": "a"}}})
        assert holds is not None
        assert holds.settled
        assert left({"Effect": effect, "Condition": {"StringEquals": {"aws:SourceIdentity": "b"}}}) is None
        assert left({"Effect": effect, "Condition": {"Null": {"aws:username": "false"}}}) is None

    def test_conditions_on_free_keys_stay(self) -> None:
        found = left({"Condition": {"StringEquals": {"aws:RequestTag/x": "a"}, "Null": {"aws:username": "true"}}})
        assert found is not None
        assert [c.key for c in found.conditions] == ["aws:requesttag/x"]

    def test_known_variables_are_replaced(self) -> None:
        found = left({"Resource": "arn:aws:s3:::b/${aws:SourceIdentity}"})
        assert found is not None
        assert (found.resources, found.approximate) == (("arn:aws:s3:::b/a",), False)
        assert left({"Resource": "arn:aws:s3:::b/${aws:username}"}) is None

    def test_a_value_does_not_widen_a_pattern(self) -> None:
        facts = Facts(Principal(WORKER.arn, session="s", tags={"t": "*"}))
        found = left({"Resource": "arn:aws:s3:::b/${aws:PrincipalTag/t}"}, facts)
        assert found is not None
        assert found.resources is not None
        assert like(found.resources)("arn:aws:s3:::b/*")
        assert not like(found.resources)("arn:aws:s3:::b/a")

    def test_unknown_variables_widen_an_allow_and_narrow_a_deny(self) -> None:
        pattern = "arn:aws:s3:::b/${aws:PrincipalTag/free}/x"
        allow = left({"Resource": pattern})
        assert allow is not None
        assert (allow.resources, allow.approximate) == (("arn:aws:s3:::b/*/x",), True)
        assert left({"Effect": "Deny", "Resource": pattern}) is None
        deny = left({"Effect": "Deny", "NotResource": pattern})
        assert deny is not None
        assert (deny.not_resources, [c.comparison for c in deny.conditions]) == (("arn:aws:s3:::b/*/x",), ["null"])

    def test_who_is_not_meant(self) -> None:
        assert left({"Principal": {"AWS": "222222222222"}}) is None
        assert left({"Principal": {"AWS": WORKER.arn}}) is not None
