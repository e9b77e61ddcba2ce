"""The lint's rules: one module for each subject, put together by :mod:`sudo_mcp_guardrails.iam.lint`."""
