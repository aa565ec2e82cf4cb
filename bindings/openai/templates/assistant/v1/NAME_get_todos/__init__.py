from ..NAME_todos import todos


def main(inputIgnored: str) -> list:
    return todos
