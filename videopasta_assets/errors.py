"""Errors that a person can act on.

A `UserError` is a mistake that the user can mend: it carries what is wrong, where, and what to do, and the
command line prints it as one sentence and exits with code 2. Everything else that we raise on purpose is a
`VideoPastaError`: work that failed (exit code 1), or a row that becomes an error row.
"""


class VideoPastaError(Exception):
    """Base of the errors that this project raises on purpose; `str(error)` is one sentence."""


class UserError(VideoPastaError):
    """A wrong input: *what* is wrong, *where*, and the *fix*."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        sentence = f"{where}: {what}" if where else what
        closed = sentence if sentence.endswith(("?", "!")) else f"{sentence.rstrip('.')}."
        super().__init__(f"{closed} {fix}" if fix else sentence)
