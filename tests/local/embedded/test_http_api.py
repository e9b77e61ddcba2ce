"""An HTTP API from a template, with a JWT authorizer in front of a function, as a browser reaches it."""

from __future__ import annotations

import base64
import http.client
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sudo_mcp_guardrails.local.oidc import Client, OidcProvider, Person, sign_in
from tests.local.embedded.conftest import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

ADA = Person("ada", "correct horse")
BACK = "http://approvals.localhost/"
CODE = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
PAGE = "https://page.example.com"


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider([ADA], [Client("page", (BACK,))]) as running:
        yield running


def template(account: Account, issuer: str, **changes: Any) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = {
        "Fn::Join": [
            "",
            [f"arn:aws:execute-api:us-east-1:{account.id}:", {"Ref": "Api"}, changes.get("permitted", "/*/*")],
        ]
    }
    target = {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]}
    function = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": account.role("f", trust=trust),
        "Code": {"ZipFile": CODE},
    }
    return {
        "Resources": {
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "Action": "lambda:InvokeFunction",
                    "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                    "Principal": "apigateway.amazonaws.com",
                    "SourceArn": arn,
                },
            },
            "Api": {
                "Type": "AWS::ApiGatewayV2::Api",
                "Properties": {
                    "Name": "approvals",
                    "ProtocolType": "HTTP",
                    "CorsConfiguration": {
                        "AllowOrigins": [PAGE],
                        "AllowMethods": ["GET", "POST"],
                        "AllowHeaders": ["authorization"],
                    },
                    **changes.get("api", {}),
                },
            },
            "Integration": {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": {"Fn::GetAtt": ["Function", "Arn"]},
                    "PayloadFormatVersion": "2.0",
                },
            },
            "Authorizer": {
                "Type": "AWS::ApiGatewayV2::Authorizer",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "AuthorizerType": "JWT",
                    "IdentitySource": ["$request.header.Authorization"],
                    "Name": "people",
                    "JwtConfiguration": {"Audience": changes.get("audience", ["page"]), "Issuer": issuer},
                },
            },
            "Private": {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "RouteKey": "ANY /api/{proxy+}",
                    "AuthorizationType": "JWT",
                    "AuthorizerId": {"Ref": "Authorizer"},
                    "Target": target,
                },
            },
            "Scoped": {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "RouteKey": "GET /api/scoped",
                    "AuthorizationType": "JWT",
                    "AuthorizationScopes": ["approve"],
                    "AuthorizerId": {"Ref": "Authorizer"},
                    "Target": target,
                },
            },
            "Public": {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "$default", "Target": target},
            },
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
            },
            **changes.get("more", {}),
        },
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}},
    }


class Site:
    """What a browser sees of a deployed API."""

    def __init__(self, account: Account, issuer: str, **changes: Any) -> None:
        assert account.deploy(template(account, issuer, **changes), name="site") == "CREATE_COMPLETE", account.reasons(
            "site"
        )
        [stack] = account.client("cloudformation").describe_stacks(StackName="site")["Stacks"]
        self.url = stack["Outputs"][0]["OutputValue"]
        self.host = urlsplit(self.url).netloc
        self.server = urlsplit(account.aws.endpoint_url).netloc

    def get(self, path: str, token: str = "", *, method: str = "GET", host: str = "", **headers: str) -> Any:
        # A browser resolves *.localhost to loopback by itself; http.client is told where that is.
        connection = http.client.HTTPConnection(self.server, timeout=20)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, headers={"Host": host or self.host, **headers})
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        connection.close()
        return answer


@pytest.fixture(scope="module")
def shared_site(aws: EmbeddedAws, provider: OidcProvider) -> Site:
    """One site for the tests that only read, in an account of its own."""
    return Site(Account(aws, "200000999001"), provider.issuer)


@pytest.fixture
def site(account: Account, provider: OidcProvider) -> Site:
    return Site(account, provider.issuer)


def test_stock_takes_a_token_without_an_expiry(
    account_on: Callable[[EmbeddedAws], Account],
    aws_without: Callable[..., EmbeddedAws],
    site: Site,
    provider: OidcProvider,
) -> None:
    forever = provider.key.token({"iss": provider.issuer, "aud": "page", "sub": "ada"})
    stock = Site(account_on(aws_without("jwt_authorizer")), provider.issuer)
    assert stock.get("/api/me", forever).status == 200
    assert site.get("/api/me", forever).status == 401


def test_stock_serves_no_api_of_another_account(stock_account: Account, provider: OidcProvider) -> None:
    assert Site(stock_account, provider.issuer).get("/").status == 404


def test_a_signed_in_person_comes_in_with_claims_as_text(site: Site, provider: OidcProvider) -> None:
    tokens = sign_in(provider.issuer, "page", BACK, ADA)
    answer = site.get("/api/approvals/apr-1?state=open", tokens["id_token"])
    assert answer.status == 200
    event = json.loads(answer.text)
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    assert claims["sub"] == "ada"
    assert claims["amr"] == "[pwd otp mfa]"
    assert claims["auth_time"].isdigit()
    assert (event["rawPath"], event["queryStringParameters"]) == ("/api/approvals/apr-1", {"state": "open"})
    assert event["headers"]["host"] == site.host
    assert site.get("/api/me", tokens["access_token"]).status == 200


def test_a_page_needs_no_token_and_a_foreign_one_changes_nothing(site: Site) -> None:
    answer = site.get("/")
    assert answer.status == 200
    assert "authorizer" not in json.loads(answer.text)["requestContext"]


def other_key(provider: OidcProvider) -> str:
    return OidcProvider([ADA]).key.token({"iss": provider.issuer, "aud": "page", "exp": int(time.time()) + 60})


