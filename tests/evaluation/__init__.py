"""How well the offline model understands people: `python -m tests.evaluation`.

`phrasings.yaml` is what people say to an app with the skills of `skills.yaml`, and what a good
model would call. One half of it, chosen by a hash of the words, is held out: whoever improves the
model looks at the failures of the other half only, so that the held-out half tells how it does
with words nobody thought of.
"""
