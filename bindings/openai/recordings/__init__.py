"""Recorded model calls: kept in files that people can read, found again by conversation."""
