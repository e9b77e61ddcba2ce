"""The chain of records of one approval, its heads, and what an auditor reads of it."""
