"""What the parser reads, and what it refuses: always with the path, and in bounded time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, PolicyError, Principal, Request, Statement, evaluate
from sudo_mcp_guardrails.iam.documents import parse_document, parse_json
from sudo_mcp_guardrails.iam.operators import OPERATORS
from sudo_mcp_guardrails.iam.parsing import MAX_STATEMENTS
from sudo_mcp_guardrails.iam.reading import MAX_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = {"Sid": "S", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
S0 = "policy.Statement[0]"
ROLE = "arn:aws:iam::111111111111:role/team/worker"


def with_statement(**more: Any) -> dict[str, Any]:
    """Return a document of one statement; an element that is ``...`` is left out."""
    merged = {**GOOD, **more}
    return {"Version": "2012-10-17", "Statement": [{k: v for k, v in merged.items() if v is not ...}]}


def with_condition(operator: str, value: Any, key: str = "aws:a") -> dict[str, Any]:
    return with_statement(Condition={operator: {key: value}})


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def error_of(read: Callable[[Any], object], document: Any) -> str:
    with pytest.raises(PolicyError) as error:
        read(document)
    return str(error.value)


REFUSED: list[tuple[Any, str]] = [
    ([], "policy: expected an object, got list"),
    (None, "policy: expected an object, got NoneType"),
    ({}, "policy.Statement: missing, expected a list of statements"),
    (
        {"Version": "2012-10-18", "Statement": []},
        "policy.Version: '2012-10-18' is not supported, expected '2012-10-17'",
    ),
    ({"Version": ["2012-10-17"], "Statement": []}, "policy.Version: ['2012-10-17'] is not supported"),
    ({"Id": 5, "Statement": []}, "policy.Id: expected a string, got int"),
    ({"Statements": []}, "policy: unknown element 'Statements', expected some of Version, Id, Statement"),
    ({"Statement": "x"}, "policy.Statement: expected a list, got str"),
    ({"Statement": None}, "policy.Statement: expected a list, got NoneType"),
    ({"Statement": [GOOD, 3]}, "policy.Statement[1]: expected an object, got int"),
    ({"Statement": [{**GOOD, 3: 4}]}, f"{S0}: element 3 is not allowed, expected a string"),
    (with_statement(Actions="s3:*"), f"{S0}: unknown element 'Actions', expected some of Sid, Effect"),
    (with_statement(Sid=5), f"{S0}.Sid: expected a string, got int"),
    (with_statement(Sid=None), f"{S0}.Sid: expected a string, got NoneType"),
    (with_statement(Effect="allow"), f"{S0}.Effect: 'allow' is not allowed, expected 'Allow' or 'Deny'"),
    (with_statement(Effect=["Allow"]), f"{S0}.Effect: ['Allow'] is not allowed"),
    (with_statement(Effect=...), f"{S0}.Effect: None is not allowed"),
    (with_statement(Action=...), f"{S0}: expected one of Action and NotAction"),
    (with_statement(NotAction="s3:*"), f"{S0}: expected one of Action and NotAction"),
    (with_statement(NotResource="*"), f"{S0}: expected only one of Resource and NotResource"),
    (with_statement(Principal="*", NotPrincipal="*"), f"{S0}: expected only one of Principal and NotPrincipal"),
    (with_statement(Resource=...), f"{S0}: expected one of Resource and NotResource, or a Principal"),
    (with_statement(Action=[]), f"{S0}.Action: expected at least one value, got an empty list"),
    (with_statement(Action=["s3:*", {}]), f"{S0}.Action[1]: expected a string, got dict"),
    (with_statement(Action=5), f"{S0}.Action: expected a string, got int"),
    (with_statement(Action=""), f"{S0}.Action: '' is not allowed, expected at least one character"),
    (with_statement(Action="GetObject"), f"{S0}.Action: 'GetObject' is not allowed, expected '*' or 'service:Action'"),
    (with_statement(Action=["s3:*", "s*:Get*"]), f"{S0}.Action[1]: 's*:Get*' is not allowed"),
    (with_statement(Action="*:Get*"), f"{S0}.Action: '*:Get*' is not allowed"),
    (with_statement(Action="s3:Get Object"), f"{S0}.Action: 's3:Get Object' is not allowed"),
    (with_statement(Action="s3:"), f"{S0}.Action: 's3:' is not allowed"),
    (with_statement(Action="s3:GetObject\n"), f"{S0}.Action: 's3:GetObject\\n' is not allowed"),
    (with_statement(Resource=[]), f"{S0}.Resource: expected at least one value"),
    (with_statement(Resource=None), f"{S0}.Resource: expected a string, got NoneType"),
    (with_statement(Resource=""), f"{S0}.Resource: '' is not allowed"),
    (with_statement(Resource={"Ref": "X"}), f"{S0}.Resource: expected a string, got dict"),
    (with_statement(Resource="arn:aws:s3:::\ud800"), f"{S0}.Resource: the character U+D800 is not allowed"),
    (with_statement(Resource="arn:aws:s3:::\ue000"), f"{S0}.Resource: the character U+E000 is not allowed"),
    (with_statement(Resource="x/${aws:username"), f"{S0}.Resource: 'x/${{aws:username' is not allowed, expected var"),
    (with_statement(Resource="x/${}"), f"{S0}.Resource: 'x/${{}}' is not allowed"),
    (with_statement(Resource="x/${ , 'y'}"), f"{S0}.Resource: \"x/${{ , 'y'}}\" is not allowed"),
    (with_statement(Resource="${a${aws:username}}"), f"{S0}.Resource: '${{a${{aws:username}}}}' is not allowed"),
    (with_statement(Principal=None), f"{S0}.Principal: expected '*' or an object, got None"),
    (with_statement(Principal="me"), f"{S0}.Principal: expected '*' or an object, got 'me'"),
    (with_statement(Principal=["*"]), f"{S0}.Principal: expected '*' or an object, got ['*']"),
    (with_statement(Principal={}), f"{S0}.Principal: expected '*' or an object, got {{}}"),
    (with_statement(Principal={"*": "*"}), f"{S0}.Principal: unknown element '*', expected some of AWS, Service"),
    (with_statement(Principal={"AWS": []}), f"{S0}.Principal.AWS: expected at least one value"),
    (with_statement(Principal={"AWS": None}), f"{S0}.Principal.AWS: expected a string, got NoneType"),
    (with_statement(Principal={"AWS": ["*", "arn:aws:iam::1:role/*"]}), f"{S0}.Principal.AWS[1]: 'arn:aws:iam::1:ro"),
    (
        with_statement(NotPrincipal={"Service": "*"}),
        f"{S0}.NotPrincipal.Service: '*' is not allowed, expected a name w",
    ),
    (with_statement(Condition=[]), f"{S0}.Condition: expected an object, got list"),
    (with_statement(Condition=None), f"{S0}.Condition: expected an object, got NoneType"),
    (with_statement(Condition={"Bool": "x"}), f"{S0}.Condition.Bool: expected an object, got str"),
    (with_statement(Condition={"Bool": {}}), f"{S0}.Condition.Bool: expected at least one key, got an empty object"),
    (
        with_statement(Condition={"Bool": {"aws:A": True}, "bool": {"AWS:a": False}}),
        f"{S0}.Condition.bool.AWS:a: given twice, expected once",
    ),
    (with_condition("StringIs", "x"), f"{S0}.Condition.StringIs: condition operator 'StringIs' is not known"),
    (with_condition(":StringEquals", "x"), f"{S0}.Condition.:StringEquals: ':StringEquals' is not known"),
    (with_condition("ForAll:StringEquals", "x"), f"{S0}.Condition.ForAll:StringEquals: condition operator 'ForAll:St"),
    (with_condition("NullIfExists", "true"), f"{S0}.Condition.NullIfExists: 'NullIfExists' is not allowed, expected"),
    (with_condition("ForAnyValue:Null", "true"), f"{S0}.Condition.ForAnyValue:Null: 'ForAnyValue:Null' is not allow"),
    (with_condition("x" * 100_000, "x"), f"{S0}.Condition.{'x' * 80}…: 'xxx"),
    (with_condition("Bool", [None]), f"{S0}.Condition.Bool.aws:a[0]: expected a string, got NoneType"),
    (with_condition("Null", []), f"{S0}.Condition.Null.aws:a: expected at least one value"),
    (
        with_condition("Null", ["true", "false"]),
        f"{S0}.Condition.Null.aws:a: expected one of 'true' and 'false', got 2",
    ),
    (with_condition("Null", "${aws:b}"), f"{S0}.Condition.Null.aws:a: '${{aws:b}}' is not allowed, expected 'true' or"),
    (with_condition("StringLike", "${aws:b"), f"{S0}.Condition.StringLike.aws:a: '${{aws:b' is not allowed"),
    *(
        (
            with_condition("Bool", "true", key),
            f"{S0}.Condition.Bool.{key}: {key!r} is not allowed, expected 'service:Key'",
        )
        for key in ("", "a", ":", "aws:", ":a", "aws :a", "aws:*", "aws:PrincipalTag/${aws:a}", "a\nws:b")
    ),
]


@pytest.mark.parametrize(("document", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_not_understood_is_refused_with_its_path(document: Any, message: str) -> None:
    assert error_of(parse_document, document).startswith(message)


def test_a_message_is_short_whatever_the_value() -> None:
    long = "x" * 500_000
    for more in ({"Effect": long}, {long: 1}, {"Action": long}, {"Condition": {"Bool": {long: True}}}):
        assert len(error_of(parse_document, with_statement(**more))) < 500


@pytest.mark.parametrize(
    ("operator", "good", "bad"),
    [
        (
            "NumericLessThan",
            ("3600", "-1", "+0.5", 3600, 0.5),
            ("", "x", "1_000", "nan", "1e3", "\u0661", " 1", "1" * 31),
        ),
        (
            "DateGreaterThan",
            (
                *("2026-11-23", "2026-11-23T01:02Z", "2026-11-23T01:02:03Z", "2026-11-23T01:02:03.123456Z"),
                *("2026-11-23T01:02:03+05:30", "1763856000", 1763856000, "-1"),
            ),
            (
                "",
                "soon",
                "2026-13-01",
                "2026-02-30",
                "20261123T",
                "2026-W01",
                "2026-11-23T25:00Z",
                "2026-11-23T01:02:03.1Z",
            ),
        ),
        (
            "NotIpAddress",
            ("10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "2001:db8::/32", "::1", "10.1.2.3/8"),
            ("", "10.0.0.0/33", "10.0.0", "*", "10.0.0.0/255.0.0.0", "fe80::1%eth0", "1", 1),
        ),
        ("Bool", ("true", "False", True, False), ("", "yes", "1", 1)),
        ("Null", ("true", "FALSE", True), ("", "null", 0)),
        ("BinaryEquals", ("aGk=", ""), ("?", "aGk", "aGk=\n")),
        ("StringEquals", ("", "anything", 5, True, 1.5), ()),
        ("ArnLike", ("*", "arn:*:iam::*:role/x"), ()),
    ],
)
@pytest.mark.parametrize("form", ["{}", "{}IfExists", "ForAnyValue:{}"])
def test_values_are_of_the_operators_kind(
    form: str, operator: str, good: tuple[Any, ...], bad: tuple[Any, ...]
) -> None:
    name = operator if operator == "Null" else form.format(operator)
    assert len(parse_document(with_condition(name, good[0])).statements[0].conditions) == 1
    for value in good[1:]:
        parse_document(with_condition(name, value))
    for value in bad:
        message = error_of(parse_document, with_condition(name, [good[0], value]))
        assert message.startswith(f"{S0}.Condition.{name}.aws:a[1]: {str(value)!r} is not allowed, expected ")


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_every_operator_takes_a_variable(operator: str) -> None:
    statement = parse_document(with_condition(operator, "${aws:PrincipalTag/x}")).statements[0]
    assert statement.conditions == ((operator, "aws:a", ("${aws:PrincipalTag/x}",)),)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**30, -(10**5000)], ids=range(4))
def test_numbers_are_finite_and_short(value: float) -> None:
    message = error_of(parse_document, with_condition("NumericEquals", value))
    assert message == f"{S0}.Condition.NumericEquals.aws:a: expected a finite number of at most 30 digits"


@pytest.mark.parametrize(
    "key",
    [
        "aws:PrincipalTag/a team",
        "aws:ResourceTag/aws:cloudformation:stack-name",
        "kms:EncryptionContext:aws:s3:arn",
        "oidc.eks.eu-west-1.amazonaws.com/id/0F:sub",
        "aws:RequestTag/größe",
        "ssm:Overwrite",
    ],
)
def test_keys(key: str) -> None:
    assert parse_document(with_condition("StringEquals", "x", key)).statements[0].conditions[0][1] == key


@pytest.mark.parametrize("action", ["*", "*:*", "s3:*", "S3:get?bject", "s3-object-lambda:*List*", "vpc-lattice:A-B"])
def test_actions(action: str) -> None:
    assert parse_document(with_statement(Action=action)).statements[0].actions == (action,)


def test_reads_what_aws_writes() -> None:
    document = parse_document(
        {
            "Version": "2012-10-17",
            "Id": "x",
            "Statement": {
                "Effect": "Deny",
                "NotPrincipal": {"AWS": ["*", "111111111111"], "Service": "c", "Federated": "d", "CanonicalUser": "e"},
                "NotAction": ["s3:*", "iam:*"],
                "NotResource": "*",
                "Condition": {"Bool": {"aws:a": True}, "NumericLessThan": {"aws:b": 3600, "aws:c": ["1", 2.5]}},
            },
        },
        name="n",
    )
    assert document == PolicyDocument(
        "n",
        (
            Statement(
                sid="#0",
                effect="Deny",
                not_actions=("s3:*", "iam:*"),
                not_resources=("*",),
                not_principals=(
                    *(("AWS", "*"), ("AWS", "111111111111"), ("Service", "c")),
                    *(("Federated", "d"), ("CanonicalUser", "e")),
                ),
                conditions=(
                    ("Bool", "aws:a", ("true",)),
                    ("NumericLessThan", "aws:b", ("3600",)),
                    ("NumericLessThan", "aws:c", ("1", "2.5")),
                ),
            ),
        ),
    )


def test_every_statement_has_a_name_of_its_own() -> None:
    sids = ["A", "A", "", "A#3", "A", "#2", "A"]
    document = parse_document({"Statement": [{**GOOD, "Sid": sid} for sid in sids]})
    assert [s.sid for s in document.statements] == ["A", "A#1", "#2", "A#3", "A#4", "#2#5", "A#6"]
    document = parse_document({"Statement": [{**GOOD, "Sid": sid} for sid in ("A", "A#2", "A")]})
    assert [s.sid for s in document.statements] == ["A", "A#2", "A#2#2"]


class TestOldVersion:
    """Source: IAM user guide, "IAM JSON policy elements: Version": variables are plain text in 2008-10-17."""

    PRINCIPAL = Principal(ROLE, session="s", tags={"team": "blue"})

    def allows(self, resource: str, wanted: str, **version: str) -> bool:
        condition = {"StringLike": {"aws:RequestTag/t": wanted}}
        document = parse_document(
            {
                **version,
                "Statement": {**GOOD, "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/team}", "Condition": condition},
            }
        )
        request = Request("s3:GetObject", resource, self.PRINCIPAL, {"aws:RequestTag/t": "${aws:PrincipalTag/team}"})
        return evaluate(request, Layers(identity=(document,))).allowed

    @pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}])
    def test_a_variable_is_plain_text(self, version: dict[str, str]) -> None:
        plain = "arn:aws:s3:::b/${aws:PrincipalTag/team}"
        assert self.allows(plain, "${aws:PrincipalTag/team}", **version)
        assert self.allows(plain, "${aws:*}", **version), "a wildcard is one also between braces"
        assert not self.allows(plain, "blue", **version)
        assert not self.allows("arn:aws:s3:::b/blue", "*", **version)

    def test_a_variable_is_one_in_the_current_version(self) -> None:
        assert self.allows("arn:aws:s3:::b/blue", "*", Version="2012-10-17")
        assert not self.allows("arn:aws:s3:::b/blue", "${aws:PrincipalTag/team}", Version="2012-10-17")

    def test_what_is_written_is_the_current_version_with_the_same_meaning(self) -> None:
        document = parse_document(
            {"Statement": {**GOOD, "Resource": "a/${x", "Condition": {"StringLike": {"aws:a": "${"}}}}
        )
        assert document.statements[0].resources == ("a/${$}{x",)
        assert document.statements[0].conditions == (("StringLike", "aws:a", ("${$}{",)),)
        assert parse_document(document.to_dict()) == document

    def test_a_number_with_a_variable_is_none(self) -> None:
        old = {"Statement": {**GOOD, "Condition": {"NumericEquals": {"aws:a": "${aws:b}"}}}}
        assert "'${aws:b}' is not allowed, expected a number" in error_of(parse_document, old)


class TestText:
    def test_reads_text_and_bytes(self) -> None:
        document = with_statement(Resource="arn:aws:s3:::größe")
        text = json.dumps(document, ensure_ascii=False)
        expected = parse_document(document, name="n")
        for form in (text, text.encode(), b"\xef\xbb\xbf" + text.encode()):
            assert parse_json(form, name="n") == expected

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "p: not JSON: Expecting value, line 1 column 1"),
            ("{\n'a'}", "p: not JSON: Expecting property name enclosed in double quotes, line 2 column 1"),
            ("[]", "p: expected an object, got list"),
            (b"\xff{}", "p: byte 0 is not UTF-8"),
            ('{"Statement": NaN}', "p: NaN is no JSON, expected a finite number"),
            ('{"Statement": [-Infinity]}', "p: -Infinity is no JSON"),
            ('{"Statement": 1e999}', "p.Statement: expected a list, got float"),
            (f'{{"Statement": {"9" * 900_000}}}', "p: a number of 900000 digits is too long, expected at most 30"),
            ('{"Statement": [], "Statement": []}', "p.Statement: given twice, expected once"),
            ('{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}', "p.Statement[0].Effect: given twice"),
            ('{"Statement": [{"x": {"a": 1, "a": 2}}]}', "p.Statement[0]: unknown element 'x'"),
        ],
    )
    def test_refuses(self, text: str | bytes, message: str) -> None:
        assert error_of(lambda t: parse_json(t, name="p"), text).startswith(message)

    @pytest.mark.parametrize("element", ["Bool", "aws:b"])
    def test_refuses_a_condition_given_twice(self, element: str) -> None:
        inner = '{"aws:b": "x", "aws:b": "y"}' if element == "aws:b" else '{"aws:b": "x"}'
        repeated = f'{{"Bool": {inner}}}' if element == "aws:b" else f'{{"Bool": {inner}, "Bool": {inner}}}'
        text = json.dumps(with_statement(Condition="?")).replace('"?"', repeated)
        path = "policy.Statement[0].Condition" + (".Bool" if element == "aws:b" else "")
        assert error_of(parse_json, text) == f"{path}.{element}: given twice, expected once"


@pytest.mark.usefixtures("no_hang")
class TestBounds:
    """Each takes milliseconds; something quadratic would take hours."""

    def test_ten_megabytes(self) -> None:
        text = json.dumps(with_statement(Resource="x" * 10_000_000))
        expected = f"policy: {len(text)} characters are too many, expected at most {MAX_CHARACTERS}"
        assert error_of(parse_json, text) == error_of(parse_json, text.encode()) == expected
        assert error_of(parse_document, json.loads(text)).startswith("policy: the document is too large, expected")

    def test_many_small_values(self) -> None:
        assert "too large" in error_of(parse_document, with_statement(Action=["s3:*"] * 500_000))
        assert "too large" in error_of(parse_document, {"Statement": [{} for _ in range(600_000)]})

    def test_a_value_that_holds_itself(self) -> None:
        endless: list[Any] = []
        endless.append(endless)
        assert "too large" in error_of(parse_document, {"Statement": endless})

    def test_statements(self) -> None:
        def of(number: int) -> dict[str, Any]:
            return {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}] * number}

        assert len(parse_document(of(MAX_STATEMENTS)).statements) == MAX_STATEMENTS
        for number in (MAX_STATEMENTS + 1, 2 * MAX_STATEMENTS):
            message = f"policy.Statement: {number} are too many, expected at most {MAX_STATEMENTS}"
            assert error_of(parse_document, of(number)) == message
            assert error_of(parse_json, json.dumps(of(number))) == message

    @pytest.mark.parametrize("text", ["[" * 900_000, '{"Statement":' * 70_000, '{"Statement":' + "[" * 100_000])
    def test_nesting_in_text(self, text: str) -> None:
        # What is not closed either is refused for one of the two, as the interpreter's own limit has it.
        assert error_of(parse_json, text).startswith(("policy: nested too deep", "policy: not JSON"))

    @pytest.mark.parametrize("depth", [10, 100, 100_000])
    @pytest.mark.parametrize("element", ["Sid", "Effect", "Action", "Resource", "Principal", "Condition"])
    def test_nesting_in_values(self, element: str, depth: int) -> None:
        assert error_of(parse_document, with_statement(**{element: nested(depth)})).startswith(f"{S0}.{element}")

    def test_one_name_many_times(self) -> None:
        document = parse_document({"Statement": [GOOD] * MAX_STATEMENTS})
        assert len({s.sid for s in document.statements}) == MAX_STATEMENTS

    def test_a_pattern_built_to_explode(self) -> None:
        pattern = "arn:aws:s3:::" + "*a" * 100_000 + "*b"
        document = parse_document(with_statement(Resource=pattern, Condition={"StringLike": {"aws:a": pattern}}))
        request = Request("s3:GetObject", "arn:aws:s3:::" + "a" * 1000, Principal(ROLE), {"aws:a": "a" * 1000})
        assert not evaluate(request, Layers(identity=(document,))).allowed

    def test_variables_without_end(self) -> None:
        assert "is not allowed, expected variables" in error_of(parse_document, with_statement(Resource="${" * 400_000))
        assert "is not allowed, expected variables" in error_of(
            parse_document, with_statement(Resource="${" + "a" * 900_000)
        )


def test_own_policies_are_read_back() -> None:
    raw = with_statement(Sid="T", Resource=["arn:${AWS::Partition}:s3:::x/${aws:PrincipalTag/team, 'none'}", "${$}{x"])
    assert parse_document(raw).to_dict() == raw
