"""Ways in from outside: open ranges of addresses, public addresses and endpoints, shared copies, missing sign-in."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut
from sudo_mcp_guardrails.approval.risk_rules.values import is_false, is_true
from sudo_mcp_guardrails.iam.matching import action_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.approval.risk_rules.values import Node
    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_RANGE: Final = re.compile(r"[0-9a-fA-F.:]{2,45}/\d{1,3}")
_WIDE: Final = {4: 8, 6: 16}
"""Ranges of fewer bits than these are the world; as in the hook ``open-security-groups``."""
OPENS: Final = frozenset(
    {
        *("assignipv6addressoncreation", "assignpublicip", "associatepublicipaddress", "directinternetaccess"),
        *("enablepublicaccess", "enablepublicip", "endpointpublicaccess", "ispublic", "mappubliciponlaunch"),
        *("publicaccessenabled", "publicip", "publiclyaccessible", "requiresecuretransportdisabled"),
    }
)
"""Flags that open a way in where they are true."""
CLOSES: Final = frozenset({"blockpublicacls", "blockpublicpolicy", "ignorepublicacls", "restrictpublicbuckets"})
"""Flags that open a way in where they are false."""
_VALUES: Final = {
    "accesscontrol": {"publicread", "publicreadwrite", "authenticatedread"},
    "acl": {"public-read", "public-read-write", "authenticated-read"},
    "allowfrompublic": {"true"},
    "authtype": {"none"},
    "authorizationtype": {"none"},
    "authorization": {"none"},
    "endpointaccess": {"public"},
    "group": {"all"},
    "groupnames": {"all"},
    "networkaccess": {"public"},
    "projectvisibility": {"public_read"},
    "scheme": {"internet-facing"},
    "uri": {"http://acs.amazonaws.com/groups/global/allusers"}
    | {"http://acs.amazonaws.com/groups/global/authenticatedusers"},
    "valuestoadd": {"all"},
}
"""Property to its values that let everybody in, in lower case."""
_ACTIONS: Final = action_test(
    (
        *("ec2:AcceptVpcPeeringConnection", "ec2:AllocateAddress", "ec2:AssociateAddress", "ec2:AttachInternetGateway"),
        *("ec2:CreateInternetGateway", "ec2:CreateVpcPeeringConnection", "ec2:DisableImageBlockPublicAccess"),
        *("ec2:CreateVpnConnection", "ec2:DisableSnapshotBlockPublicAccess", "ec2:ModifyImageAttribute"),
        *("ec2:ModifySnapshotAttribute", "ec2:ModifyVpcBlockPublicAccessOptions", "ecr-public:Create*"),
        *("lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig", "rds:ModifyDB*SnapshotAttribute"),
        *("redshift:AuthorizeSnapshotAccess", "s3:DeleteAccountPublicAccessBlock", "s3:PutAccessPointPolicy"),
        *("s3:PutAccountPublicAccessBlock", "s3:PutBucketPublicAccessBlock", "s3:PutBucketWebsite"),
        *("ssm:ModifyDocumentPermission", "transfer:CreateServer"),
    )
)
_OUTWARD: Final = frozenset({"AWS::EC2::SecurityGroupEgress"})


def _of_change(seen: Seen) -> Iterator[Found]:
    if not seen.reads:
        for action in seen.actions:
            if _ACTIONS(action.lower()):
                yield Found(RiskClass.R3, f"{action} can open a way in from outside")
    if seen.ends and seen.change.operation is not Operation.REPLACE:
        if seen.like in {"AWS::S3::AccountPublicAccessBlock", "AWS::EC2::VPCBlockPublicAccessOptions"}:
            yield Found(RiskClass.R3, f"without {seen.change.type} what it kept closed can be opened")
        return
    if "open" in seen.traits:
        yield Found(RiskClass.R3, f"{seen.change.type} is a way in from outside")
    elif "entry" in seen.traits:
        yield Found(RiskClass.R2, f"{seen.change.type} can be a way in from outside")
    yield from _defaults(seen)
    for node in seen.after:
        text = _opened(seen, node)
        if text:
            yield Found(RiskClass.R3, text, node.place)


def _opened(seen: Seen, node: Node) -> str:
    """Return how one value opens a way in, empty where it does not."""
    if isinstance(node.value, (dict, list)):
        return ""
    if node.name in OPENS and is_true(node.value):
        return f"{node.path[-1]} is on"
    if node.name in CLOSES and is_false(node.value):
        return f"{node.path[-1]} is off"
    if isinstance(node.value, str):
        if node.value.lower() in _VALUES.get(node.name, ()) and not _preflight(seen, node):
            return f"{node.path[-1]} is {cut(node.value)}"
        if world(node.value) and not _outward(seen, node):
            return f"{cut(node.value)} is open to the world"
    return ""


def world(text: str) -> bool:
    """Return whether a text is a range of addresses that takes in most of the internet."""
    if not _RANGE.fullmatch(text):
        return False
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return found.prefixlen < _WIDE[found.version] and not (found.version == 6 and found.is_private and found.prefixlen)  # noqa: PLR2004


def _outward(seen: Seen, node: Node) -> bool:
    """Return whether a range of addresses is where something may go, rather than come from."""
    if seen.like in _OUTWARD or any("egress" in name.lower() for name in node.path):
        return True
    if any(action.endswith("Egress") for action in seen.actions):
        return True
    if seen.change.type == "aws_security_group_rule":
        return seen.then.get("type") == "egress"
    if seen.like == "AWS::EC2::NetworkAclEntry":
        return is_true(seen.then.get("egress"))
    if "destination" in node.name or seen.like in {"AWS::EC2::Route", "AWS::EC2::RouteTable"}:
        # A route to an internet gateway makes a subnet public; one to anything else leads out alone.
        ways = [seen.then.get(name) for name in ("gatewayid", "route")]
        return not any(way is not None for way in ways)
    return False


def _preflight(seen: Seen, node: Node) -> bool:
    """Return whether a method without sign-in is one that browsers ask beforehand, without credentials."""
    return "auth" in node.name and seen.then.get("httpmethod") == "OPTIONS"


def _defaults(seen: Seen) -> Iterator[Found]:
    """Yield what is open where nothing is said."""
    test = _DEFAULTS.get(seen.like)
    if test is not None and seen.change.after is not None:
        text = test(seen)
        if text:
            yield Found(RiskClass.R3, text)


def _balancer(seen: Seen) -> str:
    scheme: Any = seen.then.get("scheme", "internal" if is_true(seen.then.get("internal")) else None)
    # One that is filled in later is another rule's; one that is written out is among the values above.
    return "a load balancer faces the internet where its scheme is not internal" if scheme is None else ""


def _url(seen: Seen) -> str:
    kind = seen.then.get("authtype", seen.then.get("authorizationtype"))
    return "" if kind == "AWS_IAM" else "anybody may call a function's URL that does not ask for AWS_IAM"


def _method(seen: Seen) -> str:
    kind = seen.then.get("authorizationtype", seen.then.get("authorization"))
    if kind is not None or seen.then.get("httpmethod") == "OPTIONS" or seen.change.type not in _WAYS:
        return ""
    return "anybody may call a method or route without an authorizer"


def _domain(seen: Seen) -> str:
    return "" if seen.then.get("vpcoptions") else "a domain without VPCOptions is reachable from the internet"


def _cluster(seen: Seen) -> str:
    said = any(node.name == "endpointpublicaccess" for node in seen.after)
    return "" if said else "a cluster's endpoint is public where nothing is said"


def _bucket(seen: Seen) -> str:
    name = "publicaccessblockconfiguration"
    lost = seen.change.operation is Operation.UPDATE and seen.before.get(name) and not seen.then.get(name)
    return "a bucket loses its block of public access" if lost else ""


_WAYS: Final = frozenset(
    {
        *("AWS::ApiGateway::Method", "AWS::ApiGatewayV2::Route"),
        *("aws_api_gateway_method", "aws_apigatewayv2_route"),
    }
)
"""Ways to call, rather than Terraform's resources about what is answered."""
_DEFAULTS: Final[dict[str, Callable[[Seen], str]]] = {
    "AWS::ApiGateway::Method": _method,
    "AWS::ApiGatewayV2::Route": _method,
    "AWS::EKS::Cluster": _cluster,
    "AWS::ElasticLoadBalancing::LoadBalancer": _balancer,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balancer,
    "AWS::Lambda::Url": _url,
    "AWS::OpenSearchService::Domain": _domain,
    "AWS::S3::Bucket": _bucket,
}


RULE: Final = RiskRule(
    id="exposure",
    title="A way in from outside: addresses of the world, a public address or endpoint, a copy shared with all, public "
    "access that is no longer blocked, a call without sign-in: R3; what can become one: R2.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("the hooks open-security-groups and public-endpoints of this project",),
    of_change=_of_change,
)
