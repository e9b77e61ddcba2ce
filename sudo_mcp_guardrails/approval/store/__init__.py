"""Where approvals are kept in AWS: evidence, bundles, tokens, credentials and the ledger of trust.

Everything here takes boto3's low-level clients as arguments and imports none; so a test gives it others.
"""
