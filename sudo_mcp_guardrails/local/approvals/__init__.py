"""The approval workflow on the embedded AWS: what is deployed, its made-up people, and both sides of it, scripted."""
