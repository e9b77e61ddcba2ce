from __future__ import annotations

from typing import Any

DENY_READ = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "NoRead", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}],
}


def test_rcp_denies_on_the_resource_of_a_member(organization: Any, member: Any, refusal: Any) -> None:
    s3 = member.client("s3")
    bucket = f"rcp-{member.id}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    role = member.role("reader", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    reader = member.client("s3", member.assume(role))
    assert refusal(lambda: reader.get_object(Bucket=bucket, Key="k")) == ""
    organization.attach_rcp("no-read", DENY_READ, organization.root_id)
    assert refusal(lambda: reader.get_object(Bucket=bucket, Key="k")) == "AccessDenied"
    assert refusal(lambda: reader.list_objects_v2(Bucket=bucket)) == ""
