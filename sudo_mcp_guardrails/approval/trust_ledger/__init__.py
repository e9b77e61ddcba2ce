"""What the ledger of trust holds, and what it comes to when it is replayed."""
