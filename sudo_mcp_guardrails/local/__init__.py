"""What runs on one laptop: the embedded AWS, and the scenarios that are played on it."""
