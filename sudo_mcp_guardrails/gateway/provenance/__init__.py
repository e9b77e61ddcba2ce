"""What was asked of which tool, where each argument came from, what was decided and what came back: signed."""
