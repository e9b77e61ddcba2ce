"""That a person was there a moment ago, and decided this very thing."""
