"""Programs that mix what the analysis follows with what defeats it, for Hypothesis.

Names have types, so that most programs run to their end: ``s`` and ``t`` are texts, ``p`` and ``q`` dictionaries of
texts, ``n`` a dictionary of such, ``m`` and ``w`` lists of texts.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_literal = st.sampled_from(["'s3'", "'iam'", "'ec2'"])
_operation = st.sampled_from(["'ListA'", "'DeleteB'", "'GetC'"])
_START = ("s, t = 's3', 'iam'", "s = 's3'\nt = 'iam'")
_REST = (
    "p = {'k': 's3', 'm': t}\n"
    "q = {'k': 'ec2', 'm': 'ec2'}\n"
    "n = {'k': {'k': 's3', 'm': 's3'}, 'm': {'k': 'iam', 'm': 'x'}}\n"
    "m = ['s3', 'iam']\n"
    "w = [s, 'ec2']"
)
_CHANGES = (
    "pass",
    "x['k'] = 'iam'",
    "x = {'k': 'iam', 'm': 'iam'}",
    "x.update({'m': 'ec2'})",
    "h(x)",
    "z = [x]\n    z[0]['k'] = 'iam'",
)


def _texts(depth: int) -> st.SearchStrategy[str]:
    leaves = st.one_of(_literal, st.sampled_from(["s", "t"]))
    if not depth:
        return leaves
    inner, maps, lists = _texts(depth - 1), _maps(depth - 1), _lists(depth - 1)
    return st.one_of(
        leaves,
        maps.map("{}['k']".format),
        maps.map("{}.get('m', 's3')".format),
        lists.map("{}[0]".format),
        lists.map("{}[-1]".format),
        st.builds("({} if len({}) > 2 else {})".format, inner, lists, inner),
        st.builds("({} or {})".format, inner, inner),
        st.sampled_from(["f'{s}'", "f's{3}'", "s.lower()", "'i' + 'am'", "''.join(['s', '3'])"]),
    )


def _maps(depth: int) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["p", "q", "p", "q", "n['k']"])
    if not depth:
        return leaves
    inner, texts = _maps(depth - 1), _texts(depth - 1)
    return st.one_of(
        leaves,
        st.builds("{{'k': {}, 'm': {}}}".format, texts, texts),
        st.builds("{{**{}, 'k': {}}}".format, inner, texts),
        st.builds("({} | {})".format, inner, inner),
        st.builds("({} if s == t else {})".format, inner, inner),
        inner.map("{}.copy()".format),
        inner.map("dict({})".format),
        inner.map("f({})".format),
        inner.map("list([{}])[0]".format),
        inner.map("list(({0}, {0}))[1]".format),
        st.builds("[z for z in [{}, {}]][0]".format, inner, inner),
        st.sampled_from(["list(n.values())[0]", "n.get('m')", "n.copy()['k']", "{**n}['m']", "[*n.values()][0]"]),
    )


def _lists(depth: int) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["m", "w"])
    if not depth:
        return leaves
    inner, texts = _lists(depth - 1), _texts(depth - 1)
    return st.one_of(
        leaves,
        st.builds("[{}, {}]".format, texts, texts),
        st.builds("({}, {})".format, texts, texts),
        inner.map("list({})".format),
        inner.map("sorted({})".format),
        inner.map("list(reversed({}))".format),
        inner.map("[z for z in {}]".format),
        inner.map("[z for z in {} if z != 's3'] or ['s3']".format),
        st.just("list({'s3', 'iam'})"),
        st.just("list(p.values())"),
    )


_text, _map, _list = _texts(2), _maps(2), _lists(2)
_call = st.builds(
    "await call_boto3(service_name={}, operation_name={}, params={})".format,
    st.one_of(_literal, _literal, _text),
    st.one_of(_operation, _operation, st.sampled_from(["o", "['ListA', 'GetC'][len(m) > 2]"])),
    st.one_of(_map, st.builds("{{'a': {}, 'b': {}}}".format, _text, _map), st.sampled_from(["p", "q", "n"])),
)
_texts_set = st.sampled_from(["s", "t"])
_maps_set = st.sampled_from(["p", "q"])
_lists_set = st.sampled_from(["m", "w"])
_PLAIN = (
    _call,
    _call,
    _call,
    st.builds("{} = {}".format, _texts_set, _text),
    st.builds("{} = {}".format, _maps_set, _map),
    st.builds("{} = {}".format, _lists_set, _list),
    st.builds("{}['k'] = {}".format, _map, _text),
    st.builds("{}['k'] = {}".format, _maps_set, _text),
    st.builds("{}[{}] = {}".format, _maps_set, _text, _text),
    st.builds("n['m'] = {}".format, _map),
    st.builds("{}[0] = {}".format, _lists_set, _text),
    st.builds("{}.append({})".format, _lists_set, _text),
    st.builds("{}.update({})".format, _map, _map),
    st.builds("{} += {}".format, _lists_set, _list),
    st.builds("u = {}\nu['k'] = {}".format, _map, _text),
    st.builds("u = [{}]\nu[0]['m'] = {}".format, _map, _text),
    st.builds("await g({}, {})".format, _text, _map),
    st.builds("await g(d={}, a={})".format, _map, _text),
    st.builds("await g({})".format, _text),
    st.builds("f({})".format, _map),
    st.builds("await (lambda z: call_boto3(service_name='s3', operation_name='ListA', params=z))({})".format, _map),
    st.just("s, t = t, s"),
    st.just("o = 'GetC'"),
)


@st.composite
def _statement(draw: Any, depth: int) -> str:
    kind = draw(st.integers(0, len(_PLAIN) + (5 if depth else -1)))
    if kind < len(_PLAIN):
        return str(draw(_PLAIN[kind]))
    head = draw(
        st.one_of(
            st.builds("for {} in {}:".format, st.sampled_from(["s", "t", "y"]), _list),
            st.builds("for {} in [{}, {}]:".format, st.sampled_from(["p", "u", "u"]), _map, _map),
            st.builds("for s, o in [({}, 'ListA'), ({}, 'GetC')]:".format, _text, _text),
            st.builds("for y, p in enumerate([{}, {}]):".format, _map, _map),
            st.just("for y, u in n.items():"),
            st.just("for i in range(2):"),
            st.just("if len(m) > 2:"),
            st.just("if s == 's3':"),
        )
    )
    body = draw(_block(depth - 1))
    if "u" in head.split(" in ")[0].split():
        body += draw(st.sampled_from(["", "\nu['k'] = 'iam'", "\nawait g('s3', u)"]))
    return str(head + _indented(body))


@st.composite
def _block(draw: Any, depth: int, least: int = 1) -> str:
    return "\n".join(draw(st.lists(_statement(depth), min_size=least, max_size=least + 4)))


def _indented(text: str) -> str:
    return "".join(f"\n    {line}" for line in text.split("\n"))


@st.composite
def programs(draw: Any) -> str:
    """A program."""
    inner = draw(st.lists(_statement(0), min_size=1, max_size=3))
    # What a function assigns is its own, so it must have it from the start.
    own = {name for line in inner for name in ("s", "t", "p", "q", "m", "w", "o") if _assigns(line, name)}
    begin = {"s": "s = a", "t": "t = a", "p": "p = d", "q": "q = {'k': a, 'm': a}", "m": "m = [a, a]", "w": "w = [a]"}
    starts = [begin.get(name, "o = 'ListA'") for name in sorted(own)]
    functions = (
        "def h(x):\n    x['m'] = 'iam'\n"
        f"def f(x):\n    {draw(st.sampled_from(_CHANGES))}\n    return {draw(st.sampled_from(['x', '{**x}', 'p']))}\n"
        f"async def g(a, d={draw(st.sampled_from(['q', '{}']))}):".replace("'{}'", "{}")
        + _indented("\n".join([*starts, *inner]))
    )
    start = f"{draw(st.sampled_from(_START))}\n{_REST}\no = 'ListA'"
    body = draw(_block(2, 5))
    whole = f"{start}\n{functions}\n{body}"
    return whole if draw(st.booleans()) else f"async def main():{_indented(whole)}\nawait main()"


def _assigns(line: str, name: str) -> bool:
    return any(
        part.startswith((f"{name} = ", f"{name} += ", "s, t = ")) and name in part[:4] for part in line.split("\n")
    )
