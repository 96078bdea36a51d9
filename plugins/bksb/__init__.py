"""Keeps a training provider's MIS and the bksb assessment platform in step."""
