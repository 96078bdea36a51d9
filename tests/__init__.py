"""Tests. BKSB_CONFIG is set before the project is imported, so that no test reads the files that a site edits."""

import os

from dev.services.clone import Clone

os.environ["BKSB_CONFIG"] = str(Clone().no_config)
