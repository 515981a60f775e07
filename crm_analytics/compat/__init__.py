"""Doors for people who come from other libraries: the names they know over the models of this one."""
