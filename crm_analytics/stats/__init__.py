"""Numerics on arrays and small frames. Knows no business."""
