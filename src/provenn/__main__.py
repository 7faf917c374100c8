"""``python -m provenn`` is the ``provenn`` command."""

from provenn.cli import main

if __name__ == "__main__":
    main()
