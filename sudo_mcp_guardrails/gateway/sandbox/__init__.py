"""The sandbox: servers nobody trusts, run on Linux with no network, no home and no credentials."""
