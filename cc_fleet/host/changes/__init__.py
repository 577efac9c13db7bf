"""A kind of change a file: ``preview(site, args)`` says what it would do now, ``apply(site, args)`` does it.

Both raise Refused where it cannot or must not be done; ``apply`` raises Failed where it was begun and its own check failed. Everything a
kind changes goes through the site's few steps, which the journal knows how to take back, so no kind has an undo of its own.
"""
