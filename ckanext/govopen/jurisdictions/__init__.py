"""The regulations as data; README.md says how to write one."""
