"""The to-do list: kept as long as the app runs; a real app would use a database."""

todos: list[str] = []
