"""Gap: KmsKeyArn, ReservedConcurrentExecutions and VpcConfig of AWS::Lambda::Function are dropped in silence.

ministack 1.5.33 keeps them where the API gives them, and its CloudFormation handler reads none. The key must
be there and usable, here as at every invocation: at AWS a function whose environment cannot be decrypted does not run.
Subnets and security groups must be there, and of one VPC. The network itself does not exist: a function is a process
of this host, whatever VPC it is said to be in, so no isolation is shown by it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import ec2, kms, lambda_svc

from .support import after

if TYPE_CHECKING:
    from .support import Props


def _apply(name: str, old: Props, new: Props) -> None:
    config = lambda_svc._functions[name]["config"]
    key, vpc, reserved = (new.get(member) for member in ("KmsKeyArn", "VpcConfig", "ReservedConcurrentExecutions"))
    lambda_svc._functions[name]["concurrency"] = None if reserved is None else int(reserved)
    if key:
        _check_key(key)
        config["KMSKeyArn"] = key
    elif old.get("KmsKeyArn"):
        config["KMSKeyArn"] = ""
    if vpc:
        config["VpcConfig"] = _network(vpc)
    elif old.get("VpcConfig"):
        config["VpcConfig"] = lambda_svc._vpc_config_with_id(None)


def _check_key(key: str) -> None:
    record = kms._resolve_key(key)
    if record is None or record["KeyState"] != "Enabled":
        state = "there is no such key" if record is None else f"it is {record['KeyState']}"
        message = f"KmsKeyArn {key} cannot encrypt the function's environment, {state}"
        raise ValueError(message)


def _network(vpc: Props) -> dict[str, Any]:
    subnets, groups = vpc.get("SubnetIds") or [], vpc.get("SecurityGroupIds") or []
    config: dict[str, Any] = lambda_svc._vpc_config_with_id(
        {
            "SubnetIds": subnets,
            "SecurityGroupIds": groups,
            "Ipv6AllowedForDualStack": vpc.get("Ipv6AllowedForDualStack", False),
        }
    )
    if not subnets or not groups or not config["VpcId"]:
        message = f"VpcConfig needs subnets of one VPC and security groups, not {subnets} and {groups}"
        raise ValueError(message)
    strange = [group for group in groups if (ec2._security_groups.get(group) or {}).get("VpcId") != config["VpcId"]]
    if strange:
        message = f"VpcConfig's security group {strange[0]} is not of {config['VpcId']}"
        raise ValueError(message)
    return config


def install() -> None:
    """Apply the properties after the function was created or updated, and ask for the key at each invocation."""
    after("AWS::Lambda::Function", _apply)
    execute = lambda_svc._execute_function

    def execute_with_key(func: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        key = (func.get("config") or func).get("KMSKeyArn")
        record = kms._resolve_key(key) if key else None
        if key and (record is None or record["KeyState"] != "Enabled"):
            message = f"Lambda was unable to decrypt the environment variables because KMS key {key} is not usable"
            return {"body": {"errorType": "KMSDisabledException", "errorMessage": message}, "error": True}
        answer: dict[str, Any] = execute(func, event)
        return answer

    lambda_svc._execute_function = execute_with_key
