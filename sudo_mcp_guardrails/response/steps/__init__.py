"""The kinds of steps: what each reads first, calls, leaves behind, and calls to undo it."""
