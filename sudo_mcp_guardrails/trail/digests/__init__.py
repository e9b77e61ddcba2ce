"""CloudTrail's own proof of what it delivered: hourly digests, signed and chained; checked here without a network.

The rules are those of the CloudTrail user guide, "CloudTrail digest file structure" and "Custom implementations of
CloudTrail log file integrity validation", and of ``aws cloudtrail validate-logs``. The standard library is enough.
"""
