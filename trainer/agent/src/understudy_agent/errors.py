"""The one error whose text a user reads."""


class TrainingError(Exception):
    """A sentence that says what is wrong and what to do."""
