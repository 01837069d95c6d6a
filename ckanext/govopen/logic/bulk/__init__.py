"""Writing many datasets at once by CKAN's own rules: see docs/decisions for what is kept."""
