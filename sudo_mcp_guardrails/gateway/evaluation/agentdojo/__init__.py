"""AgentDojo by replay: an agent that obeys every injection, scored by AgentDojo's own checkers."""
