# ruff: noqa: E501 - scripts are as long as people write them
"""Honest scripts, as people and models write them for the AWS MCP Server."""

from __future__ import annotations

_SCRIPTS = r'''
resp = await call_boto3(service_name="s3", operation_name="ListBuckets")
return [b["Name"] for b in resp["Buckets"]]
----
result = await call_boto3(service_name="sts", operation_name="GetCallerIdentity", region_name="us-east-1", params={})
print(result)
----
import json
resp = await call_boto3(service_name="ec2", operation_name="DescribeInstances", region_name="eu-central-1")
rows = []
for reservation in resp.get("Reservations", []):
    for instance in reservation["Instances"]:
        rows.append({"id": instance["InstanceId"], "state": instance["State"]})
print(json.dumps(rows, default=str, indent=2))
----
regions = ["us-east-1", "us-west-2", "eu-west-1"]
counts = {}
for region in regions:
    resp = await call_boto3(service_name="lambda", operation_name="ListFunctions", region_name=region)
    counts[region] = len(resp["Functions"])
return counts
----
import asyncio
regions = ("us-east-1", "eu-central-1")
results = await asyncio.gather(*[
    call_boto3(service_name="ec2", operation_name="DescribeVolumes", region_name=r, params={"MaxResults": 100})
    for r in regions
])
return {r: len(x["Volumes"]) for r, x in zip(regions, results)}
----
tables = []
token = None
while True:
    params = {"Limit": 100}
    if token:
        params["ExclusiveStartTableName"] = token
    page = await call_boto3(service_name="dynamodb", operation_name="ListTables", params=params)
    tables.extend(page.get("TableNames", []))
    token = page.get("LastEvaluatedTableName") if len(tables) < 5 else None
    if not token:
        break
return tables
----
async def paginate(service, operation, key, params=None):
    items = []
    kwargs = dict(params or {})
    while True:
        page = await call_boto3(service_name=service, operation_name=operation, params=kwargs)
        items += page.get(key, [])
        if not page.get("NextToken"):
            return items
        kwargs["NextToken"] = page["NextToken"]

functions = await paginate("lambda", "ListFunctions", "Functions")
topics = await paginate("sns", "ListTopics", "Topics")
return {"functions": len(functions), "topics": len(topics)}
----
async def main():
    buckets = await call_boto3(service_name="s3", operation_name="ListBuckets")
    report = []
    for bucket in buckets["Buckets"]:
        name = bucket["Name"]
        try:
            enc = await call_boto3(service_name="s3", operation_name="GetBucketEncryption", params={"Bucket": name})
            report.append((name, enc["ServerSideEncryptionConfiguration"]))
        except Exception as error:
            report.append((name, str(error)))
    return report

return await main()
----
from datetime import datetime, timedelta, timezone
end = datetime.now(timezone.utc)
start = end - timedelta(days=7)
resp = await call_boto3(
    service_name="cloudwatch",
    operation_name="GetMetricStatistics",
    region_name="eu-west-1",
    params={
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "orders-api"}],
        "StartTime": start.isoformat(),
        "EndTime": end.isoformat(),
        "Period": 3600,
        "Statistics": ["Sum"],
    },
)
points = sorted(resp["Datapoints"], key=lambda p: p["Timestamp"])
return points
----
BUCKET = "release-bot-artifacts"
for key in ["a.txt", "b.txt", "c.txt"]:
    await call_boto3(service_name="s3", operation_name="DeleteObject", params={"Bucket": BUCKET, "Key": key})
----
ENV = "dev"
name = f"app-{ENV}-queue"
q = await call_boto3(service_name="sqs", operation_name="GetQueueUrl", params={"QueueName": name})
attrs = await call_boto3(service_name="sqs", operation_name="GetQueueAttributes",
                         params={"QueueUrl": q["QueueUrl"], "AttributeNames": ["All"]})
print(attrs["Attributes"])
----
checks = [("ec2", "DescribeVpcs"), ("rds", "DescribeDBInstances"), ("eks", "ListClusters")]
out = {}
for service, operation in checks:
    try:
        out[service] = await call_boto3(service_name=service, operation_name=operation, region_name="us-east-1")
    except Exception as e:
        out[service] = {"error": type(e).__name__, "message": str(e)}
return out
----
resp = await call_boto3(service_name="dynamodb", operation_name="PutItem", region_name="eu-central-1", params={
    "TableName": "release-bot-state",
    "Item": {"pk": {"S": "run#1"}, "count": {"N": "3"}, "tags": {"SS": ["a", "b"]}},
})
return resp
----
for n in range(3):
    await call_boto3(service_name="sns", operation_name="CreateTopic", params={"Name": f"release-bot-{n}"})
----
tags = {"team": "platform", "env": "dev"}
await call_boto3(
    service_name="s3", operation_name="PutBucketTagging",
    params={"Bucket": "release-bot-data", "Tagging": {"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}},
)
----
names = ["alpha", "beta"]
base = {"Runtime": "python3.12", "Timeout": 30}
for n in names:
    await call_boto3(service_name="lambda", operation_name="UpdateFunctionConfiguration",
                     params={"FunctionName": "release-bot-" + n, **base})
----
REGION = "eu-central-1"
async def call(op, **kw):
    return await call_boto3(service_name="ec2", operation_name=op, region_name=REGION, params=kw)

a = await call("DescribeVpcs")
b = await call("DescribeSubnets", Filters=[{"Name": "vpc-id", "Values": [a["Vpcs"][0]["VpcId"]]}])
return len(b["Subnets"])
----
async def tagged(service, op, region):
    r = await call_boto3(service_name=service, operation_name=op, region_name=region)
    return r

import asyncio
jobs = [tagged(s, o, r) for s, o in [("lambda", "ListFunctions"), ("sqs", "ListQueues")] for r in ["us-east-1", "eu-west-1"]]
return len(await asyncio.gather(*jobs))
----
resp = await call_boto3(service_name="iam", operation_name="ListRoles", params={"MaxItems": 50})
risky = []
for role in resp["Roles"]:
    attached = await call_boto3(service_name="iam", operation_name="ListAttachedRolePolicies", params={"RoleName": role["RoleName"]})
    if any(p["PolicyName"] == "AdministratorAccess" for p in attached["AttachedPolicies"]):
        risky.append(role["RoleName"])
return sorted(set(risky))
----
import re
resp = await call_boto3(service_name="logs", operation_name="DescribeLogGroups", params={"logGroupNamePrefix": "/aws/lambda/"})
pattern = re.compile(r"/aws/lambda/(?P<name>.+)")
names = []
for group in resp["logGroups"]:
    m = pattern.match(group["logGroupName"])
    if m:
        names.append(m.group("name"))
return names
----
import time
q = await call_boto3(service_name="logs", operation_name="StartQuery", params={
    "logGroupName": "/aws/lambda/orders", "startTime": 1, "endTime": 2, "queryString": "fields @message | limit 5"})
for _ in range(3):
    r = await call_boto3(service_name="logs", operation_name="GetQueryResults", params={"queryId": q["queryId"]})
    if r["status"] == "Complete":
        break
    time.sleep(0)
return r["results"]
----
from collections import Counter, defaultdict
resp = await call_boto3(service_name="ec2", operation_name="DescribeInstances")
by_type = Counter()
by_az = defaultdict(list)
for res in resp["Reservations"]:
    for i in res["Instances"]:
        by_type[str(i["InstanceType"])] += 1
        by_az[str(i["Placement"])].append(i["InstanceId"])
return {"types": dict(by_type), "zones": {k: len(v) for k, v in by_az.items()}}
----
stacks = await call_boto3(service_name="cloudformation", operation_name="ListStacks",
                          params={"StackStatusFilter": ["CREATE_COMPLETE", "UPDATE_COMPLETE"]})
print("\n".join(f"{s['StackName']}: {s['StackStatus']}" for s in stacks["StackSummaries"]))
----
import json
template = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
await call_boto3(service_name="cloudformation", operation_name="CreateChangeSet", params={
    "StackName": "release-bot-demo", "ChangeSetName": "one", "ChangeSetType": "CREATE", "TemplateBody": template})
----
import json
desired = json.dumps({"BucketName": "release-bot-x"})
await call_boto3(service_name="cloudcontrol", operation_name="CreateResource",
                 params={"TypeName": "AWS::S3::Bucket", "DesiredState": desired})
----
import uuid
await call_boto3(service_name="sns", operation_name="Publish", params={
    "TopicArn": "arn:aws:sns:eu-central-1:111111111111:release-bot", "Message": f"run {uuid.uuid4()}"})
----
import hashlib, base64
body = "hello"
digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
await call_boto3(service_name="s3", operation_name="PutObject", params={
    "Bucket": "release-bot-data", "Key": "hello.txt", "Body": body, "ChecksumSHA256": digest})
----
total = 0
for prefix in ("logs/", "data/"):
    page = await call_boto3(service_name="s3", operation_name="ListObjectsV2", params={"Bucket": "release-bot-data", "Prefix": prefix})
    total += sum(1 for o in page.get("Contents", []))
return total
----
config = {"bucket": "release-bot-data", "keys": ["x", "y"]}
for key in config["keys"]:
    r = await call_boto3(service_name="s3", operation_name="HeadObject", params={"Bucket": config["bucket"], "Key": key})
    print(key, r.get("ContentLength"))
----
pairs = {"us-east-1": "alpha", "eu-west-1": "beta"}
for region, table in pairs.items():
    d = await call_boto3(service_name="dynamodb", operation_name="DescribeTable", region_name=region, params={"TableName": table})
    print(region, d["Table"])
----
async def describe(name: str, region: str = "eu-central-1") -> dict:
    """Describe a function."""
    return await call_boto3(service_name="lambda", operation_name="GetFunctionConfiguration", region_name=region,
                            params={"FunctionName": name})

one = await describe("release-bot-a")
two = await describe("release-bot-b", region="us-east-1")
return one, two
----
def summarize(items, key="Name"):
    return [i.get(key) for i in items if i]

resp = await call_boto3(service_name="ecs", operation_name="ListClusters")
detail = await call_boto3(service_name="ecs", operation_name="DescribeClusters", params={"clusters": resp["clusterArns"]})
return summarize(detail["clusters"], key="clusterName")
----
try:
    await call_boto3(service_name="s3", operation_name="HeadBucket", params={"Bucket": "release-bot-data"})
    exists = True
except Exception:
    exists = False
finally:
    print("checked")
if not exists:
    await call_boto3(service_name="s3", operation_name="CreateBucket", params={
        "Bucket": "release-bot-data", "CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}})
----
params = {"InstanceIds": ["i-0123456789abcdef0"]}
await call_boto3(service_name="ec2", operation_name="StopInstances", region_name="eu-central-1", params=params)
await call_boto3(service_name="ec2", operation_name="DescribeInstances", region_name="eu-central-1", params=params)
----
import asyncio
sem = asyncio.Semaphore(5)
async def one(name):
    async with sem:
        return await call_boto3(service_name="lambda", operation_name="ListTags", params={"Resource": name})
arns = [f"arn:aws:lambda:eu-central-1:111111111111:function:release-bot-{i}" for i in range(4)]
return await asyncio.gather(*(one(a) for a in arns))
----
ops = {"roles": ("ListRoles", "Roles"), "users": ("ListUsers", "Users"), "groups": ("ListGroups", "Groups")}
result = {}
for label, (op, key) in ops.items():
    r = await call_boto3(service_name="iam", operation_name=op)
    result[label] = len(r[key])
return result
----
kms = await call_boto3(service_name="kms", operation_name="ListKeys")
rotated = 0
for k in kms["Keys"]:
    r = await call_boto3(service_name="kms", operation_name="GetKeyRotationStatus", params={"KeyId": k["KeyId"]})
    rotated += 1 if r.get("KeyRotationEnabled") else 0
assert rotated >= 0
return f"{rotated}/{len(kms['Keys'])}"
----
r = await call_boto3(service_name="ssm", operation_name="GetParametersByPath", params={"Path": "/release-bot/", "Recursive": True})
return {p["Name"]: len(p["Value"]) for p in r["Parameters"]}
----
groups = await call_boto3(service_name="ec2", operation_name="DescribeSecurityGroups", params={
    "Filters": [{"Name": "ip-permission.cidr", "Values": ["0.0.0.0/0"]}]})
open_groups = []
for g in groups["SecurityGroups"]:
    for rule in g["IpPermissions"]:
        open_groups.append(g["GroupId"])
        break
    else:
        continue
return open_groups
----
SERVICES = ["lambda", "sqs", "sns"]
OPS = ["ListFunctions", "ListQueues", "ListTopics"]
for s, o in zip(SERVICES, OPS):
    await call_boto3(service_name=s, operation_name=o)
----
for i, region in enumerate(["us-east-1", "us-west-2"]):
    print(i, await call_boto3(service_name="sqs", operation_name="ListQueues", region_name=region))
----
resource = "release-bot-table"
for action in ("UpdateTimeToLive",):
    await call_boto3(service_name="dynamodb", operation_name=action, params={
        "TableName": resource, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ttl"}})
----
account = (await call_boto3(service_name="sts", operation_name="GetCallerIdentity"))["Account"]
topic = f"arn:aws:sns:eu-central-1:{account}:release-bot"
await call_boto3(service_name="sns", operation_name="GetTopicAttributes", params={"TopicArn": topic})
----
async def get(bucket):
    loc = await call_boto3(service_name="s3", operation_name="GetBucketLocation", params={"Bucket": bucket})
    return bucket, loc.get("LocationConstraint") or "us-east-1"
out = dict([await get(b) for b in ["release-bot-a", "release-bot-b"]])
return out
----
resp = await call_boto3(service_name="events", operation_name="PutRule", params={
    "Name": "release-bot-nightly", "ScheduleExpression": "rate(1 day)", "State": "DISABLED"})
await call_boto3(service_name="events", operation_name="DeleteRule", params={"Name": "release-bot-nightly"})
----
LIMIT = 2
items = [{"id": {"S": str(i)}} for i in range(4)]
for item in items[:LIMIT]:
    await call_boto3(service_name="dynamodb", operation_name="DeleteItem", params={"TableName": "release-bot-state", "Key": item})
----
import json
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::release-bot-data/*"}]}
await call_boto3(service_name="s3", operation_name="PutBucketPolicy", params={"Bucket": "release-bot-data", "Policy": json.dumps(policy)})
----
if (r := await call_boto3(service_name="s3", operation_name="ListBuckets")):
    print(len(r["Buckets"]))
----
r = await call_boto3(service_name="ec2", operation_name="DescribeRegions")
names = [x["RegionName"] for x in r["Regions"]]
for name in names:
    await call_boto3(service_name="ec2", operation_name="DescribeInstances", region_name=name)
----
versions = await call_boto3(service_name="s3", operation_name="ListObjectVersions", params={"Bucket": "release-bot-data"})
to_delete = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions.get("Versions", [])]
if to_delete:
    await call_boto3(service_name="s3", operation_name="DeleteObjects", params={
        "Bucket": "release-bot-data", "Delete": {"Objects": to_delete, "Quiet": True}})
----
from typing import Any, Dict, List
async def fetch(op: str, **params: Any) -> Dict[str, Any]:
    return await call_boto3(service_name="rds", operation_name=op, params=params)
snapshots: List[Any] = (await fetch("DescribeDBSnapshots", SnapshotType="manual"))["DBSnapshots"]
old = [s for s in snapshots if str(s["SnapshotCreateTime"]) < "2026-01-01"]
return len(old)
----
import math
from statistics import mean
r = await call_boto3(service_name="cloudwatch", operation_name="DescribeAlarms", params={"StateValue": "ALARM"})
print(math.ceil(mean([len(a) for a in r["MetricAlarms"]] or [0])))
----
p = {"logGroupName": "/aws/lambda/a", "limit": 10}
p2 = {**p, "filterPattern": "ERROR"}
first = await call_boto3(service_name="logs", operation_name="FilterLogEvents", params=p)
second = await call_boto3(service_name="logs", operation_name="FilterLogEvents", params=p2)
return len(first["events"]), len(second["events"])
----
async def ensure(name, kind="standard"):
    attributes = {"FifoQueue": "true"} if kind == "fifo" else {}
    return await call_boto3(service_name="sqs", operation_name="CreateQueue", params={"QueueName": name, "Attributes": attributes})
await ensure("release-bot-a")
await ensure("release-bot-b.fifo", kind="fifo")
----
found = []
for family in ["web", "worker"]:
    resp = await call_boto3(service_name="ecs", operation_name="ListTaskDefinitions", params={"familyPrefix": family, "sort": "DESC"})
    arns = resp["taskDefinitionArns"]
    if not arns:
        continue
    latest = arns[0]
    td = await call_boto3(service_name="ecs", operation_name="DescribeTaskDefinition", params={"taskDefinition": latest})
    found.append(td["taskDefinition"])
return found
----
client = "lambda"
await call_boto3(service_name=client, operation_name="Invoke", params={
    "FunctionName": "release-bot-hello", "InvocationType": "RequestResponse", "Payload": b"{}"})
----
w = {"a": 1}
x = [k.upper() for k in w]
y = {k: v for k, v in w.items() if v}
z = {v for v in w.values()}
print(x, y, z, lambda q: q, w["a"] if w else None, not w, -1, 1 < 2 < 3, "a" in w)
await call_boto3(service_name="s3", operation_name="ListBuckets")
----
import asyncio
async def worker(queue_name):
    for attempt in range(2):
        try:
            return await call_boto3(service_name="sqs", operation_name="GetQueueUrl", params={"QueueName": queue_name})
        except Exception as exc:
            if "Throttling" not in str(exc):
                raise
            await asyncio.sleep(0)
return await asyncio.gather(worker("release-bot-a"), worker("release-bot-b"))
----
keys = []
kwargs = {"Bucket": "release-bot-data", "MaxKeys": 1000}
while True:
    page = await call_boto3(service_name="s3", operation_name="ListObjectsV2", params=kwargs)
    keys += [c["Key"] for c in page.get("Contents", [])]
    if not page.get("IsTruncated"):
        break
    kwargs["ContinuationToken"] = page["NextContinuationToken"]
return len(keys)
----
import datetime as dt
today = dt.date.today()
first = today.replace(day=1)
r = await call_boto3(service_name="ce", operation_name="GetCostAndUsage", region_name="us-east-1", params={
    "TimePeriod": {"Start": str(first), "End": str(today)}, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"]})
return r["ResultsByTime"]
----
pipelines = ["release-bot-web", "release-bot-api"]
state = {p: (await call_boto3(service_name="codepipeline", operation_name="GetPipelineState", params={"name": p}))["stageStates"] for p in pipelines}
return state
----
for table, index in [("release-bot-a", "by-date"), ("release-bot-b", "by-owner")]:
    request = {"TableName": table, "IndexName": index, "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "x"}}}
    await call_boto3(service_name="dynamodb", operation_name="Query", params=request)
----
machine = "arn:aws:states:eu-central-1:111111111111:stateMachine:release-bot"
run = await call_boto3(service_name="stepfunctions", operation_name="StartExecution", params={"stateMachineArn": machine, "input": "{}"})
status = await call_boto3(service_name="stepfunctions", operation_name="DescribeExecution", params={"executionArn": run["executionArn"]})
return status["status"]
----
secret = await call_boto3(service_name="secretsmanager", operation_name="DescribeSecret", params={"SecretId": "release-bot/db"})
return secret.get("RotationEnabled", False)
'''

BENIGN = tuple(script.strip("\n") for script in _SCRIPTS.split("\n----\n"))
