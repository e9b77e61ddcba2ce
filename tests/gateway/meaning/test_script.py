"""What scripts declare, and how bad input ends."""

from __future__ import annotations

import time

import pytest

from sudo_mcp_guardrails.gateway.meaning.declared import HOLE
from sudo_mcp_guardrails.gateway.meaning.script import read_script
from sudo_mcp_guardrails.gateway.meaning.script.allowed import ATTRIBUTES, BUILTINS, MODULES


def declared(code: str) -> list[tuple[str, str, str, object, int | None]]:
    script = read_script(code)
    assert not script.undecidable, script.undecidable
    return [(c.service, c.operation, c.region, dict(c.parameters), c.at_most) for c in script.calls]


def reason(code: object) -> str:
    script = read_script(code)
    assert script.undecidable
    return script.undecidable[0].reason


def test_a_call_says_everything() -> None:
    code = (
        'await call_boto3(service_name="s3", operation_name="GetObject", region_name="eu-west-1", params={"Key": "k"})'
    )
    assert declared(code) == [("s3", "GetObject", "eu-west-1", {"Key": "k"}, 1)]


def test_loops_over_literals_are_unrolled_pair_by_pair() -> None:
    code = """
for service, operation in [("s3", "ListBuckets"), ("ec2", "DescribeVpcs")]:
    for region in ("us-east-1", "eu-west-1"):
        await call_boto3(service_name=service, operation_name=operation, region_name=region)
"""
    assert declared(code) == [
        ("s3", "ListBuckets", "us-east-1", {}, 1),
        ("s3", "ListBuckets", "eu-west-1", {}, 1),
        ("ec2", "DescribeVpcs", "us-east-1", {}, 1),
        ("ec2", "DescribeVpcs", "eu-west-1", {}, 1),
    ]


def test_functions_are_followed_from_their_calls() -> None:
    code = """
async def call(operation, service="ec2", **more):
    return await call_boto3(service_name=service, operation_name=operation, params=more)
await call("DescribeVpcs")
await call("ListQueues", service="sqs", MaxResults=1)
"""
    script = read_script(code)
    assert [(c.service, c.operation, c.complete) for c in script.calls] == [
        ("ec2", "DescribeVpcs", False),
        ("sqs", "ListQueues", False),
    ]


def test_a_loop_over_unknown_data_leaves_a_hole() -> None:
    code = """
buckets = await call_boto3(service_name="s3", operation_name="ListBuckets")
for bucket in buckets["Buckets"]:
    await call_boto3(service_name="s3", operation_name="GetBucketTagging", params={"Bucket": bucket["Name"], "A": 1})
"""
    assert declared(code)[1] == ("s3", "GetBucketTagging", "", {"Bucket": HOLE, "A": 1}, None)


def test_what_a_second_page_adds_may_be_absent() -> None:
    code = """
params = {"Limit": 5}
while True:
    page = await call_boto3(service_name="dynamodb", operation_name="ListTables", params=params)
    params["ExclusiveStartTableName"] = page["LastEvaluatedTableName"]
"""
    assert declared(code) == [("dynamodb", "ListTables", "", {"Limit": 5, "ExclusiveStartTableName": HOLE}, None)]


def test_a_known_value_that_may_be_set_gives_both() -> None:
    code = """
p = {"Bucket": "a"}
if len("x") > 1:
    p["Key"] = "k"
await call_boto3(service_name="s3", operation_name="ListParts", params=p)
"""
    assert [found[3] for found in declared(code)] == [{"Bucket": "a"}, {"Bucket": "a", "Key": "k"}]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("f = call_boto3", "call_boto3 is used other than by calling it"),
        ("x = eval", "name 'eval' is not known here"),
        ("import os", "import of 'os' is not understood here"),
        ("x = ''.__class__", "attribute '__class__' is not understood here"),
        ("class C: pass", "ClassDef is not understood here"),
        ("if 0:\n    eval = 1", "builtin eval is bound to something else"),
        ("await call_boto3('s3')", "call_boto3 has arguments without a name"),
        ("await call_boto3(service_name='s3')", "call_boto3 has no operation_name"),
        ("await call_boto3(service_name='s3', operation_name='list_buckets')", "the operation is none that is allowed"),
        (
            "await call_boto3(service_name='s3', operation_name='A', verify=False)",
            "call_boto3 has the argument 'verify'",
        ),
        ("x = (", "the script is no Python that is understood here"),
        ("# coding: utf-7\n", "the script declares an encoding other than UTF-8"),
        ("x = 1\x0c", "the script has control characters"),
        ("x = '\ud800'", "the script is no plain UTF-8"),
        (None, "the script is NoneType, expected a text"),
        ("#" * 100_001, "the script has 100001 characters, allowed are 100000"),
        ("(" * 100 + ")" * 100, "the script nests more than 60 brackets"),
        ("x = " + "-" * 3000 + "1", "the script has a word of more than 2000 characters"),
        ("x = " + "1 + " * 200 + "1", "the script is nested more than 60 deep"),
        ("\n".join(["x = 1"] * 9000), "the script has more than 20000 parts"),
    ],
)
def test_what_is_not_understood_is_undecidable_and_says_why(code: object, expected: str) -> None:
    assert reason(code) == expected


