"""How likely histories are under a model, and the numerics of finding the maximum."""
