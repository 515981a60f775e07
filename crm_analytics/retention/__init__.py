"""Whether customers stay: cohorts, survival, repeat purchase, life cycle, revenue retention."""
