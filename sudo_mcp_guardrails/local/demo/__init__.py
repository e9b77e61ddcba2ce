"""The demo: two agents, deployed to the embedded AWS and played against it."""
