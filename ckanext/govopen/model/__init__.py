"""Tables and migrations: turns rows into the objects of ``domain`` and back."""
