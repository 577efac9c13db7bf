"""A ``NamedTuple`` that costs a tenth of typing's to define.

Start-up is a feature, and an audit defines some eighty kinds of value. typing's way compiles code
for each (75 µs); this one makes a subclass of tuple with the interpreter's own getters: 7 of an
audit's 42 ms of CPU (measured). To a type checker it is typing's. At run time it has what is asked
of one here: fields by place and by name, defaults, methods, ``_replace``, ``_fields``,
``_field_defaults`` and annotations. Standard library only, Python 3.9.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from collections import _tuplegetter as _getter

    _tuple = tuple.__new__

    class _Definition(type):
        """Makes of a class body what ``typing.NamedTuple`` makes of it."""

        def __new__(cls, name, bases, body):
            body.pop("__orig_bases__", None)
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body.pop(field) for field in fields if field in body}
            body.update({field: _getter(at, None) for at, field in enumerate(fields)})
            body.update(
                __new__=_constructor(name, fields, defaults), __slots__=(), _fields=fields, _field_defaults=defaults,
                _replace=_replace, __repr__=_repr, __getnewargs__=_values,
            )  # fmt: skip
            return type(name, (tuple,), body)

    def _constructor(name, fields, defaults):
        size, last = len(fields), tuple(defaults.values())

        def __new__(cls, *values, **named):  # noqa: N807  # it is one
            if named:
                try:
                    values += tuple([named.pop(f) if f in named else defaults[f] for f in fields[len(values) :]])
                except KeyError as err:
                    raise TypeError(f"{name} is missing its {err}") from None
                if named:
                    raise TypeError(f"{name} has no {', '.join(named)}, or has it already")
            elif len(values) < size <= len(values) + len(last):
                values += last[len(values) - size :]
            if len(values) != size:
                raise TypeError(f"{name} has {size} fields: {', '.join(fields)}")
            return _tuple(cls, values)

        return __new__

    def _replace(self, **changed):
        made = _tuple(type(self), map(changed.pop, self._fields, self))
        if changed:
            raise ValueError(f"{type(self).__name__} has no {', '.join(changed)}")
        return made

    def _values(self):
        return tuple(self)

    def _repr(self):
        return f"{type(self).__name__}({', '.join(f'{field}={value!r}' for field, value in zip(self._fields, self))})"

    _Base = type.__new__(_Definition, "NamedTuple", (), {})

    def NamedTuple(*_):  # noqa: N802  # a class to all who derive from it
        """Only to derive from."""
        raise TypeError("derive a class from NamedTuple")

    NamedTuple.__mro_entries__ = lambda _: (_Base,)
