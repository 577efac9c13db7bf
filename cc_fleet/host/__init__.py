"""All that may run on a laptop: standard library only, Python 3.9, relative imports."""
