"""Pickles read as data: numbers, texts, containers, and what a table of names stands for. No code runs.

Python's own unpickler imports what a pickle names and calls it. Here, a name is looked up in a table of functions that
make records; any other name is refused. Nothing is imported, no attribute is set, no method of an object is called.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import IO, Any, NamedTuple

MAX_OPERATIONS = 5_000_000
MAX_OBJECTS = 1_000_000
"""The largest number of containers and records in a pickle."""
MAX_NAMES = 6
"""The number of unknown names that a message lists."""

MAX_NAME = 300
"""The largest number of characters of a name."""


class PickleError(ValueError):
    """A pickle is damaged or too large."""


class RefusedNamesError(PickleError):
    """A pickle names what is not data."""

    def __init__(self, names: list[str]) -> None:
        listed = ", ".join(name[:80] for name in names[:MAX_NAMES])
        super().__init__(f"{listed}{f' and {len(names) - MAX_NAMES:,} more' * (len(names) > MAX_NAMES)}")
        self.names = names


class UnknownName(NamedTuple):
    """A name that is not in the table, or what would be made with it."""

    name: str


Make = Callable[..., Any]
"""Returns the record that a call of a name stands for."""


class PickledName(NamedTuple):
    """A name of the table: what calls of it make, and its value where it is not called."""

    name: str
    make: Make


_MARK = object()


class PickleReader:
    """Reads one pickle.

    Args:
        table: what calls of names make, by ``module.name``.
        persistent: returns what a reference to something outside of the pickle stands for.
    """

    def __init__(self, table: Mapping[str, Make], persistent: Callable[[Any], Any]) -> None:
        self._table = table
        self._persistent = persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._unknown: dict[str, None] = {}
        self._objects = 0

    def read(self, file: IO[bytes] | bytes) -> Any:
        """Return the object of a pickle; a file is left at the end of it.

        Raises:
            PickleError: the pickle is damaged, too large, or names what is not in the table.
        """
        try:
            for number, (operation, argument, _) in enumerate(pickletools.genops(file)):
                if number > MAX_OPERATIONS or self._objects > MAX_OBJECTS:
                    raise PickleError("it has too many objects")
                if operation.name == "STOP":
                    break
                _OPERATIONS[operation.name](self, argument)
            found = self.pop()
            if self._stack:
                raise PickleError("it is damaged: it leaves several objects")
        except PickleError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, OSError) as error:
            raise PickleError(f"it is damaged: {error}" if isinstance(error, ValueError) else "it is damaged") from None
        if self._unknown:
            raise RefusedNamesError([*self._unknown])
        return found

    # --- the stack ---

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def push_new(self, value: Any) -> None:
        """Push a new container or record."""
        self._objects += 1
        self._stack.append(value)

    def pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise PickleError("it is damaged: a value is missing")
        return value

    def top(self) -> Any:
        """Return the value on top of the stack, which stays there."""
        value = self._stack[-1]
        if value is _MARK:
            raise PickleError("it is damaged: a value is missing")
        return value

    def pop_to_mark(self) -> list[Any]:
        """Remove and return the values above the last mark, and remove the mark."""
        found = []
        while (value := self._stack.pop()) is not _MARK:
            found.append(value)
        return found[::-1]

    # --- operations that need the state ---

    def drop(self) -> None:
        self._stack.pop()

    def remember(self, index: int) -> None:
        self._memo[index] = self.top()

    def recall(self, index: int) -> None:
        self._stack.append(self._memo[index])

    def memoize(self) -> None:
        self.remember(len(self._memo))

    def name(self, module: str, name: str) -> None:
        """Push what a name stands for."""
        if len(module) + len(name) > MAX_NAME:
            raise PickleError(f"a name has more than {MAX_NAME} characters")
        full = f"{module.replace('__builtin__', 'builtins')}.{name}"
        if full in self._table:
            self.push_new(PickledName(full, self._table[full]))
        else:
            self._unknown[full] = None
            self.push_new(UnknownName(full))

    def call(self, function: Any, arguments: Any) -> None:
        """Push what a call of a name makes; calls of unknown names are unknown."""
        if isinstance(arguments, tuple):  # what is made may be a copy of them
            self._objects += sum(len(each) for each in arguments if isinstance(each, list | tuple | dict))
        if isinstance(function, UnknownName):
            self.push_new(function)
        elif isinstance(function, PickledName) and isinstance(arguments, tuple):
            needs_unknown = any(isinstance(each, UnknownName) for each in arguments)
            self.push_new(UnknownName(function.name) if needs_unknown else function.make(*arguments))
        else:
            raise PickleError("it is damaged: it calls what is not a name")

    def refer(self, identifier: Any) -> None:
        self.push_new(self._persistent(identifier))

    def append(self, values: list[Any]) -> None:
        into = self.top()
        if isinstance(into, list):
            into += values
        elif not isinstance(into, UnknownName):
            raise PickleError("it is damaged: it appends to what is not a list")

    def set_items(self, values: list[Any]) -> None:
        into = self.top()
        if isinstance(into, dict):
            into.update(zip(map(key_of, values[::2]), values[1::2], strict=True))
        elif not isinstance(into, UnknownName):
            raise PickleError("it is damaged: it sets an item of what is not a dictionary")

    def build(self) -> None:
        """Ignore the state of a container or record; that of a class that is refused does not matter."""
        self.pop()
        self.top()


def key_of(value: Any) -> str:
    """Return a key as a text. (Other keys could nest, and their hashes would take as many calls.)

    Raises:
        PickleError: it is neither text nor a number.
    """
    if isinstance(value, str | int | float | None):
        return str(value)
    if isinstance(value, UnknownName):
        return value.name
    raise PickleError("a key of a dictionary is neither text nor a number")


def _pairs(values: list[Any]) -> dict[str, Any]:
    return dict(zip(map(key_of, values[::2]), values[1::2], strict=True))


def _tuple_of(count: int) -> Callable[[PickleReader, Any], None]:
    def run(reader: PickleReader, _: Any) -> None:
        values = [reader.pop() for _ in range(count)]
        reader.push_new(tuple(values[::-1]))

    return run


def _constant(value: Any) -> Callable[[PickleReader, Any], None]:
    return lambda reader, _: reader.push(value)


def _reduce(reader: PickleReader, _: Any) -> None:
    arguments = reader.pop()
    reader.call(reader.pop(), arguments)


def _new_with_names(reader: PickleReader, _: Any) -> None:
    if reader.pop() != {}:
        raise PickleError("it makes an object with arguments by name")
    _reduce(reader, _)


def _object(reader: PickleReader, _: Any) -> None:
    function, *arguments = reader.pop_to_mark()
    reader.call(function, tuple(arguments))


def _instance(reader: PickleReader, written: str) -> None:
    arguments = tuple(reader.pop_to_mark())
    reader.name(*written.split(" ", 1))
    reader.call(reader.pop(), arguments)


def _drop_to_mark(reader: PickleReader, _: Any) -> None:
    reader.pop_to_mark()


def _stack_name(reader: PickleReader, _: Any) -> None:
    name, module = reader.pop(), reader.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise PickleError("it is damaged: a name is not text")
    reader.name(module, name)


def _two(reader: PickleReader) -> list[Any]:
    value, key = reader.pop(), reader.pop()
    return [key, value]


_OPERATIONS: dict[str, Callable[[PickleReader, Any], None]] = {
    **dict.fromkeys(["PROTO", "FRAME"], lambda reader, _: None),
    **dict.fromkeys(
        ["INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"], PickleReader.push
    ),
    **dict.fromkeys(["UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"], PickleReader.push),
    **dict.fromkeys(["STRING", "BINSTRING", "SHORT_BINSTRING"], PickleReader.push),
    **dict.fromkeys(["BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"], PickleReader.push),
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    "MARK": _constant(_MARK),
    "POP": lambda reader, _: reader.drop(),
    "POP_MARK": _drop_to_mark,
    "DUP": lambda reader, _: reader.push(reader.top()),
    **dict.fromkeys(["PUT", "BINPUT", "LONG_BINPUT"], PickleReader.remember),
    **dict.fromkeys(["GET", "BINGET", "LONG_BINGET"], PickleReader.recall),
    "MEMOIZE": lambda reader, _: reader.memoize(),
    "EMPTY_TUPLE": lambda reader, _: reader.push(()),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": lambda reader, _: reader.push_new(tuple(reader.pop_to_mark())),
    **dict.fromkeys(["EMPTY_LIST", "EMPTY_SET"], lambda reader, _: reader.push_new([])),
    **dict.fromkeys(["LIST", "FROZENSET"], lambda reader, _: reader.push_new(reader.pop_to_mark())),
    "EMPTY_DICT": lambda reader, _: reader.push_new({}),
    "DICT": lambda reader, _: reader.push_new(_pairs(reader.pop_to_mark())),
    "APPEND": lambda reader, _: reader.append([reader.pop()]),
    **dict.fromkeys(["APPENDS", "ADDITEMS"], lambda reader, _: reader.append(reader.pop_to_mark())),
    "SETITEM": lambda reader, _: reader.set_items(_two(reader)),
    "SETITEMS": lambda reader, _: reader.set_items(reader.pop_to_mark()),
    "GLOBAL": lambda reader, written: reader.name(*written.split(" ", 1)),
    "STACK_GLOBAL": _stack_name,
    **dict.fromkeys(["REDUCE", "NEWOBJ"], _reduce),
    "NEWOBJ_EX": _new_with_names,
    "OBJ": _object,
    "INST": _instance,
    "BUILD": lambda reader, _: reader.build(),
    "BINPERSID": lambda reader, _: reader.refer(reader.pop()),
    "PERSID": lambda reader, written: reader.refer(written),
}
"""What the operations of a pickle do. Those that are missing (extension codes, buffers of a stream) are refused."""
