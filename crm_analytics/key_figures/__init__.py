"""Key figures: what a manager opens with."""
