"""``python -m cc_fleet`` is ``cc-fleet``."""

from cc_fleet.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
