"""The approval page: plain HTML, CSS and ES modules, served as they stand."""
