"""Applications for conditional data: from handing in to the grant.

``commands`` what can be done, ``table`` who may do it when, ``decide`` the rules, ``fold`` the
state after an event, ``clock`` what runs, ``letter`` and ``papers`` what goes out.
"""
