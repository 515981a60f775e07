"""How the bytes of a text file become rows of cells, whatever its encoding and dialect."""
