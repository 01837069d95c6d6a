"""Who may see what: decided in :mod:`policy`, carried to every surface by the other modules."""
