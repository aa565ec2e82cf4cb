"""How well the offline model understands people: `python -m tests.evaluation`.

Each table names the skills of an app, what people say to it, and what a good model would call. One
half, chosen by a hash of the words, is held out: whoever improves the model looks at the failures
of the other half only, so that the held-out half tells how it does with words nobody thought of.
"""
