"""The embedded server: a private PostgreSQL for people without one."""
