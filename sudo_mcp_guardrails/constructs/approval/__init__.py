"""The approval workflow as constructs: its stores and keys, functions, state machine, API, notices and alarms."""
