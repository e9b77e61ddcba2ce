"""Gap: an HTTP API is reached in one account alone, its CORS from a template is lost, and it calls any function.

A request without a signature, as a browser sends it, reaches an API of any account. A template's CORS settings are
answered as those of the API's own operation; an API whose execute-api endpoint is disabled is reached by its domain
names alone; a function is called only where its policy lets `apigateway.amazonaws.com` invoke it for that API, stage
and route.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack import app as server
from ministack.core import iam_evaluator
from ministack.services import apigateway, apigateway_v1

from .attempts import PARTITION
from .support import after, truth

SERVICE = "apigateway.amazonaws.com"
_CORS = {
    "AllowOrigins": "allowOrigins",
    "AllowMethods": "allowMethods",
    "AllowHeaders": "allowHeaders",
    "ExposeHeaders": "exposeHeaders",
    "AllowCredentials": "allowCredentials",
    "MaxAge": "maxAge",
}
_by_domain: ContextVar[bool] = ContextVar("embedded_by_domain", default=False)


def install() -> None:
    """Apply the settings to APIs from templates, and ask for the function's policy."""
    after("AWS::ApiGatewayV2::Api", _configure)
    apigateway.find_api_scope = _api_scope
    apigateway_v1.find_domain_scope = _domain_scope
    _wrap_addresses()
    _wrap_integration()


def _api_scope(api_id: str) -> tuple[str, str] | None:
    """The account and Region of an API; its id is no other's."""
    for (account, region, stored), _ in apigateway._apis.all_items():
        if stored == api_id:
            return account, region
    return None


def _domain_scope(domain: str) -> tuple[str, str, str] | None:
    """The account and Region of a domain name, and the name as it is stored; one name is one account's at AWS."""
    for (account, region, stored), _ in apigateway_v1._domain_names.all_items():
        if stored.lower() == domain.lower():
            return account, region, stored
    return None


def _configure(api_id: str, _old: dict[str, Any], props: dict[str, Any]) -> None:
    api = apigateway._apis[api_id]
    cors = props.get("CorsConfiguration")
    if cors:
        found = {_CORS[name]: value for name, value in cors.items() if name in _CORS}
        if "allowCredentials" in found:
            found["allowCredentials"] = truth(found["allowCredentials"])
        if "maxAge" in found:
            found["maxAge"] = int(found["maxAge"])
        api["corsConfiguration"] = found
    api["disableExecuteApiEndpoint"] = truth(props.get("DisableExecuteApiEndpoint", False))


def _wrap_addresses() -> None:
    handle, resolve = server._handle_execute_api_request, server._resolve_custom_domain_request
    execute = apigateway.handle_execute

    def by_domain(host: str, path: str) -> Any:
        found = resolve(host, path)
        if found is not None:
            _by_domain.set(True)
        return found

    async def handle_request(*args: Any, **kwargs: Any) -> Any:
        _by_domain.set(False)
        return await handle(*args, **kwargs)

    async def handle_execute(api_id: str, *args: Any, **kwargs: Any) -> Any:
        scope = apigateway.find_api_scope(api_id)
        api = apigateway._apis.get_scoped(*scope, api_id) if scope else None
        if api and api.get("disableExecuteApiEndpoint") and not _by_domain.get():
            return apigateway._http_api_not_found()
        return await execute(api_id, *args, **kwargs)

    server._resolve_custom_domain_request = by_domain
    server._handle_execute_api_request = handle_request
    apigateway.handle_execute = handle_execute


def _wrap_integration() -> None:
    invoke = apigateway._invoke_lambda_proxy

    async def invoke_lambda_proxy(  # noqa: PLR0917 - ministack's signature
        integration: Any,
        api_id: str,
        stage: str,
        path: str,
        method: str,
        headers: Any,
        body: Any,
        query: Any,
        route_key: str = "$default",
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        account, region = kwargs["owner_account_id"], kwargs["owner_region"]
        function = apigateway._extract_lambda_ref_from_integration_uri(integration.get("integrationUri", ""))
        route = route_key.replace(" /", "/", 1).replace("ANY/", "*/", 1) if " " in route_key else route_key
        source = f"arn:{PARTITION}:execute-api:{region}:{account}:{api_id}/{stage}/{route}"
        if not _may_invoke(function, source, account, region):
            return 500, {"Content-Type": "application/json"}, b'{"message":"Internal Server Error"}'
        return await invoke(integration, api_id, stage, path, method, headers, body, query, route_key, *args, **kwargs)

    apigateway._invoke_lambda_proxy = invoke_lambda_proxy


def _may_invoke(function: str, source: str, account: str, region: str) -> bool:
    arn = function if function.startswith("arn:") else f"arn:{PARTITION}:lambda:{region}:{account}:function:{function}"
    found = iam_evaluator._resource_policy("lambda", arn)
    if found is None:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=SERVICE,
        principal_type="AWSService",
        principal_account=account,
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=region,
        service_context={
            "aws:sourcearn": source,
            "aws:sourceaccount": account,
            "aws:principalisawsservice": "true",
            "aws:principalservicename": SERVICE,
        },
    )
    return bool(iam_evaluator.evaluate_resource_policy(found[0], context, service=SERVICE).decision == "Allow")
