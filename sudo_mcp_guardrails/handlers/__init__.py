"""Lambda entry points: standard library and boto3 only."""
