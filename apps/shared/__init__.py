"""What the pages share: the base in use, the filter bar, and how a result is shown."""
