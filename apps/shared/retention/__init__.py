"""The parts of the page on retention, each worked out only when it is looked at."""
