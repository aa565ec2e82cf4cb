"""`python -m emulator` is `funcemu`."""

from emulator.cli.entry import main

if __name__ == "__main__":
    main()
