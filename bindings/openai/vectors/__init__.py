"""Where embedded documents are kept and searched."""
