"""How each column is read, which rows are good, which are set aside with one reason each, and what to look at in the rest."""