def unsigned(provider: OidcProvider) -> str:
    parts = provider.issue(ADA, "page").split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": provider.key.kid}).encode()).decode()
    return f"{header.rstrip('=')}.{parts[1]}."


def tampered(provider: OidcProvider) -> str:
    header, body, signature = provider.issue(ADA, "page").split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "bob"}).encode()).decode().rstrip("=")
    return f"{header}.{changed}.{signature}"


WRONG: dict[str, Callable[[OidcProvider], str]] = {
    "nothing": lambda _: "",
    "no token": lambda _: "hello",
    "three words": lambda _: "a.b.c",
    "another key": other_key,
    "no signature": unsigned,
    "other claims": tampered,
    "another issuer": lambda p: p.issue(ADA, "page", claims={"iss": "https://elsewhere.example"}),
    "another audience": lambda p: p.issue(ADA, "other"),
    "no audience": lambda p: p.issue(ADA, "page", claims={"aud": None}),
    "an audience beside the client": lambda p: p.issue(ADA, "other", claims={"client_id": "page"}),
    "expired": lambda p: p.issue(ADA, "page", claims={"exp": int(time.time()) - 1}),
    "expiry as text": lambda p: p.issue(ADA, "page", claims={"exp": str(int(time.time()) + 60)}),
    "not yet": lambda p: p.issue(ADA, "page", claims={"nbf": int(time.time()) + 60}),
    "made tomorrow": lambda p: p.issue(ADA, "page", claims={"iat": int(time.time()) + 86_400}),
    "too long": lambda p: p.issue(ADA, "page", claims={"x": "y" * 9000}),
}


@pytest.mark.parametrize("what", WRONG)
def test_whatever_is_wrong_is_unauthorized(shared_site: Site, provider: OidcProvider, what: str) -> None:
    answer = shared_site.get("/api/me", WRONG[what](provider))
    assert (answer.status, json.loads(answer.text)) == (401, {"message": "Unauthorized"})


def test_a_token_may_be_for_several_or_name_its_client(shared_site: Site, provider: OidcProvider) -> None:
    assert shared_site.get("/api/me", provider.issue(ADA, "page", claims={"aud": ["x", "page"]})).status == 200
    only_client = provider.key.token(
        {"iss": provider.issuer, "client_id": "page", "sub": "ada", "exp": int(time.time()) + 60}
    )
    assert shared_site.get("/api/me", only_client).status == 200


def test_a_scope_is_forbidden_to_who_lacks_it(shared_site: Site, provider: OidcProvider) -> None:
    assert shared_site.get("/api/scoped", provider.issue(ADA, "page")).status == 403
    assert shared_site.get("/api/scoped", provider.issue(ADA, "page", claims={"scope": "openid approve"})).status == 200
    assert shared_site.get("/api/scoped", provider.issue(ADA, "page", claims={"scp": ["approve"]})).status == 200


def test_an_issuer_that_does_not_answer_lets_nobody_in(account: Account, provider: OidcProvider) -> None:
    with OidcProvider([ADA]) as gone:
        issuer = gone.issuer
        token = gone.issue(ADA, "page")
    site = Site(account, issuer)
    assert site.get("/api/me", token).status == 401
    assert site.get("/api/me", provider.issue(ADA, "page", claims={"iss": issuer})).status == 401


def test_cors_is_the_templates(shared_site: Site, provider: OidcProvider) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "GET"}
    answer = shared_site.get("/api/me", method="OPTIONS", **asked)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    foreign = shared_site.get("/api/me", method="OPTIONS", Origin="https://evil.example")
    assert foreign.headers["Access-Control-Allow-Origin"] is None
    answer = shared_site.get("/api/me", provider.issue(ADA, "page"), Origin=PAGE)
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_the_function_must_let_the_api_call_it(account: Account, provider: OidcProvider) -> None:
    site = Site(account, provider.issuer, permitted="/*/*/api/{proxy+}")
    assert site.get("/api/me", provider.issue(ADA, "page")).status == 200
    assert site.get("/").status == 500


def test_a_domain_name_can_be_the_only_way_in(account: Account, provider: OidcProvider) -> None:
    domain = f"approvals-{account.id}.localhost"
    more = {
        "Domain": {
            "Type": "AWS::ApiGatewayV2::DomainName",
            "Properties": {
                "DomainName": domain,
                "DomainNameConfigurations": [
                    {"CertificateArn": f"arn:aws:acm:us-east-1:{account.id}:certificate/x", "EndpointType": "REGIONAL"}
                ],
            },
        },
        "Mapping": {
            "Type": "AWS::ApiGatewayV2::ApiMapping",
            "Properties": {"ApiId": {"Ref": "Api"}, "DomainName": {"Ref": "Domain"}, "Stage": {"Ref": "Stage"}},
        },
    }
    site = Site(account, provider.issuer, more=more, api={"DisableExecuteApiEndpoint": True})
    token = provider.issue(ADA, "page")
    port = site.server.rsplit(":", 1)[1]
    assert site.get("/api/me", token, host=f"{domain}:{port}").status == 200
    assert site.get("/api/me", host=f"{domain}:{port}").status == 401
    assert site.get("/api/me", token).status == 404
    by_path = f"/_aws/execute-api/{site.host.split('.')[0]}/$default/api/me"
    assert site.get(by_path, token, host=site.server).status == 404


def test_the_api_is_reached_by_a_path_too(shared_site: Site, provider: OidcProvider) -> None:
    path = f"/_aws/execute-api/{shared_site.host.split('.')[0]}/$default/api/me"
    assert shared_site.get(path, provider.issue(ADA, "page"), host=shared_site.server).status == 200
    assert shared_site.get(path, host=shared_site.server).status == 401
