"""Property tests: no time limit per example, since test machines are shared."""

from hypothesis import settings

settings.register_profile("rules", deadline=None, max_examples=60)
settings.load_profile("rules")
