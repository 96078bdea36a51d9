"""Measures what the sync costs, side by side with what it could cost: ./run bench."""
