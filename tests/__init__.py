"""Tests. None sees the files that a site edits: this is set before anything of the project is imported."""

import os

from dev.services.clone import Clone

os.environ["BKSB_CONFIG"] = str(Clone().no_config)
