"""Parts of ``scripts/sky_order.py``."""
