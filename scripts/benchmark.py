"""How fast is specprod-copy, beside the server's own limit and other ways to fill a table?

python scripts/benchmark.py --help
"""

from benchmarking.cli import main

if __name__ == "__main__":
    main()
