"""The commands: actions, their authorisation and validators, and what follows a commit."""
