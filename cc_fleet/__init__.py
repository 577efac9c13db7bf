"""cc-fleet keeps Claude Code working, and as the platform team wants it, on a fleet."""

__version__ = "0.1.0"