def test_a_reason_has_its_line() -> None:
    assert read_script("x = 1\n\ny = eval\n").undecidable[0].line == 3


BOMBS = {
    "not": "x = " + "not " * 20_000 + "1",
    "minus": "x = " + "- " * 20_000 + "1",
    "await": "await " * 15_000 + "x",
    "lambda": "x = " + "lambda: " * 12_000 + "1",
    "if": "x = " + "1 if 1 else " * 8_000 + "1",
    "attributes": "x = a" + " .b" * 30_000,
    "calls": "x = a" + " ()" * 30_000,
    "indents": "".join(" " * n + "if x:\n" for n in range(99)) + " " * 99 + "x = 1\n",
    "names": "a0 = 's3'\n"
    + "".join(f"a{n} = a{n - 1}\n" for n in range(1, 3000))
    + "await call_boto3(service_name=a2999, operation_name='ListA')",
    "doubling": "a0 = 's'\n"
    + "".join(f"a{n} = a{n - 1} + a{n - 1}\n" for n in range(1, 60))
    + "await call_boto3(service_name=a59, operation_name='ListA')",
    "functions": "async def f0(s): await call_boto3(service_name=s, operation_name='ListA')\n"
    + "".join(f"async def f{n}(s):\n    await f{n - 1}(s)\n    await f{n - 1}(s)\n" for n in range(1, 40))
    + "await f39('s3')",
    "loops": "for a in range(200):\n for b in range(200):\n  for c in range(200):\n"
    "   await call_boto3(service_name='s3', operation_name='ListA', params={'a': a, 'b': b, 'c': c})",
    "ranges": "for a in range(10 ** 9): pass\nfor a in range(99999999999999999999999): pass",
    "spread": "p0 = {'a': 'b' if 1 else 'c'}\n"
    + "".join(f"p{n} = {{**p{n - 1}, 'k{n}': 1 if 1 else 2}}\n" for n in range(1, 50))
    + "await call_boto3(service_name='s3', operation_name='ListA', params=p49)",
    "zips": "x = [1, 2]\n"
    + "".join(f"x{n} = list(zip(x, x))\n" for n in range(500))
    + "await call_boto3(service_name='s3', operation_name='ListA', params={'x': x499})",
    "escapes": "x = " + "f'{" * 50,
    "fstrings": "x = " + "f\"{f'{x}'}\"" * 150,
}


@pytest.mark.parametrize("code", BOMBS.values(), ids=BOMBS)
@pytest.mark.usefixtures("no_hang")
def test_bombs_end_soon(code: str) -> None:
    started = time.process_time()
    read_script(code)
    assert time.process_time() - started < 3


def test_what_is_allowed_of_modules_hands_out_no_module() -> None:
    import importlib
    import types

    for name, members in MODULES.items():
        module = importlib.import_module(name)
        for member in members:
            # Members that came with a later version of Python are missing here.
            assert not isinstance(getattr(module, member, None), types.ModuleType), (name, member)


def test_no_attribute_that_is_allowed_belongs_to_pythons_insides() -> None:
    import types

    insides = {
        *(
            name
            for kind in (types.FunctionType, types.CodeType, types.FrameType, types.GeneratorType)
            for name in dir(kind)
        ),
        *(name for kind in (types.CoroutineType, types.TracebackType, types.ModuleType) for name in dir(kind)),
    }
    # A frame's `clear` and a code object's `replace` are of use only to who has one.
    assert ATTRIBUTES & insides == {"__name__", "clear", "replace"}
    assert not BUILTINS & {"eval", "exec", "compile", "getattr", "setattr", "globals", "locals", "vars", "open", "type"}
