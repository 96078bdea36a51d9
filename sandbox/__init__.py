"""A pretend bksb, MIS and mailbox, full of invented people, to run the whole sync against."""
