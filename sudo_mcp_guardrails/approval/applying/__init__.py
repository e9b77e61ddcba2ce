"""The apply broker: it reads a plan again, and carries out exactly what was approved, once. Clients are arguments."""
