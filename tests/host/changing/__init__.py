"""Changing a machine: attacked, killed at every step, without room, and raced."""
