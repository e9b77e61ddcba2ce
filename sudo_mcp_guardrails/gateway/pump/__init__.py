"""The message pump: JSON-RPC between a client and a server, with the guard's checks in between.

Bytes go on as they came unless a check changed the message; what was checked and what goes on are one parse.
"""
