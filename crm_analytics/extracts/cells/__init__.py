"""What is written in a cell: a number, a date, an answer, an id, or nothing."""
