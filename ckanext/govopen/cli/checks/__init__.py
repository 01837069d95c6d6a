"""What ``ckan govopen doctor`` looks at; each module is one area."""
