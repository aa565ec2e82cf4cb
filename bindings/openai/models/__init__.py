"""What answers as the chat model: a service, a script, or rules without a network."""
