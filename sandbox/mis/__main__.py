"""Fills the simulated MIS of a container: python -m sandbox.mis --data FOLDER --password-file FILE.

The variables PGHOST, PGUSER and PGDATABASE name the database.
"""

import argparse
from contextlib import closing
from pathlib import Path

import psycopg2

from sandbox.mis.database import fill
from sandbox.world.storage import load_or_create


def main() -> None:
    """Fill the database with the world of a folder, unless it holds people already."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.mis", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sandbox")
    parser.add_argument("--learners", type=int, help="people in a new sandbox (default: 600)")
    parser.add_argument("--password-file", type=Path, required=True, help="file with the password of PGUSER")
    options = parser.parse_args()
    world = load_or_create(options.data, options.learners)
    with closing(psycopg2.connect(password=options.password_file.read_text(encoding="utf-8"))) as database:
        filled = fill(database, world)
    print("The MIS was filled." if filled else "The MIS holds people already.")


if __name__ == "__main__":
    main()
