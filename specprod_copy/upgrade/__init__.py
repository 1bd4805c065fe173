"""Schemas of earlier versions, brought to today's definition."""
