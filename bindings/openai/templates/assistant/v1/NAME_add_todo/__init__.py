from ..NAME_todos import todos


def main(taskDescription: str) -> None:
    todos.append(taskDescription)
