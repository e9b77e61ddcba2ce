"""Detections over CloudTrail: rules, correlations and baselines, and the findings that they make.

Standard library alone: the same code runs in the Lambda function, in ``mcp-guardrails detect`` and over a store. Rules
are written in Sigma's format; :mod:`sudo_mcp_guardrails.detection.sigma` reads it with pySigma, outside of Lambda, and
hands on data.
"""
