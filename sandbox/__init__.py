"""A simulated bksb, MIS and mailbox with invented people, to run the whole sync against."""
