"""What stands where: the table among the rows, which column is which, and which table it is."""
