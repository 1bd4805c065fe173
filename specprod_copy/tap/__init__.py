"""Tables published by TAP services: TAP_SCHEMA, felis, DaCHS, and views whose ids are text."""
