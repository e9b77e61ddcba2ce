"""Parts of the kill switch: stores, functions, the state machine, what each account and the organization has."""
