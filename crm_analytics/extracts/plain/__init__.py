"""Text without quotes read straight to numbers, thousands of cells at a time."""
