"""Parameters of actions: read strictly, refused with the name of the field."""
