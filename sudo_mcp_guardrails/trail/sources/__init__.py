"""Where trail files stand: a directory, or S3; and what CloudTrail's names for them tell."""
