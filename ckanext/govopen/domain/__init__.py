"""The rules. Pure Python: no CKAN, Flask, SQLAlchemy, no clock, no I/O.

Time comes in as a timezone-aware ``now``, the law as a :class:`~.jurisdiction.Profile`, facts as
plain values. What comes out are events, answers and refusals that name their article.
"""
