"""The CDK constructs: one a file, thin over the rooms that hold the policies as data."""
