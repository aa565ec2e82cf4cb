"""`python -m emulator` is `funcemu`."""

from emulator.cli.main import main

if __name__ == "__main__":
    main()
