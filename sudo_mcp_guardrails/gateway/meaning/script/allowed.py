"""The names that a script may use: what is not here makes it undecidable.

Each is harmless on whatever object a script can reach: none hands out a namespace, a frame, code, a module or a class's
internals, through which ``call_boto3`` could be had under another name. That is what the lists are for. They do not say
what a script may do in its sandbox, which has no files and no network.
"""

from __future__ import annotations

from typing import Final

CALL: Final = "call_boto3"
"""The one way to AWS (Agent Toolkit for AWS, ``run_script``)."""

CALLABLE: Final = frozenset(
    {
        *("abs", "all", "any", "bool", "bytes", "chr", "dict", "divmod", "enumerate", "filter", "float", "format"),
        *("frozenset", "hex", "int", "isinstance", "iter", "len", "list", "map", "max", "min", "next", "oct", "ord"),
        *("pow", "print", "range", "repr", "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple", "zip"),
    }
)
"""Builtins that may be called, and handed on."""
EXCEPTIONS: Final = frozenset(
    {
        *("ArithmeticError", "AssertionError", "AttributeError", "Exception", "IndexError", "KeyError", "LookupError"),
        *("OverflowError", "RuntimeError", "StopIteration", "TimeoutError", "TypeError", "UnicodeDecodeError"),
        *("UnicodeEncodeError", "UnicodeError", "ValueError", "ZeroDivisionError", "NotImplementedError"),
    }
)
BUILTINS: Final = CALLABLE | EXCEPTIONS
TYPE: Final = "type"
"""May only be called, with one argument: with three it makes a class."""

_TEXT: Final = (
    *("capitalize", "casefold", "center", "count", "decode", "encode", "endswith", "expandtabs", "find", "format"),
    *("isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle"),
    *("isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind"),
    *("rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title"),
    *("upper", "zfill"),
)
_CONTAINERS: Final = (
    *("add", "append", "appendleft", "clear", "copy", "difference", "discard", "elements", "extend", "fromkeys"),
    *("get", "index", "insert", "intersection", "isdisjoint", "issubset", "issuperset", "items", "keys"),
    *("most_common", "move_to_end", "pop", "popitem", "popleft", "remove", "reverse", "setdefault", "sort"),
    *("symmetric_difference", "total", "union", "update", "values"),
)
_TIMES: Final = (
    *("astimezone", "combine", "ctime", "date", "day", "days", "fromisoformat", "fromtimestamp", "hour", "isocalendar"),
    *("isoformat", "isoweekday", "max", "microsecond", "microseconds", "min", "minute", "month", "now", "resolution"),
    *("second", "seconds", "strftime", "strptime", "time", "timedelta", "timestamp", "timetuple", "timetz", "today"),
    *("total_seconds", "tzinfo", "tzname", "utc", "utcfromtimestamp", "utcnow", "utcoffset", "weekday", "year"),
)
_OTHERS: Final = (
    *(
        "acquire",
        "args",
        "as_integer_ratio",
        "as_tuple",
        "digest",
        "end",
        "finditer",
        "findall",
        "from_iterable",
        "fullmatch",
    ),
    *("group", "groupdict", "groups", "hex", "hexdigest", "is_integer", "locked", "match", "message", "quantize"),
    *("read", "release", "response", "result", "search", "span", "start", "sub", "subn", "value", "done"),
)
ATTRIBUTES: Final = frozenset({*_TEXT, *_CONTAINERS, *_TIMES, *_OTHERS, "__name__"})
"""Attributes that may be read of any object."""

_MATH: Final = (
    *("ceil", "comb", "e", "exp", "fabs", "factorial", "floor", "fmod", "fsum", "gcd", "inf", "isclose", "isfinite"),
    *("isinf", "isnan", "isqrt", "log", "log10", "log2", "nan", "pi", "pow", "prod", "sqrt", "trunc"),
)
_TYPING: Final = (
    *("Any", "Awaitable", "Callable", "Coroutine", "Dict", "Final", "Iterable", "Iterator", "List", "Literal"),
    *("Mapping", "Optional", "Sequence", "Set", "Tuple", "Union"),
)
MODULES: Final = {
    "__future__": frozenset({"annotations"}),
    "asyncio": frozenset(
        {
            *("FIRST_COMPLETED", "Lock", "Semaphore", "TimeoutError", "as_completed", "create_task", "ensure_future"),
            *("gather", "run", "sleep", "timeout", "wait", "wait_for"),
        }
    ),
    "base64": frozenset({"b64decode", "b64encode", "urlsafe_b64decode", "urlsafe_b64encode"}),
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque"}),
    "datetime": frozenset({"UTC", "date", "datetime", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "hashlib": frozenset({"md5", "sha1", "sha256", "sha512"}),
    "itertools": frozenset({"accumulate", "chain", "count", "groupby", "islice", "product", "repeat", "zip_longest"}),
    "json": frozenset({"JSONDecodeError", "dumps", "loads"}),
    "math": frozenset(_MATH),
    "re": frozenset(
        {
            *("DOTALL", "IGNORECASE", "MULTILINE", "compile", "escape", "findall", "finditer", "fullmatch", "match"),
            *("search", "split", "sub"),
        }
    ),
    "statistics": frozenset({"fmean", "mean", "median", "pstdev", "quantiles", "stdev"}),
    "time": frozenset({"monotonic", "perf_counter", "sleep", "strftime", "time"}),
    "typing": frozenset(_TYPING),
    "uuid": frozenset({"uuid4"}),
}
"""What may be taken of which module. A module itself is never handed on."""

PURE: Final = frozenset(
    {
        *("all", "any", "bool", "enumerate", "filter", "float", "format", "frozenset", "int", "isinstance", "len"),
        *("list", "max", "min", "print", "range", "repr", "reversed", "set", "sorted", "str", "sum", "tuple", "zip"),
        *("dict",),
    }
)
"""Builtins that change no argument of theirs. Those that take a function may hand it elements."""
READING: Final = frozenset({"copy", "count", "get", "index", "items", "keys", "values"})
"""Methods that change nothing about the container they are of."""
