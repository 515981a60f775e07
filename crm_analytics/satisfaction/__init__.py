"""What makes customers satisfied: scores, their drivers, what to fix first, complaints and what they cost."""
