"""Schemas that other programs have loaded, or that lost their ledger."""
