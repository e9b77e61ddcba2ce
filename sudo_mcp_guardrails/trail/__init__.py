"""CloudTrail as data: read it, lead every event back to an agent's run, and keep it where it can be searched.

No CDK and, but for the sinks and sources that talk to AWS, no boto3: the same code runs in the Lambda function, in
``mcp-guardrails trail`` and in tests.
"""
