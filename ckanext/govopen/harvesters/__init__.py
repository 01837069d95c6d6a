"""Harvest source types: each reads its kind of source, one mapping and one bulk writer are behind
all.
"""
