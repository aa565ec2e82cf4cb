"""The four assistant bindings: create, post, query and the skill trigger."""
