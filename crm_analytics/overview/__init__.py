"""The state of the customer base: the figures a manager opens with."""
