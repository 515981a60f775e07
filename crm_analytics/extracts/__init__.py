"""At the door: read, recognise columns, check, and hand over a CustomerBase."""
