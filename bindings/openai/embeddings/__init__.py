"""The embeddings bindings: text in chunks, turned into vectors, delivered or stored."""
