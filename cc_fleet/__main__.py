"""``python -m cc_fleet`` is ``cc-fleet``."""

from cc_fleet.cli import program

if __name__ == "__main__":
    program()
