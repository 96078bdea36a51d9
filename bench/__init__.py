"""./run bench: measures the speed of the sync, and compares it with targets and with other ways to do the same."""
