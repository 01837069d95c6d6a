"""Government open-data portal under Chinese data-opening law, as a CKAN extension."""
