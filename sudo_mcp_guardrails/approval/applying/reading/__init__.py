"""What a plan is read from: change sets as AWS has them, bundles that were submitted, versions of what lies outside."""
